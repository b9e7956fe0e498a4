"""Built-in video provider, which needs no key and no network.

`functions/render` draws the video with `videojobs_sketch`, so a task is ready immediately.
"""

from pathlib import Path

from videojobs.adapters.offers.built_in import SKETCH
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.ports.videos import (
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
)


class SketchProvider:
    """Provider whose tasks are ready immediately; the next step renders the video."""

    name = "sketch"
    capabilities = SKETCH

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:  # noqa: ARG002 - part of the protocol
        """Return the token as the ref; no work is started."""
        return Submission(ref=token, poll_after_seconds=None)

    def poll(self, ref: str) -> Generation:  # noqa: ARG002 - part of the protocol
        """Return a task that is done."""
        return Generation(done=True)

    def find(self, *, token: str) -> Submission | None:
        """Return the token as the ref, as `submit` does."""
        return Submission(ref=token, poll_after_seconds=None)

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return True: a rendering in progress stops at its next progress report, which detects the cancellation."""
        return True

    def discard(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return True: there are no files."""
        return True

    def fetch(
        self,
        ref: str,  # noqa: ARG002 - part of the protocol
        path: Path,  # noqa: ARG002
        on_progress: ReportProgress,  # noqa: ARG002
        *,
        maximum_bytes: int,  # noqa: ARG002
    ) -> None:
        """Raise an error; never called, because this provider has no clips.

        Raises:
            ProviderError: Always.
        """
        raise ProviderError(FailureCode.RESULT_LOST, "The sketch provider has no files to download.", transient=False)
