"""A provider that does what a test tells it to, and keeps a ledger of what it was asked for."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from videojobs.ports.videos import (
    Capabilities,
    Generation,
    GenerationRequest,
    Providers,
    ReportProgress,
    Submission,
    UnknownSubmit,
    VideoProvider,
)

type Answer[T] = T | Exception | Callable[[], T]
"""What a call brings: a value, an error to raise, or a function that is called."""

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
        fetches: list[Answer[bytes]] | None = None,
        **capabilities: Any,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            yields_pixels=yields_pixels, can_cancel=can_cancel, unknown_submit=unknown_submit, **capabilities
        )
        self.fetches = fetches or []
        self.requests: list[GenerationRequest] = []
        self.submits, self.polls, self.finds, self.cancels = submits or [], polls or [], finds or [], cancels or []
        self.tokens: list[str] = []
        self.polled: list[str] = []
        self.sought: list[str] = []
        self.cancelled: list[str] = []
        self.fetched: list[str] = []
        self._lock = Lock()

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Enter the token into the ledger and answer; unless told otherwise, a poll after five seconds."""
        with self._lock:
            self.tokens.append(token)
            self.requests.append(request)
        return self._answer(self.submits, Submission(f"task-of-{token}", poll_after_seconds=5))

    def find(self, *, token: str) -> Submission | None:
        """The task of the ledger."""
        self.sought.append(token)
        known = Submission(f"task-of-{token}", poll_after_seconds=5) if token in self.tokens else None
        return self._answer(self.finds, known)

    def poll(self, ref: str) -> Generation:
        """Unless told otherwise, done."""
        self.polled.append(ref)
        return self._answer(self.polls, DONE)

    def cancel(self, ref: str) -> bool:
        """Unless told otherwise, stopped."""
        self.cancelled.append(ref)
        return self._answer(self.cancels, True)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:
        """Unless told otherwise, a file that names the task."""
        self.fetched.append(ref)
        content = self._answer(self.fetches, f"video of {ref}".encode())
        on_progress(1)
        path.write_bytes(content)

    def _answer[T](self, script: list[Answer[T]], otherwise: T) -> T:
        with self._lock:
            answer: Answer[T] = script.pop(0) if script else otherwise
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


def only(*providers: VideoProvider) -> Providers:
    """A deployment that has just these, in this order."""
    known = {provider.name: provider for provider in providers}
    return Providers(order=tuple(known), get=known.get)
