"""A provider of the model, with the ledger of all tasks that anybody would have to pay."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.job import JobId
from videojobs.domain.plan import Clip
from videojobs.ports.videos import (
    Capabilities,
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
    UnknownSubmit,
)

VIDEO_URL = "https://provider.test/{ref}.mp4"


class ProviderKind(StrEnum):
    """What it gives: a link to a video, a video to be fetched, one in parts, or its leave to draw one at once."""

    LINKS = "links to a video"
    MAKES = "makes a video"
    PARTS = "makes a video part by part"
    DRAWS = "lets us draw"


class Answer(StrEnum):
    """What the provider does at a submit or a poll, other than its work."""

    NEVER_ENDS = "takes it, and never ends"
    REFUSES = "refuses what it shows"
    BUSY = "has no room for 100 s"
    OVERLOADED = "has no room for an hour"
    BROKEN = "fails"
    HALF_DONE = "is half done"
    SILENT = "does nothing and says nothing"
    ANSWER_LOST = "does its work, and nobody hears of it"
    FAR_FROM_DONE = "wants to be asked again in two hours"


ERRORS = {
    Answer.REFUSES: partial(ProviderError, FailureCode.CONTENT_REJECTED, "No.", transient=False),
    Answer.BUSY: partial(ProviderError, FailureCode.RATE_LIMITED, "Busy.", transient=True, retry_after_seconds=100),
    Answer.OVERLOADED: partial(
        ProviderError, FailureCode.QUOTA_EXHAUSTED, "Full.", transient=True, retry_after_seconds=3600
    ),
    Answer.BROKEN: partial(ProviderError, FailureCode.PROVIDER_ERROR, "Broken.", transient=True),
    Answer.SILENT: ProviderUnreachable,
}
_REFUSAL = ProviderError(FailureCode.PROVIDER_ERROR, "It is over already.", transient=False)


@dataclass(slots=True)
class Task:
    """One generation. `late`: whoever submitted it had lost the lease by then. `is_over`: it was stopped."""

    ref: str
    token: str
    job_id: JobId
    ends: bool
    late: bool
    is_over: bool = False


class LedgerProvider:
    """See `ports.VideoProvider`. Only under `REPEAT` a token that it has seen makes no second task.

    `answer` is what the next submit or poll brings; without one a submit is taken and a poll is done.
    """

    name = "ledger"

    def __init__(self, kind: ProviderKind, unknown_submit: UnknownSubmit) -> None:
        pixels = kind is not ProviderKind.LINKS
        self.kind = kind
        self.capabilities = Capabilities(
            yields_pixels=pixels,
            can_cancel=True,
            unknown_submit=unknown_submit,
            clips=(Clip(1280, 720, 5),) if kind is ProviderKind.PARTS else None,
        )
        self.answer: Answer | None = None
        self.tasks: list[Task] = []
        self.said: dict[JobId, set[FailureCode]] = defaultdict(set)
        self.caller_is_late = False

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Refuse, or begin a task and write it into the ledger."""
        answer = self._take_answer(request.job_id)
        known = self.task_of(token)
        if known is None or self.capabilities.unknown_submit is not UnknownSubmit.REPEAT:
            ref = f"task-{len(self.tasks) + 1}"
            known = Task(ref, token, request.job_id, ends=answer is not Answer.NEVER_ENDS, late=self.caller_is_late)
            self.tasks.append(known)
        if answer is Answer.ANSWER_LOST:
            raise ProviderUnreachable
        return Submission(known.ref, poll_after_seconds=None if self.kind is ProviderKind.DRAWS else 5)

    def find(self, *, token: str) -> Submission | None:
        """The newest task of that token."""
        task = self.task_of(token)
        return None if task is None else Submission(task.ref, poll_after_seconds=5)

    def poll(self, ref: str) -> Generation:
        """Done, unless told otherwise or the task never ends."""
        task = self.task(ref)
        answer = self._take_answer(task.job_id)
        if answer is Answer.ANSWER_LOST:
            raise ProviderUnreachable
        if answer is Answer.FAR_FROM_DONE:
            return Generation(done=False, progress=0.1, poll_after_seconds=7200)
        if answer is Answer.HALF_DONE or not task.ends:
            return Generation(done=False, progress=0.5, poll_after_seconds=20)
        return Generation(done=True, progress=1, video_url=VIDEO_URL.format(ref=ref))

    def cancel(self, ref: str) -> bool:
        """Stopped, unless it has nothing to say; what it refuses it ends itself."""
        answer, self.answer = self.answer, None
        if answer is Answer.SILENT:
            raise ProviderUnreachable
        self.task(ref).is_over = True
        if answer is Answer.ANSWER_LOST:
            raise ProviderUnreachable
        if answer is Answer.REFUSES:
            raise _REFUSAL
        return True

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:
        """A file that names the task, unless told otherwise."""
        self._take_answer(self.task(ref).job_id)
        on_progress(1)
        path.write_text(f"video of {ref}")

    def task(self, ref: str) -> Task:
        """The task of that name."""
        [task] = [task for task in self.tasks if task.ref == ref]
        return task

    def task_of(self, token: str) -> Task | None:
        """The newest task of that token."""
        return next((task for task in reversed(self.tasks) if task.token == token), None)

    def _take_answer(self, job_id: JobId) -> Answer | None:
        answer, self.answer = self.answer, None
        if answer in ERRORS:
            error = ERRORS[answer]()
            if not isinstance(error, ProviderUnreachable):
                self.said[job_id].add(error.reason)
            raise error
        return answer
