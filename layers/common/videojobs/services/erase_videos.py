"""Erase a user's videos: all jobs, live ones too, and all batches that were created up to a time."""

import logging
from collections.abc import Iterable
from datetime import datetime

from videojobs.domain import lifecycle
from videojobs.domain.errors import LeaseLost
from videojobs.domain.job import JobId, VideoJob, object_keys
from videojobs.domain.request import Priority
from videojobs.ports.erasures import Erasure, ErasureRepository, MalformedJob
from videojobs.ports.jobs import BatchRepository, JobRepository
from videojobs.ports.videos import VideoStore
from videojobs.services.delete_job import remove_ended
from videojobs.services.job_dispatcher import JobDispatcher

logger = logging.getLogger(__name__)

PAGE = 25
"""Jobs per page. A page of live jobs takes about two seconds, so the last page ends before API Gateway times out."""


def erase_videos(
    erasure: Erasure,
    *,
    until: datetime,
    dispatcher: JobDispatcher,
    batches: BatchRepository,
    erasures: ErasureRepository,
    store: VideoStore,
) -> bool:
    """Cancel and delete a user's jobs, and delete the batches, that were created up to a time. Idempotent.

    Jobs whose clean-up is pending are hidden at once and removed by it. Malformed jobs are removed with their objects.

    Returns:
        True if no job and no object was left by `until`. Otherwise the erasure stays in `erasures`, and the reconciler
        resumes it.

    Raises:
        Unavailable: If MongoDB or S3 does not respond; the reconciler resumes the erasure.
    """
    jobs, clock = dispatcher.jobs, dispatcher.clock
    user_id, created_before = erasure
    erasures.add(user_id, created_before)
    while clock.now() < until:
        left = jobs.find_left(user_id, created_before, PAGE)
        if not left.jobs and not left.malformed:
            if left.is_waiting:
                return False
            batches.remove_all(user_id, created_before)
            erasures.remove(user_id, created_before)
            logger.info("Videos erased", extra={"action": "videos_erased"})
            return True
        for malformed in left.malformed:
            _remove_malformed(malformed, jobs=jobs, store=store)
        for job in left.jobs:
            if job.deleted_at is not None:  # its removal was interrupted
                store.remove(job.object_keys)
                jobs.remove(job)
                continue
            ended = _cancel(job, dispatcher=dispatcher) if job.is_live else job
            if ended is not None:  # a job that changed meanwhile is in the next page again
                remove_ended(ended, dispatcher=dispatcher, store=store)
        for priority in Priority:
            dispatcher.slots.release(user_id, priority, [*(job.id for job in left.jobs), *_ids(left.malformed)])
    return False


def _ids(malformed: Iterable[MalformedJob]) -> list[JobId]:
    return [job.job_id for job in malformed if job.job_id is not None]


def _remove_malformed(malformed: MalformedJob, *, jobs: JobRepository, store: VideoStore) -> None:
    if malformed.job_id is not None:
        store.remove(object_keys(malformed.job_id, malformed.attempts))
    jobs.remove_malformed(malformed)
    logger.warning("Malformed job removed", extra={"action": "job_removed", "job_id": malformed.job_id})


def _cancel(job: VideoJob, *, dispatcher: JobDispatcher) -> VideoJob | None:
    cancelled = lifecycle.cancel(job, dispatcher.clock.now(), dispatcher.policy)
    try:
        cancelled = dispatcher.commit(job, cancelled, because="its user erases all videos")
    except LeaseLost:
        return None
    dispatcher.dispatch(cancelled)
    return cancelled
