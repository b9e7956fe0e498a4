"""Tell the queue about a job's next step."""

import logging

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import VideoJob
from videojobs.ports.jobs import Clock, JobQueue

logger = logging.getLogger(__name__)

LONGEST_DELAY_SECONDS = 900
"""SQS's limit. A message that came before its time would begin the step too early."""


def send_step(job: VideoJob, *, queue: JobQueue, clock: Clock) -> None:
    """Send the message of `job.next`, to arrive when it is due; an ended job has none.

    A queue that does not take it is no fault of the job: the step stands in the job, and the reconciler sends it. It
    also sends what is due later than a message can be delayed.
    """
    if job.next is None:
        return
    delay_seconds = max((job.next.due_at - clock.now()).total_seconds(), 0.0)
    if delay_seconds > LONGEST_DELAY_SECONDS:
        return
    try:
        queue.send(job, delay_seconds=delay_seconds)
    except Unavailable:
        extra = {"action": "step_not_sent", "job_id": job.id, "step": job.next.step}
        logger.warning("Message not sent, the reconciler will", extra=extra, exc_info=True)
