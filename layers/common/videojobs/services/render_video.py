"""Renderer: render or assemble a job's video, store its files, and schedule the finish step."""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from videojobs.domain import confirmation, deadlines, lifecycle
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobId, JobStatus, Lease, Output, Step, VideoJob
from videojobs.domain.production import Production
from videojobs.domain.storage import OBJECT_KINDS, object_key, part_key
from videojobs.ports.jobs import Clock, JobRepository
from videojobs.ports.videos import Providers, RenderedVideo, ReportProgress, VideoRenderer, VideoStore
from videojobs.services.claim_step import claim_step, return_run
from videojobs.services.discard_result import discard_result
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)

REPORT_EVERY = timedelta(seconds=1)
"""Minimum interval between writes of the progress, each of which renews the lease."""
FIRST_REPORT_AFTER = timedelta(seconds=0.4)
"""Minimum time before the first write, so that progress shows within a second and a short step makes no write."""


class _LeasedWork:
    """Leased job during rendering. Reports of progress renew the lease, and raise `LeaseLost` if it was lost."""

    def __init__(self, job: VideoJob, dispatcher: JobDispatcher) -> None:
        self.job = job
        self._dispatcher, self._clock = dispatcher, dispatcher.clock
        self._start = job.progress or 0.0
        self._next_report_at = self._clock.now() + FIRST_REPORT_AFTER

    def portion(self, begin: float, end: float) -> ReportProgress:
        """Return a progress function for a part of the work, which maps 0–1 to `begin`–`end` of the whole."""
        return lambda done: self.report(begin + (end - begin) * done)

    def report(self, done: float) -> None:
        now = self._clock.now()
        if now < self._next_report_at or self.job.lease is None:
            return
        self._next_report_at = now + REPORT_EVERY
        progress = round(self._start + (1 - self._start) * done, 3)
        lease = Lease(self.job.lease.token, now + self._dispatcher.policy.lease_duration)
        after = lifecycle.keep_rendering(self.job, progress, now, lease)
        try:
            after = self._dispatcher.commit(self.job, after)
        except Unavailable:
            # The write may have been applied, so the next one uses a higher version. The reconciler publishes its
            # announcement if it is in the stored outbox.
            self.job = replace(after, outbox=self.job.outbox)
            extra = {"action": "progress_not_saved", "job_id": self.job.id}
            logger.warning("Progress not saved; the next report will retry", extra=extra, exc_info=True)
        else:
            self.job = self._dispatcher.announce(after)


def render_video(
    job_id: JobId,
    step_id: str,
    *,
    dispatcher: JobDispatcher,
    providers: Providers,
    renderer: VideoRenderer,
    store: VideoStore,
) -> None:
    """Render a job's video, at most once at a time, under a lease that is renewed during the work.

    Video, poster and preview are stored under `videos/{jobId}/{attempt}.*`. A repeat after a crash replaces them. If a
    provider makes the video in parts, each part is downloaded when it is finished, because results expire at the
    provider, and the last part is joined with the earlier ones. Scratch files are always removed.

    A `ProviderError` leads to another attempt or fails the job. If `MAXIMUM_RUNS` runs have ended without an outcome,
    the job fails. If the lease is lost, files that are not used are removed.

    Raises:
        Unavailable: If MongoDB or S3 does not respond, or the secret with the provider's key can't be read; the message
            should be delivered again.
        OSError: If a scratch file can't be written.
        ValueError: If the settings of the provider are invalid.
    """
    job = claim_step(job_id, step_id, dispatcher=dispatcher)
    if job is None:
        return
    clock, policy = dispatcher.clock, dispatcher.policy
    work = _LeasedWork(job, dispatcher)
    try:
        with TemporaryDirectory(prefix=f"render-{job_id}-") as folder:
            try:
                if deadlines.is_past_deadline(job, clock.now(), policy):
                    after = lifecycle.fail(job, lifecycle.DEADLINE_EXCEEDED, clock.now(), policy)
                elif deadlines.is_out_of_runs(job):
                    after = lifecycle.fail(job, lifecycle.INTERNAL_FAILURE, clock.now(), policy)
                else:
                    after = _render(
                        work, Path(folder), providers=providers, renderer=renderer, store=store, clock=clock
                    )
            except ProviderUnreachable as error:
                after = lifecycle.retry_call(work.job, Step.RENDER, clock.now(), error.retry_after_seconds)
            except ProviderError as error:
                after = confirmation.retry_failed_call(work.job, Step.RENDER, error, clock.now(), policy)
        after = dispatcher.commit(work.job, after)
    except LeaseLost:
        logger.info("Lease lost; rendering stopped", extra={"action": "lease_lost", "job_id": job_id})
        _discard(work.job, jobs=dispatcher.jobs, store=store)
        return
    except Unavailable:
        return_run(job, dispatcher=dispatcher)
        raise
    dispatcher.dispatch(after)
    if after.provider is None and after.attempt == job.attempt:  # a part is stored: its result is not needed any more
        discard_result(job, providers=providers)


