"""What comes after a job was written: the message of its next step, the announcement, and at its end the next job."""

from videojobs.domain.job import VideoJob
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.announce_changes import announce_changes
from videojobs.services.manage_slots import release_slot
from videojobs.services.send_step import send_step


def follow_up(
    stored: VideoJob,
    *,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
) -> None:
    """Tell the queue, the listeners, and whoever waits for the place; after a crash the reconciler does."""
    send_step(stored, queue=queue, clock=clock)
    announce_changes(stored, jobs=jobs, notifier=notifier)
    if not stored.is_live:
        release_slot(stored, jobs=jobs, slots=slots, queue=queue, clock=clock)
