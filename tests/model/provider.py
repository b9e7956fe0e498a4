"""Provider of the model, with a list of all tasks that it would charge for."""

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
    """Kinds of providers. The values are part of the printed history."""

    LINKS = "links to a video"
    MAKES = "makes a video"
    PARTS = "makes a video in parts"
    DRAWS = "needs no task to render"


class Answer(StrEnum):
    """Behaviour of the provider at a call, other than success. The values are part of the printed history."""

    NEVER_ENDS = "accepts the task and never finishes it"
    REFUSES = "rejects the content"
    BUSY = "is rate limited for 100 s"
    OVERLOADED = "has no quota for an hour"
    BROKEN = "fails"
    HALF_DONE = "is half done"
    SILENT = "does nothing and does not respond"
    ANSWER_LOST = "does its work and its response is lost"
    FAR_FROM_DONE = "asks for the next poll in two hours"


ERRORS = {
    Answer.REFUSES: partial(ProviderError, FailureCode.CONTENT_REJECTED, "No.", transient=False),
    Answer.BUSY: partial(ProviderError, FailureCode.RATE_LIMITED, "Busy.", transient=True, retry_after_seconds=100),
    Answer.OVERLOADED: partial(
        ProviderError, FailureCode.QUOTA_EXHAUSTED, "Full.", transient=True, retry_after_seconds=3600
    ),
    Answer.BROKEN: partial(ProviderError, FailureCode.PROVIDER_ERROR, "Broken.", transient=True),
    Answer.SILENT: ProviderUnreachable,
}
_REFUSAL = ProviderError(FailureCode.PROVIDER_ERROR, "The task has already ended.", transient=False)


@dataclass(slots=True)
class Task:
    """One provider task. `late`: its submitter had lost the lease by then. `is_over`: it was stopped."""

    ref: str
    token: str
    job_id: JobId
    ends: bool
    late: bool
    is_over: bool = False


class LedgerProvider:
    """See `ports.VideoProvider`. Only with `REPEAT`, a known token creates no second task.

    `answer` is the behaviour of the next call. With None, a submission is accepted and a poll reports a finished task.
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
        self.reported: dict[JobId, set[FailureCode]] = defaultdict(set)
        self.caller_is_late = False

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Create and record a task, unless `answer` is an error."""
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
        """Return the newest task with this token, or None."""
        task = self.task_of(token)
        return None if task is None else Submission(task.ref, poll_after_seconds=5)

    def poll(self, ref: str) -> Generation:
        """Return a finished generation, unless `answer` says otherwise or the task never ends."""
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
        """Stop the task and return True, unless `answer` is an error."""
        answer, self.answer = self.answer, None
        if answer is Answer.SILENT:
            raise ProviderUnreachable
        self.task(ref).is_over = True
        if answer is Answer.ANSWER_LOST:
            raise ProviderUnreachable
        if answer is Answer.REFUSES:
            raise _REFUSAL
        return True

    def discard(self, ref: str) -> bool:
        """Return True: the result is not in the deployment's bucket."""
        return True

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Write a file that names the task, unless `answer` is an error."""
        self._take_answer(self.task(ref).job_id)
        on_progress(1)
        path.write_text(f"video of {ref}")

    def task(self, ref: str) -> Task:
        """Return the task with this ref."""
        [task] = [task for task in self.tasks if task.ref == ref]
        return task

    def task_of(self, token: str) -> Task | None:
        """Return the newest task with this token, or None."""
        return next((task for task in reversed(self.tasks) if task.token == token), None)

    def _take_answer(self, job_id: JobId) -> Answer | None:
        answer, self.answer = self.answer, None
        if answer in ERRORS:
            error = ERRORS[answer]()
            if not isinstance(error, ProviderUnreachable):
                self.reported[job_id].add(error.reason)
            raise error
        return answer
