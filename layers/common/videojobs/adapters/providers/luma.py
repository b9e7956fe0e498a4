"""Luma Agents, the API that follows Dream Machine: https://docs.agents.lumalabs.ai/api/resources/generations."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from videojobs.adapters.rest.aspect_ratios import RATIOS
from videojobs.adapters.rest.download import Source
from videojobs.adapters.rest.failures import failure
from videojobs.adapters.rest.provider import RestVideoProvider, log_unknown_state, read_ref
from videojobs.adapters.rest.setup import ProviderSetup
from videojobs.domain.errors import FailureCode
from videojobs.domain.plan import Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.ports.videos import Capabilities, Generation, GenerationRequest

BASE_URL = "https://agents.lumalabs.ai"
DEFAULT_MODEL = "ray-3.2"
MODELS = (DEFAULT_MODEL,)
RESOLUTION = "720p"
RESULT_HOSTS = (".lumalabs.ai", ".cdn-luma.com", ".amazonaws.com", ".r2.cloudflarestorage.com")
"""Results are presigned URLs at a host that Luma does not document: its own, or the stores it is known to use."""
POLL_SECONDS = 5.0
URL_LIFETIME = timedelta(hours=1)
"""Of a presigned URL; a fresh one is made at each question."""
MAXIMUM_PROMPT_CHARACTERS = 6000
PRICES_AS_OF = date(2026, 9, 27)
"""https://docs.agents.lumalabs.ai/guides/pricing/: a video by its resolution and duration, standard dynamic range."""

DURATIONS: Mapping[float, tuple[str, Decimal]] = {5: ("5s", Decimal("0.30")), 10: ("10s", Decimal("0.90"))}
"""How a clip's length in seconds is said, and what it costs in dollars."""

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
"""Every `failure_code` of https://docs.agents.lumalabs.ai/guides/error-handling/; another one may pass."""


class LumaProvider(RestVideoProvider):
    """Text to video at Luma Agents, which neither lists nor cancels generations.

    Options: `model`, `baseUrl`, `resultHosts`; secret: `key`.
    """

    name = "luma"

    def __init__(self, setup: ProviderSetup) -> None:
        """Choose the model.

        Raises:
            ValueError: If an option or the model is unknown.
        """
        super().__init__(setup, "model", "baseUrl")
        self._model = self._read_model(DEFAULT_MODEL, MODELS)
        self._result_hosts = self._read_result_hosts(*RESULT_HOSTS)
        self._rest = self._connect(setup.option("baseUrl", BASE_URL))
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
        """Create the generation, and return its id."""
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
        """Ask how the generation stands; Luma tells no progress and no cost."""
        response = self._rest.ask(_path(ref))
        match response.get("state"):
            case "completed":
                _video_url(response)  # a success without a video is none
                return Generation(done=True, progress=1)
            case "failed":
                raise failure(FAILURES.get(str(response.get("failure_code")), FailureCode.PROVIDER_ERROR))
            case "queued" | "processing":
                pass
            case state:
                log_unknown_state(self.name, state)
        return Generation(done=False, poll_after_seconds=POLL_SECONDS)

    def locate(self, ref: str) -> Source:
        """Return a fresh presigned URL."""
        return Source(_video_url(self._rest.ask(_path(ref))))


def _path(ref: str) -> str:
    return f"/v1/generations/{quote(ref, safe='')}"


def _video_url(response: Mapping[str, Any]) -> str:
    """No other kind of output is asked for: the first is the video."""
    match response:
        case {"state": "completed", "output": [{"url": str(url)}, *_]}:
            return url
        case {"state": "completed"}:
            raise failure(FailureCode.PROVIDER_ERROR)
        case _:
            raise failure(FailureCode.RESULT_LOST)
