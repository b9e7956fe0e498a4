"""A provider with scripted outcomes that records the calls."""

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

type Outcome[T] = T | Exception | Callable[[], T]
"""The outcome of a call: a value, an error to raise, or a function that is called."""

DONE = Generation(done=True, progress=1, video_url="https://provider.test/result.mp4")


class ScriptedProvider:
    """See `ports.VideoProvider`. Safe for threads.

    `submits`, `polls`, `finds`, `cancels` and `fetches` are scripts: each call uses the first outcome of its script,
    and succeeds when the script is empty. `tokens` contains the token of every submit that arrived, in order, including
    those whose outcome was an error.
    """

    def __init__(
        self,
        *,
        name: str = "scripted",
        yields_pixels: bool = False,
        can_cancel: bool = True,
        unknown_submit: UnknownSubmit = UnknownSubmit.REPEAT,
        submits: list[Outcome[Submission]] | None = None,
        polls: list[Outcome[Generation]] | None = None,
        finds: list[Outcome[Submission | None]] | None = None,
        cancels: list[Outcome[bool]] | None = None,
        fetches: list[Outcome[bytes]] | None = None,
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
        self.limits: list[int] = []
        self.discards: list[Outcome[bool]] = []
        self.discarded: list[str] = []
        self._lock = Lock()

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Record the token and return the scripted outcome; by default a task that is polled after five seconds."""
        with self._lock:
            self.tokens.append(token)
            self.requests.append(request)
        return self._next_outcome(self.submits, Submission(f"task-of-{token}", poll_after_seconds=5))

    def find(self, *, token: str) -> Submission | None:
        """Return the scripted outcome; by default the task that was submitted with the token, or None."""
        self.sought.append(token)
        known = Submission(f"task-of-{token}", poll_after_seconds=5) if token in self.tokens else None
        return self._next_outcome(self.finds, known)

    def poll(self, ref: str) -> Generation:
        """Return the scripted outcome; by default the task is done."""
        self.polled.append(ref)
        return self._next_outcome(self.polls, DONE)

    def cancel(self, ref: str) -> bool:
        """Return the scripted outcome; by default the task is cancelled."""
        self.cancelled.append(ref)
        return self._next_outcome(self.cancels, True)

    def discard(self, ref: str) -> bool:
        """Return the scripted outcome; by default True."""
        self.discarded.append(ref)
        return self._next_outcome(self.discards, True)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Write the scripted content to the file; by default a text that names the task."""
        self.fetched.append(ref)
        self.limits.append(maximum_bytes)
        content = self._next_outcome(self.fetches, f"video of {ref}".encode())
        on_progress(1)
        path.write_bytes(content)

    def _next_outcome[T](self, script: list[Outcome[T]], default: T) -> T:
        with self._lock:
            outcome: Outcome[T] = script.pop(0) if script else default
        if isinstance(outcome, Exception):
            raise outcome
        return outcome() if callable(outcome) else outcome


def only(*providers: VideoProvider) -> Providers:
    """Return a deployment with exactly these providers, in this order."""
    known = {provider.name: provider for provider in providers}
    return Providers(order=tuple(known), get=known.get)
