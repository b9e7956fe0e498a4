"""The embedded provider: it draws a real video by itself, with no key and no network.

The drawing happens in `functions/render` (`videojobs_sketch`); here is nothing to wait for.
"""

from pathlib import Path

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.ports.videos import (
    Capabilities,
    Generation,
    GenerationRequest,
    ReportProgress,
    Submission,
    UnknownSubmit,
)


class SketchProvider:
    """Ready at once: the next step is to draw."""

    name = "sketch"
    capabilities = Capabilities(yields_pixels=True, can_cancel=True, unknown_submit=UnknownSubmit.REPEAT)

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:  # noqa: ARG002 - part of the protocol
        """Nothing is started anywhere; the ref only says which attempt it is."""
        return Submission(ref=token, poll_after_seconds=None)

    def poll(self, ref: str) -> Generation:  # noqa: ARG002 - part of the protocol
        """Always ready to be drawn."""
        return Generation(done=True)

    def find(self, *, token: str) -> Submission | None:
        """The same as another submit: the token decides everything."""
        return Submission(ref=token, poll_after_seconds=None)

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """A drawing under way stops at its next report of progress, which finds the job gone on."""
        return True

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:  # noqa: ARG002 - part of the protocol
        """Never asked for: there are no clips.

        Raises:
            ProviderError: always.
        """
        raise ProviderError(FailureCode.RESULT_LOST, "There is nothing to fetch.", transient=False)
