"""A provider that does what a test tells it to, and keeps a ledger of what it was asked for."""

from collections.abc import Callable
from threading import Lock

from videojobs.domain.job import VideoJob
from videojobs.ports.videos import Capabilities, Generation, Submission, UnknownSubmit

type Answer[T] = T | Exception | Callable[[VideoJob], T]
"""What a call brings: a value, an error to raise, or a function that is called with the job."""

DONE = Generation(done=True, progress=1, video_url="https://provider.test/result.mp4")


class ScriptedProvider:
    """See `ports.VideoProvider`. Safe for threads.

    `submits`, `polls`, `finds` and `cancels` are scripts: each call takes its first answer off, and when a script is
    empty the call succeeds. `tokens` is the ledger: the token of every submit that arrived, in order, also of those
    whose answer was an error.
    """

    def __init__(
        self,
        *,
        name: str = "scripted",
        yields_pixels: bool = False,
        can_cancel: bool = True,
        unknown_submit: UnknownSubmit = UnknownSubmit.REPEAT,
        submits: list[Answer[Submission]] | None = None,
        polls: list[Answer[Generation]] | None = None,
        finds: list[Answer[Submission | None]] | None = None,
        cancels: list[Answer[bool]] | None = None,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            yields_pixels=yields_pixels, can_cancel=can_cancel, unknown_submit=unknown_submit
        )
        self.submits, self.polls, self.finds, self.cancels = submits or [], polls or [], finds or [], cancels or []
        self.tokens: list[str] = []
        self.polled: list[str] = []
        self.sought: list[str] = []
        self.cancelled: list[str] = []
        self._lock = Lock()

    def submit(self, job: VideoJob, *, token: str) -> Submission:
        """Enter the token into the ledger and answer; unless told otherwise, a poll after five seconds."""
        with self._lock:
            self.tokens.append(token)
        return self._answer(self.submits, job, Submission(f"task-of-{token}", poll_after_seconds=5))

    def find(self, job: VideoJob, *, token: str) -> Submission | None:
        """The task of the ledger."""
        self.sought.append(token)
        known = Submission(f"task-of-{token}", poll_after_seconds=5) if token in self.tokens else None
        return self._answer(self.finds, job, known)

    def poll(self, job: VideoJob, ref: str) -> Generation:
        """Unless told otherwise, done."""
        self.polled.append(ref)
        return self._answer(self.polls, job, DONE)

    def cancel(self, job: VideoJob, ref: str) -> bool:
        """Unless told otherwise, stopped."""
        self.cancelled.append(ref)
        return self._answer(self.cancels, job, True)

    def _answer[T](self, script: list[Answer[T]], job: VideoJob, otherwise: T) -> T:
        with self._lock:
            answer: Answer[T] = script.pop(0) if script else otherwise
        if isinstance(answer, Exception):
            raise answer
        return answer(job) if callable(answer) else answer
