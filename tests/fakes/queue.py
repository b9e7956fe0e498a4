"""A queue that keeps what it was told to send."""

from dataclasses import dataclass
from math import ceil
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, Step, UserId, VideoJob
from videojobs.domain.request import Priority

MAXIMUM_DELAY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message: what it carries, which kind of step it is for, the delay that SQS would give it, lane and group."""

    job_id: JobId
    step_id: str
    step: Step
    delay_seconds: int = 0
    lane: Priority = Priority.NORMAL
    group: UserId | None = None


class RecordingQueue:
    """See `ports.JobQueue`. Safe for threads.

    `available = False`: nothing is taken and `Unavailable` raised. `answers_lost = True`: the message is taken, but
    the answer is lost on its way, so that `Unavailable` is raised all the same.
    """

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self) -> None:
        self._sent: list[SentMessage] = []
        self._lock = Lock()
        self.available = True
        self.answers_lost = False

    @property
    def sent(self) -> list[SentMessage]:
        """Every message that was taken and not yet drained, oldest first."""
        with self._lock:
            return list(self._sent)

    def drain(self) -> list[SentMessage]:
        """Take all messages out."""
        with self._lock:
            taken, self._sent = self._sent, []
            return taken

    def put_back(self, message: SentMessage) -> None:
        """Return a drained message."""
        with self._lock:
            self._sent.append(message)

    def send(self, job: VideoJob, *, delay_seconds: float = 0) -> None:
        """Keep it."""
        if job.next is None:
            raise ValueError("an ended job has no message")
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
