"""What comes after a job was written: the message of its next step, the announcement, and at its end the next job."""

from videojobs.domain.job import VideoJob
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import ShareRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.announce_changes import announce_changes
from videojobs.services.send_step import send_step
from videojobs.services.share_lane import make_room


def follow_up(
    stored: VideoJob,
    *,
    jobs: JobRepository,
    shares: ShareRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
) -> None:
    """Tell the queue, the listeners, and whoever waits for the place; after a crash the reconciler does."""
    send_step(stored, queue=queue, clock=clock)
    announce_changes(stored, jobs=jobs, notifier=notifier)
    if not stored.is_live:
        make_room(stored, jobs=jobs, shares=shares, queue=queue, clock=clock)
