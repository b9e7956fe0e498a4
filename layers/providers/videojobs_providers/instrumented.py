"""Provider that logs the duration and outcome of each call."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videojobs.domain.errors import ProviderError
from videojobs.ports.videos import Generation, GenerationRequest, ReportProgress, Submission, VideoProvider

logger = logging.getLogger(__name__)


class InstrumentedProvider:
    """Wrapper around a `VideoProvider` with the same results and errors, which logs each call as `provider_called`."""

    def __init__(self, provider: VideoProvider) -> None:
        """Wrap the provider, which handles the calls."""
        self._provider = provider
        self.name, self.capabilities = provider.name, provider.capabilities

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:
        """Submit at the wrapped provider; log the call as `submit`."""
        with self._measured("submit"):
            return self._provider.submit(request, token=token)

    def find(self, *, token: str) -> Submission | None:
        """Find at the wrapped provider; log the call as `find`."""
        with self._measured("find"):
            return self._provider.find(token=token)

    def poll(self, ref: str) -> Generation:
        """Poll the wrapped provider; log the call as `poll`."""
        with self._measured("poll"):
            return self._provider.poll(ref)

    def cancel(self, ref: str) -> bool:
        """Cancel at the wrapped provider; log the call as `cancel`."""
        with self._measured("cancel"):
            return self._provider.cancel(ref)

    def discard(self, ref: str) -> bool:
        """Discard at the wrapped provider; log the call as `discard`."""
        with self._measured("discard"):
            return self._provider.discard(ref)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Fetch from the wrapped provider; log the call as `fetch`, including the whole download."""
        with self._measured("fetch"):
            self._provider.fetch(ref, path, on_progress, maximum_bytes=maximum_bytes)

    @contextmanager
    def _measured(self, call: str) -> Iterator[None]:
        """Log the duration of the block, and the code of a `ProviderError` that it raises."""
        began = time.monotonic()
        outcome: dict[str, object] = {}
        try:
            yield
        except ProviderError as error:
            # Only transient errors count as errors of the provider. A rejected request does not.
            outcome = {"code": error.reason, **({"errors": 1} if error.transient else {})}
            raise
        finally:
            extra = {"action": "provider_called", "provider": self.name, "call": call, **outcome}
            milliseconds = round((time.monotonic() - began) * 1000)
            logger.info("Provider called", extra=extra | {"milliseconds": milliseconds})
