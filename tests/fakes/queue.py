"""A queue that records the messages."""

from dataclasses import dataclass
from math import ceil
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, Step, UserId, VideoJob
from videojobs.domain.request import Priority

MAXIMUM_DELAY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A sent message: its content, the step, the delay rounded up to seconds, the priority and the group."""

    job_id: JobId
    step_id: str
    step: Step
    delay_seconds: int = 0
    lane: Priority = Priority.NORMAL
    group: UserId | None = None


class RecordingQueue:
    """See `ports.JobQueue`. Safe for threads.

    With `available = False` nothing is sent and `Unavailable` is raised. With `answers_lost = True` the message is
    sent, but `Unavailable` is raised because the response is lost.
    """

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self) -> None:
        self._sent: list[SentMessage] = []
        self._lock = Lock()
        self.available = True
        self.answers_lost = False

    @property
    def sent(self) -> list[SentMessage]:
        """Return every message that was sent and not drained, oldest first."""
        with self._lock:
            return list(self._sent)

    def drain(self) -> list[SentMessage]:
        """Remove and return all messages."""
        with self._lock:
            taken, self._sent = self._sent, []
            return taken

    def put_back(self, message: SentMessage) -> None:
        """Put a drained message back into the queue."""
        with self._lock:
            self._sent.append(message)

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Record a message for the next step of the job."""
        if job.next is None:
            raise ValueError("the job has no next step to send")
        if not self.available:
            raise Unavailable
        if not 0 <= delay_seconds <= MAXIMUM_DELAY_SECONDS:
            raise ValueError(f"SQS can't delay a message by {delay_seconds} s")
        delay = ceil(delay_seconds)
        message = SentMessage(job.id, job.next.id, job.next.step, delay, lane=job.priority, group=job.user_id)
        with self._lock:
            self._sent.append(message)
        if self.answers_lost:
            raise Unavailable
