"""Video provider for Luma Agents, the successor of the Dream Machine API.

https://docs.agents.lumalabs.ai/api/resources/generations
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.ports.videos import Capabilities, Generation, GenerationRequest
from videojobs_providers.rest.aspect_ratios import RATIOS
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure, unconfirmed
from videojobs_providers.rest.moderation import REFUSAL_STATUSES
from videojobs_providers.rest.provider import RestVideoProvider, read_ref, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState

BASE_URL = "https://agents.lumalabs.ai"
DEFAULT_MODEL = "ray-3.2"
MODELS = (DEFAULT_MODEL,)
RESOLUTION = "720p"
RESULT_HOSTS = (".lumalabs.ai", ".cdn-luma.com")
"""Luma's own hosts of result URLs, which it does not document.

If a presigned URL is at an object store, the option `resultHosts` must name Luma's bucket there, because the host is
shared with other customers. The link is kept in the job.
"""
POLL_SECONDS = 5.0
URL_LIFETIME = timedelta(hours=1)
"""Lifetime of a presigned URL; each read of a generation returns a new URL."""
MAXIMUM_PROMPT_CHARACTERS = 6000
PRICES_AS_OF = date(2026, 9, 27)
"""Date of the prices, which depend on resolution and duration (standard dynamic range).

https://docs.agents.lumalabs.ai/guides/pricing/
"""

DURATIONS: Mapping[float, tuple[str, Decimal]] = {5: ("5s", Decimal("0.30")), 10: ("10s", Decimal("0.90"))}
"""API value and price in US dollars by a clip's duration in seconds."""

FAILURES: Mapping[str, FailureCode] = {
    "content_moderated": FailureCode.CONTENT_REJECTED,
    "generation_failed": FailureCode.PROVIDER_ERROR,
    "budget_exhausted": FailureCode.QUOTA_EXHAUSTED,
    "output_not_found": FailureCode.RESULT_LOST,
    "image_too_large": FailureCode.INVALID_REQUEST,
    "unsupported_format": FailureCode.INVALID_REQUEST,
    "corrupt_input": FailureCode.INVALID_REQUEST,
    "invalid_request": FailureCode.INVALID_REQUEST,
    "rate_limited": FailureCode.RATE_LIMITED,
}
"""Codes by `failure_code` (https://docs.agents.lumalabs.ai/guides/error-handling/). Other failures are transient."""


class LumaProvider(RestVideoProvider):
    """Text-to-video provider for Luma Agents, which can't find generations by token or cancel them.

    Options: `model`, `baseUrl`, `resultHosts`. Secret: `key`.
    """

    name = "luma"

    def __init__(self, setup: ProviderSetup) -> None:
        """Read the options.

        Raises:
            ValueError: If an option or the model is unknown.
        """
        super().__init__(setup, "model", "baseUrl")
        self._model = self._read_model(DEFAULT_MODEL, MODELS)
        self._result_hosts = self._read_result_hosts(*RESULT_HOSTS)
        self._rest = self._connect(setup.option("baseUrl", BASE_URL), _read_refusal)
        self.capabilities = Capabilities(
            yields_pixels=True,
            can_cancel=False,
            unknown_submit=setup.unknown_submit,
            clips=tuple(Clip(*size, seconds, price) for size in RATIOS for seconds, (_, price) in DURATIONS.items()),
            prompt_limit=PromptLimit(MAXIMUM_PROMPT_CHARACTERS, Counting.CODE_POINTS),
            poll_seconds=POLL_SECONDS,
            result_lifetime=URL_LIFETIME,
            prices_as_of=PRICES_AS_OF,
        )

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the generation and return its ID as the ref."""
        duration, _ = DURATIONS[clip.seconds]
        body = {
            "model": self._model,
            "type": "video",
            "prompt": request.prompt,
            "aspect_ratio": RATIOS[clip.width, clip.height],
            "video": {"resolution": RESOLUTION, "duration": duration},
        }
        return read_ref(self._rest.create("/v1/generations", body), "id")

    def poll(self, ref: str) -> Generation:
        """Return the generation's state. Luma reports no progress and no cost.

        Raises:
            ProviderError: If the generation failed or does not exist.
            ProviderUnreachable: If Luma does not respond.
        """
        response = self._rest.ask(_path(ref))
        match settle_state(self.name, response.get("state"), response, has_result=bool(response.get("output"))):
            case TaskState.RUNNING:
                return Generation(done=False, poll_after_seconds=POLL_SECONDS)
            case TaskState.DONE:
                _video_url(response)  # raises if there is no video
                return Generation(done=True, progress=1)
            case _:
                raise failure(FAILURES.get(str(response.get("failure_code")), FailureCode.PROVIDER_ERROR))

    def locate(self, ref: str, *, refresh: bool = False) -> Source:  # noqa: ARG002 - the store needs no key
        """Request the generation, and return a new presigned URL of its video. `refresh` has no effect.

        Raises:
            ProviderError: If the generation does not exist or has no video.
            ProviderUnreachable: If Luma does not respond.
        """
        return Source(_video_url(self._rest.ask(_path(ref))))


def _read_refusal(status: int, payload: Any) -> ProviderError | None:
    """Return the error of a rejected request with a known `failure_code`, or None for the general rule."""
    code = payload.get("failure_code") if isinstance(payload, dict) and status in REFUSAL_STATUSES else None
    return failure(FAILURES[code]) if isinstance(code, str) and code in FAILURES else None


def _path(ref: str) -> str:
    return f"/v1/generations/{quote(ref, safe='')}"


def _video_url(response: Mapping[str, Any]) -> str:
    """Return the URL of the first output, which is the video.

    Raises:
        UnconfirmedFailure: If there is no output, or not yet.
    """
    match response:
        case {"output": [{"url": str(url)}, *_]} if url:
            return url
        case _:
            raise unconfirmed(FailureCode.PROVIDER_ERROR)
