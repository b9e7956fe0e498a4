"""Video provider for Luma Agents, the successor of the Dream Machine API.

https://docs.agents.lumalabs.ai/api/resources/generations
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from videojobs.adapters.offers.luma import DURATIONS, POLL_SECONDS, read_model_name, read_offer
from videojobs.adapters.offers.parameters import RATIOS
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Generation, GenerationRequest
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure, unconfirmed
from videojobs_providers.rest.moderation import REFUSAL_STATUSES
from videojobs_providers.rest.provider import RestVideoProvider, read_ref, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState

BASE_URL = "https://agents.lumalabs.ai"
RESULT_HOSTS = (".lumalabs.ai", ".cdn-luma.com")
"""Luma's own hosts of result URLs, which it does not document.

If a presigned URL is at an object store, the option `resultHosts` must name Luma's bucket there, because the host is
shared with other customers. The link is kept in the job.
"""
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
        self._model = read_model_name(setup.options)
        self._result_hosts = self._read_result_hosts(*RESULT_HOSTS)
        self._rest = self._connect(setup.option("baseUrl", BASE_URL), _read_refusal)
        self.capabilities = replace(read_offer(setup.options), unknown_submit=setup.unknown_submit)

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the generation and return its ID as the ref."""
        body = {
            "model": self._model,
            "type": "video",
            "prompt": request.prompt,
            "aspect_ratio": RATIOS[clip.width, clip.height],
            "video": {"resolution": clip.resolution.value, "duration": DURATIONS[clip.seconds]},
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
