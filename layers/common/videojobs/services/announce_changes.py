"""Tell the world what a user could see change: everything that stands in a job's outbox."""

import logging
from dataclasses import replace

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import VideoJob
from videojobs.domain.trace import following
from videojobs.ports.changes import Notifier
from videojobs.ports.jobs import JobRepository

logger = logging.getLogger(__name__)


def announce_changes(job: VideoJob, *, jobs: JobRepository, notifier: Notifier) -> VideoJob:
    """Publish the outbox and empty it; the job as it is then.

    At least once: a crash in between leaves the announcements where they are, and the reconciler publishes them again
    under the same ids. Whatever does not answer holds up no work: the outbox keeps.
    """
    if not job.outbox:
        return job
    try:
        with following(job.traceparent):
            notifier.publish(job.id, job.outbox)
        jobs.mark_announced(job.id, job.outbox)
    except Unavailable:
        extra = {"action": "not_announced", "job_id": job.id}
        logger.warning("Not announced, the reconciler will", extra=extra, exc_info=True)
        return job
    return replace(job, outbox=())
