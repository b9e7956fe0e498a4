"""Remove all that a user has, however much it is: at once as far as the time goes, and the rest by the reconciler."""

import logging
from datetime import datetime

from videojobs.domain import lifecycle
from videojobs.domain.job import JobId, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import Priority
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import (
    BatchRepository,
    Clock,
    ErasureRepository,
    JobQueue,
    JobRepository,
    Position,
)
from videojobs.ports.videos import VideoStore
from videojobs.services.delete_job import remove_ended
from videojobs.services.follow_up import follow_up
from videojobs.services.log_transition import log_transition

logger = logging.getLogger(__name__)

PAGE = 25
"""Of running jobs some two seconds' work: the last page, too, has to be done before API Gateway gives up."""
_LAST_ID = JobId("f" * 24)


def erase_videos(
    user_id: UserId,
    created_before: datetime,
    *,
    until: datetime,
    jobs: JobRepository,
    batches: BatchRepository,
    erasures: ErasureRepository,
    slots: SlotRepository,
    store: VideoStore,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
    policy: StepPolicy,
) -> bool:
    """Remove the user's jobs of before that moment, running ones too, and the batches; False: not all yet at `until`.

    What is not done stands in `erasures`, from where the reconciler goes on. Idempotent.

    Raises:
        Unavailable: MongoDB or S3 does not answer; the reconciler goes on.
    """
    erasures.add(user_id, created_before)
    while clock.now() < until:
        page = jobs.list_newest(user_id, clock.now(), limit=PAGE, after=Position(created_before, _LAST_ID))
        if not page:
            batches.remove_all(user_id, created_before)
            erasures.remove(user_id, created_before)
            logger.info("Videos erased", extra={"action": "videos_erased"})
            return True
        for job in page:
            if job.is_live:
                ended = _end(job, jobs=jobs, clock=clock, policy=policy)
                if ended is None:
                    continue  # it has just moved on, and comes again with the next page
                follow_up(ended, jobs=jobs, slots=slots, queue=queue, notifier=notifier, clock=clock)
                job = ended  # noqa: PLW2901 - the same job, later
            remove_ended(job, jobs=jobs, store=store, clock=clock)
        for priority in Priority:
            slots.release(user_id, priority, [job.id for job in page])
    return False


def _end(job: VideoJob, *, jobs: JobRepository, clock: Clock, policy: StepPolicy) -> VideoJob | None:
    cancelled = lifecycle.cancel(job, clock.now(), policy)
    if not jobs.save(job, cancelled):
        return None
    log_transition(job, cancelled, because="its user erases all videos")
    return cancelled
