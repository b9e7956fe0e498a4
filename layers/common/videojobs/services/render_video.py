"""The renderer: make a job's pixels, store them, and hand over to the worker's finish."""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from videojobs.domain import lifecycle
from videojobs.domain.errors import LeaseLost, ProviderError, Unavailable
from videojobs.domain.job import OBJECT_KINDS, JobId, JobStatus, Lease, Output, VideoJob, object_key
from videojobs.domain.policy import StepPolicy
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import ShareRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.ports.videos import VideoRenderer, VideoStore
from videojobs.services.announce_changes import announce_changes
from videojobs.services.claim_step import claim_step, save_or_stop
from videojobs.services.follow_up import follow_up

logger = logging.getLogger(__name__)

REPORT_EVERY = timedelta(seconds=1)
"""How often progress is written, and the lease renewed with it."""


class _LeasedWork:
    """A job under work: each report of progress that is due renews the lease, or finds that it was lost."""

    def __init__(
        self, job: VideoJob, *, jobs: JobRepository, notifier: Notifier, clock: Clock, lease_duration: timedelta
    ) -> None:
        self.job = job
        self._jobs, self._notifier, self._clock, self._lease_duration = jobs, notifier, clock, lease_duration
        self._start = job.progress or 0.0
        self._reported_at = clock.now()

    def report(self, done: float) -> None:
        now = self._clock.now()
        if now - self._reported_at < REPORT_EVERY or self.job.lease is None:
            return
        self._reported_at = now
        progress = round(self._start + (1 - self._start) * done, 3)
        lease = Lease(self.job.lease.token, now + self._lease_duration)
        after = lifecycle.keep_rendering(self.job, progress, now, lease)
        try:
            save_or_stop(self.job, after, jobs=self._jobs)
        except Unavailable:
            # It may have landed: the next write takes a version beyond it, and only the stored outbox knows whether to
            # announce it.
            self.job = replace(after, outbox=self.job.outbox)
            extra = {"action": "progress_not_saved", "job_id": self.job.id}
            logger.warning("Progress not saved, the next report tries again", extra=extra, exc_info=True)
        else:
            self.job = announce_changes(after, jobs=self._jobs, notifier=self._notifier)


def render_video(
    job_id: JobId,
    step_id: str,
    *,
    jobs: JobRepository,
    shares: ShareRepository,
    queue: JobQueue,
    notifier: Notifier,
    renderer: VideoRenderer,
    store: VideoStore,
    clock: Clock,
    policy: StepPolicy,
) -> None:
    """Render at most once at a time, under a lease that is renewed while the work goes on; scratch files always go.

    Video, poster and preview lie under `videos/{jobId}/{attempt}.*`: a repeat after a crash replaces them.

    Raises:
        Unavailable: MongoDB or S3 did not answer; the message should be delivered again.
    """
    job = claim_step(job_id, step_id, jobs=jobs, clock=clock, lease_duration=policy.lease_duration)
    if job is None:
        return
    work = _LeasedWork(job, jobs=jobs, notifier=notifier, clock=clock, lease_duration=policy.lease_duration)
    try:
        with TemporaryDirectory(prefix=f"render-{job_id}-") as folder:
            try:
                if lifecycle.is_late(job, clock.now(), policy):
                    after = lifecycle.fail(job, lifecycle.TOO_LATE, clock.now(), policy)
                else:
                    after = _render(work, Path(folder), renderer=renderer, store=store, clock=clock)
            except ProviderError as error:
                after = lifecycle.retry_or_fail(work.job, error, clock.now(), policy)
        save_or_stop(work.job, after, jobs=jobs)
    except LeaseLost:
        logger.info("Lease lost", extra={"action": "lease_lost", "job_id": job_id})
        _discard(work.job, jobs=jobs, store=store)
        return
    follow_up(after, jobs=jobs, shares=shares, queue=queue, notifier=notifier, clock=clock)


def _discard(job: VideoJob, *, jobs: JobRepository, store: VideoStore) -> None:
    """Remove what we stored, if it is nobody's: the job is cancelled or deleted, or has another attempt since."""
    stored = jobs.find(job.id)
    if stored is None or stored.status is JobStatus.CANCELLED or stored.attempt != job.attempt:
        store.remove(object_key(job.id, job.attempt, kind) for kind in OBJECT_KINDS)


def _render(work: _LeasedWork, folder: Path, *, renderer: VideoRenderer, store: VideoStore, clock: Clock) -> VideoJob:
    rendered = renderer.render(work.job, folder, lambda done: work.report(0.9 * done))
    name = partial(object_key, work.job.id, work.job.attempt)
    video = store.put(rendered.video, name("mp4"), "video/mp4", lambda done: work.report(0.9 + 0.1 * done))
    poster = store.put(rendered.poster, name("jpg"), "image/jpeg")
    preview = store.put(rendered.preview, name("webp"), "image/webp")
    output = Output(video, rendered.width, rendered.height, rendered.seconds)
    return lifecycle.finish_next(work.job, output, poster, preview, clock.now())
