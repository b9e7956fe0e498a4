"""Any server that speaks `/v1/videos`: a LiteLLM proxy, a model server of one's own, or OpenRouter in its own variant.

OpenAI's Videos API (https://platform.openai.com/docs/api-reference/videos) has ended; its protocol lives on.
OpenRouter's is https://openrouter.ai/docs/api_reference/videos.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from videojobs.adapters.rest.aspect_ratios import RATIOS
from videojobs.adapters.rest.download import Source
from videojobs.adapters.rest.failures import failure
from videojobs.adapters.rest.provider import RestVideoProvider, log_unknown_state, read_ref
from videojobs.adapters.rest.setup import ProviderSetup
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.domain.prompt import Counting, PromptLimit
from videojobs.ports.videos import Capabilities, Generation, GenerationRequest, ReportProgress

OPENAI, OPENROUTER = "openai", "openrouter"
SECONDS = (4, 8, 12)
SIZES = ("1280x720", "720x1280")
"""What OpenAI published: https://platform.openai.com/docs/api-reference/videos/create."""
MAXIMUM_PROMPT_CHARACTERS = 32_000
POLL_SECONDS = 10.0
URL_LIFETIME = timedelta(hours=1)

FAILURES: Mapping[str, FailureCode] = {
    "moderation_blocked": FailureCode.CONTENT_REJECTED,
    "content_policy_violation": FailureCode.CONTENT_REJECTED,
    "content_filter": FailureCode.CONTENT_REJECTED,
    "sentinel_block": FailureCode.CONTENT_REJECTED,
    "billing_hard_limit_reached": FailureCode.QUOTA_EXHAUSTED,
    "insufficient_quota": FailureCode.QUOTA_EXHAUSTED,
    "rate_limit_exceeded": FailureCode.RATE_LIMITED,
}
"""By `error.code`, of an answer or of a task that failed; another one of a task may pass."""


class OpenaiCompatibleProvider(RestVideoProvider):
    """Text to video at a server of the deployment's choice; secret: `key`.

    Options: `baseUrl` and `model` (there is no default), `variant` (`openai` or `openrouter`), `seconds` and `sizes`
    (what the model makes), `pricePerSecondUsd` with `pricesAsOf`, `webhooks` (true where the project has a webhook that
    leads here), `resultHosts`.
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
        self.capabilities = Capabilities(
            yields_pixels=True,
            can_cancel=False,
            unknown_submit=setup.unknown_submit,
            clips=_read_clips(setup.options),
            prompt_limit=PromptLimit(MAXIMUM_PROMPT_CHARACTERS, Counting.CODE_POINTS),
            poll_seconds=POLL_SECONDS,
            calls_back=bool(setup.options.get("webhooks")),
            result_lifetime=URL_LIFETIME,
            prices_as_of=_read_date(setup.options),
        )

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the task, and return its id."""
        body = {"model": self._model, "prompt": request.prompt, **self._say_clip(clip)}
        return read_ref(self._rest.create("/videos", body), "id")

    def poll(self, ref: str) -> Generation:
        """Ask how the task stands; progress comes as 0 to 100, a cost from OpenRouter alone."""
        response = self._rest.ask(_path(ref))
        match response.get("status"):
            case "completed":
                return Generation(done=True, progress=1, cost_usd=_read_cost(response))
            case "failed":
                raise _failure_of(response.get("error")) or failure(FailureCode.PROVIDER_ERROR)
            case "expired":
                raise failure(FailureCode.RESULT_LOST)
            case "cancelled":
                raise failure(FailureCode.PROVIDER_ERROR)
            case "queued" | "pending" | "in_progress":
                pass
            case status:
                log_unknown_state(self.name, status)
        return Generation(done=False, progress=_read_progress(response), poll_after_seconds=POLL_SECONDS)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress) -> None:
        """Download the content. The key is sent to the API's host only, not to a host that it redirects to."""
        attempts = count()
        self._download(lambda: self.locate(ref, refresh=next(attempts) > 0), path, on_progress)

    def locate(self, ref: str, *, refresh: bool = False) -> Source:
        """Return the URL of the content and the key, read again if `refresh`: a refused key can be the reason."""
        return Source(f"{self._base_url}{_path(ref)}/content", self._authorize(refresh))

    def _say_clip(self, clip: Clip) -> dict[str, object]:
        if self._variant == OPENAI:
            return {"seconds": f"{clip.seconds:g}", "size": f"{clip.width}x{clip.height}"}
        shape = RATIOS.get((clip.width, clip.height))  # OpenRouter takes any other size in pixels
        shaped = {"aspect_ratio": shape, "resolution": "720p"} if shape else {"size": f"{clip.width}x{clip.height}"}
        return {"duration": int(clip.seconds) if clip.seconds == int(clip.seconds) else clip.seconds, **shaped}


def _path(ref: str) -> str:
    return f"/videos/{quote(ref, safe='')}"


def _read_error(status: int, payload: Any) -> ProviderError | None:
    """What a refusal says of its reason; a bare status is read by the general rule."""
    return _failure_of(payload.get("error")) if isinstance(payload, dict) and 400 <= status < 500 else None


def _failure_of(error: object) -> ProviderError | None:
    match error:
        case {"code": str(code)} if code in FAILURES and FAILURES[code] is not FailureCode.RATE_LIMITED:
            return failure(FAILURES[code])
        case _:  # how long to wait is said in the headers
            return None


def _read_progress(response: Mapping[str, Any]) -> float | None:
    progress = response.get("progress")
    if isinstance(progress, bool) or not isinstance(progress, int | float):
        return None
    return min(max(progress / 100, 0.0), 1.0)


def _read_cost(response: Mapping[str, Any]) -> Decimal | None:
    match response:
        case {"usage": {"cost": int(cost) | float(cost)}} if cost >= 0:
            return Decimal(str(cost))
        case _:
            return None


def _read_clips(options: Mapping[str, Any]) -> tuple[Clip, ...]:
    try:
        seconds = [float(each) for each in _as_list(options.get("seconds", SECONDS))]
        sizes = [tuple(map(int, each.split("x"))) for each in _as_list(options.get("sizes", SIZES))]
        rate = Decimal(str(options["pricePerSecondUsd"])) if "pricePerSecondUsd" in options else None
        clips = tuple(
            Clip(width, height, length, None if rate is None else rate * Decimal(str(length)))
            for width, height in sizes
            for length in seconds
        )
    except (AttributeError, InvalidOperation, TypeError, ValueError):
        clips = ()
    if not clips or any(min(clip.width, clip.height, clip.seconds) <= 0 for clip in clips):
        form = 'seconds as [4, 8, 12], sizes as ["1280x720"], pricePerSecondUsd as 0.1'
        raise ValueError(f"ProviderOptions: openai_compatible takes {form}")
    return clips


def _as_list(value: object) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError("is no list")
    return value


def _read_date(options: Mapping[str, Any]) -> date | None:
    if "pricePerSecondUsd" not in options:
        return None
    try:
        return date.fromisoformat(options.get("pricesAsOf", ""))
    except (TypeError, ValueError):
        raise ValueError("ProviderOptions: pricePerSecondUsd needs pricesAsOf, a date such as 2026-11-01") from None
