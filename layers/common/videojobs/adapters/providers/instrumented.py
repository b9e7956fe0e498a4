"""An AI provider whose every call is a log event: how long it took, and whether there was an answer."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videojobs.domain.errors import ProviderError
from videojobs.ports.videos import Generation, GenerationRequest, ReportProgress, Submission, VideoProvider

logger = logging.getLogger(__name__)


class InstrumentedProvider:
    """See `ports.VideoProvider`: the same calls, answers and errors as the provider's that it is given."""

    def __init__(self, provider: VideoProvider) -> None:
        """`provider` does the work."""
        self._provider = provider
        self.name, self.capabilities = provider.name, provider.capabilities

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Measured as `submit`."""
        with self._measured("submit"):
            return self._provider.submit(request, token=token)

    def find(self, *, token: str) -> Submission | None:
        """Measured as `find`."""
        with self._measured("find"):
            return self._provider.find(token=token)

    def poll(self, ref: str) -> Generation:
        """Measured as `poll`."""
        with self._measured("poll"):
            return self._provider.poll(ref)

    def cancel(self, ref: str) -> bool:
        """Measured as `cancel`."""
        with self._measured("cancel"):
            return self._provider.cancel(ref)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:
        """Measured as `fetch`, from the first byte asked for to the last one written."""
        with self._measured("fetch"):
            self._provider.fetch(ref, path, on_progress)

    @contextmanager
    def _measured(self, call: str) -> Iterator[None]:
        began = time.monotonic()
        outcome: dict[str, object] = {}
        try:
            yield
        except ProviderError as error:
            # A refusal of what was asked for is an answer; whatever another try may heal is the provider's fault.
            outcome = {"code": error.reason, **({"errors": 1} if error.transient else {})}
            raise
        finally:
            extra = {"action": "provider_called", "provider": self.name, "call": call, **outcome}
            milliseconds = round((time.monotonic() - began) * 1000)
            logger.info("Provider called", extra=extra | {"milliseconds": milliseconds})