def _discard(job: VideoJob, *, jobs: JobRepository, store: VideoStore) -> None:
    """Remove the files of this attempt, if the job was cancelled or removed or is in another attempt."""
    stored = jobs.find(job.id)
    if stored is None or stored.status is JobStatus.CANCELLED or stored.attempt != job.attempt:
        keys = [object_key(job.id, job.attempt, kind) for kind in OBJECT_KINDS]
        if job.production is not None:
            keys.append(part_key(job.id, job.attempt, job.production.part))
        store.remove(keys)


def _render(
    work: _LeasedWork,
    folder: Path,
    *,
    providers: Providers,
    renderer: VideoRenderer,
    store: VideoStore,
    clock: Clock,
) -> VideoJob:
    production = work.job.production
    if production is None:
        rendered = renderer.render(work.job, folder, work.portion(0, 0.9))
        return _hand_over(work, rendered, store=store, clock=clock)
    part = folder / f"part{production.part}.mp4"
    # Before the last part, most of the work remains: these reports renew the lease without raising the progress.
    fetched = 0.4 if production.is_at_last_part else 0.0
    _fetch(work.job, production, part, providers=providers, on_progress=work.portion(0, fetched))
    renderer.verify(part)
    if not production.is_at_last_part:
        key = part_key(work.job.id, work.job.attempt, production.part)
        stored = store.put(part, key, "video/mp4", work.portion(0, 0))
        return lifecycle.schedule_part(work.job, stored, clock.now())
    clips = [folder / f"part{number}.mp4" for number in range(1, production.part)]
    for clip, stored in zip(clips, production.parts, strict=True):
        store.get(stored, clip)
        work.portion(0.4, 0.5)(1)
    rendered = renderer.assemble([*clips, part], production.plan, folder, work.portion(0.5, 0.9))
    return _hand_over(work, rendered, store=store, clock=clock)


def _fetch(
    job: VideoJob, production: Production, path: Path, *, providers: Providers, on_progress: ReportProgress
) -> None:
    task = job.provider
    provider = providers.get(task.name) if task else None
    if provider is None or task is None or task.ref is None:
        message = "The video provider was changed while the video was being made. Please try again."
        raise ProviderError(FailureCode.RESULT_LOST, message, transient=True)
    maximum_bytes = production.maximum_part_bytes
    if not maximum_bytes:
        message = "The parts of the video are too large to be joined. Choose a shorter video and try again."
        raise ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
    provider.fetch(task.ref, path, on_progress, maximum_bytes=maximum_bytes)


def _hand_over(work: _LeasedWork, rendered: RenderedVideo, *, store: VideoStore, clock: Clock) -> VideoJob:
    name = partial(object_key, work.job.id, work.job.attempt)
    video = store.put(rendered.video, name("mp4"), "video/mp4", work.portion(0.9, 1))
    poster = store.put(rendered.poster, name("jpg"), "image/jpeg")
    preview = store.put(rendered.preview, name("webp"), "image/webp")
    segments = len(work.job.production.plan.clips) if work.job.production else 1
    size = rendered.width, rendered.height
    output = Output(video, *size, rendered.seconds, segments, rendered.missing_scripts)
    return lifecycle.schedule_finish(work.job, output, poster, preview, clock.now())
