"""Video provider for servers with OpenAI's protocol `/v1/videos`: a LiteLLM proxy, a model server, or OpenRouter.

OpenAI's Videos API (https://platform.openai.com/docs/api-reference/videos) was retired, but other servers implement its
protocol. OpenRouter's variant is documented at https://openrouter.ai/docs/api_reference/videos.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from videojobs.adapters.offers.openai_compatible import POLL_SECONDS, read_offer
from videojobs.adapters.offers.parameters import RATIOS
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.domain.request import Resolution
from videojobs.ports.videos import Generation, GenerationRequest
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure
from videojobs_providers.rest.moderation import is_moderation
from videojobs_providers.rest.numbers import read_cost, read_fraction
from videojobs_providers.rest.provider import RestVideoProvider, read_ref, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState

OPENAI, OPENROUTER = "openai", "openrouter"
FAILURES: Mapping[str, FailureCode] = {
    "moderation_blocked": FailureCode.CONTENT_REJECTED,
    "content_policy_violation": FailureCode.CONTENT_REJECTED,
    "content_filter": FailureCode.CONTENT_REJECTED,
    "sentinel_block": FailureCode.CONTENT_REJECTED,
    "billing_hard_limit_reached": FailureCode.QUOTA_EXHAUSTED,
    "insufficient_quota": FailureCode.QUOTA_EXHAUSTED,
    "rate_limit_exceeded": FailureCode.RATE_LIMITED,
}
"""Codes by `error.code` of a response or of a failed task. Other failures of a task are transient."""

RESULT_FIELDS = ("url", "video_url", "unsigned_urls")
"""Fields in which a response of OpenRouter or another gateway links to the video."""


class OpenaiCompatibleProvider(RestVideoProvider):
    """Text-to-video provider for a server that the deployment chooses.

    Options: `baseUrl` and `model` (required), `variant` (`openai` or `openrouter`), `seconds` and `sizes` (the clips
    that the model creates), `pricePerSecondUsd` with `pricesAsOf`, `webhooks` (true if the server sends webhooks to
    this deployment), `resultHosts`. Secret: `key`.
    """

    name = "openai_compatible"

    def __init__(self, setup: ProviderSetup) -> None:
        """Read the options.

        Raises:
            ValueError: If an option is missing, unknown or malformed.
        """
        known = ("baseUrl", "model", "variant", "seconds", "sizes", "pricePerSecondUsd", "pricesAsOf", "webhooks")
        super().__init__(setup, *known)
        self._base_url = setup.option("baseUrl", "").rstrip("/")
        self._model = setup.option("model", "")
        self._variant = setup.option("variant", OPENAI)
        if self._variant not in {OPENAI, OPENROUTER}:
            raise ValueError(f"ProviderOptions: variant must be {OPENAI} or {OPENROUTER}")
        self._result_hosts = self._read_result_hosts(urlsplit(self._base_url).hostname or "")
        self._rest = self._connect(self._base_url, _read_error)
        self.capabilities = replace(read_offer(setup.options), unknown_submit=setup.unknown_submit)

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the task and return its ID as the ref."""
        body = {"model": self._model, "prompt": request.prompt, **self._clip_fields(clip)}
        return read_ref(self._rest.create("/videos", body), "id")

    def poll(self, ref: str) -> Generation:
        """Return the task's state. Only OpenRouter reports a cost.

        Raises:
            ProviderError: If the task failed, expired, was canceled or does not exist.
            ProviderUnreachable: If the server does not respond.
        """
        response = self._rest.ask(_path(ref))
        has_result = any(response.get(field) for field in RESULT_FIELDS)
        match settle_state(self.name, response.get("status"), response, has_result=has_result):
            case TaskState.RUNNING:
                progress = read_fraction(response.get("progress"), whole=100)
                return Generation(done=False, progress=progress, poll_after_seconds=POLL_SECONDS)
            case TaskState.EXPIRED:
                raise failure(FailureCode.RESULT_LOST)
            case state:
                error = _failure_of(response.get("error"))
                if error is not None or state is not TaskState.DONE:
                    raise error or failure(FailureCode.PROVIDER_ERROR)
                return Generation(done=True, progress=1, cost_usd=_read_cost(response))

    def locate(self, ref: str, *, refresh: bool = False) -> Source:
        """Return the URL of the content with the key, which is sent only to the API's host, not after a redirect."""
        return Source(f"{self._base_url}{_path(ref)}/content", self._authorize_download(refresh=refresh))

    def _clip_fields(self, clip: Clip) -> dict[str, object]:
        """Return the fields of a request that describe the clip, in the server's variant."""
        if self._variant == OPENAI:
            return {"seconds": f"{clip.seconds:g}", "size": f"{clip.width}x{clip.height}"}
        ratio = RATIOS.get((clip.width, clip.height)) if clip.resolution is Resolution.P720 else None
        # OpenRouter takes other sizes in pixels.
        size = {"aspect_ratio": ratio, "resolution": "720p"} if ratio else {"size": f"{clip.width}x{clip.height}"}
        return {"duration": int(clip.seconds) if clip.seconds == int(clip.seconds) else clip.seconds, **size}


def _path(ref: str) -> str:
    return f"/videos/{quote(ref, safe='')}"


def _read_error(status: int, payload: Any) -> ProviderError | None:
    """Return the error for a response with a known `error.code`, or None for the general rule."""
    return _failure_by_code(payload.get("error")) if isinstance(payload, dict) and 400 <= status < 500 else None


def _failure_of(error: object) -> ProviderError | None:
    """Return the failure of a task by its field `error`, or None if the reason is not known."""
    if is_moderation({"error": error}):
        return failure(FailureCode.CONTENT_REJECTED)
    return _failure_by_code(error)


def _failure_by_code(error: object) -> ProviderError | None:
    """Return the error of a known `error.code`, or None."""
    match error:
        case {"code": str(code)} if code in FAILURES and FAILURES[code] is not FailureCode.RATE_LIMITED:
            return failure(FAILURES[code])
        case _:  # the general rule reads how long to wait from the headers
            return None


def _read_cost(response: Mapping[str, Any]) -> Decimal | None:
    """Return the cost in US dollars, or None if the response has none."""
    usage = response.get("usage")
    return read_cost(usage.get("cost")) if isinstance(usage, dict) else None
