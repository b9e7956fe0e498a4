"""Tell the queue about a job's next step."""

import logging

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import VideoJob
from videojobs.ports import Clock, JobQueue

logger = logging.getLogger(__name__)


def send_step(job: VideoJob, *, queue: JobQueue, clock: Clock) -> bool:
    """Send the message of `job.next`, to arrive when it is due; an ended job has none. Whether all is well.

    A queue that does not take it is no fault of the job: the step stands in the job, and the reconciler sends it.
    """
    if job.next is None:
        return True
    delay_seconds = max((job.next.due_at - clock.now()).total_seconds(), 0.0)
    try:
        queue.send(job.id, job.next, delay_seconds=delay_seconds)
    except Unavailable:
        extra = {"action": "step_not_sent", "job_id": job.id, "step": job.next.step}
        logger.warning("Message not sent, the reconciler will", extra=extra, exc_info=True)
        return False
    return True
