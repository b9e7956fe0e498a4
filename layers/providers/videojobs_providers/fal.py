"""Video provider for models in fal's queue: https://docs.fal.ai/model-endpoints/queue."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from videojobs.adapters.offers.fal import MODELS, POLL_SECONDS, RESULT_LIFETIME, read_model_id, read_offer
from videojobs.adapters.offers.parameters import RATIOS
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Generation, GenerationRequest
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure, unconfirmed
from videojobs_providers.rest.moderation import REFUSAL_STATUSES
from videojobs_providers.rest.provider import RestVideoProvider, has_error, read_ref, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState

BASE_URL = "https://queue.fal.run"
RESULT_HOSTS = ("fal.media", ".fal.media", "storage.googleapis.com/falserverless")
"""Hosts of fal's content delivery network, and the bucket in which fal stored results before."""
SEPARATOR = "|"
"""Separator of model and request ID in a ref; the path of a request contains its model."""


_ERROR_TYPES: Mapping[str, FailureCode] = {
    "content_policy_violation": FailureCode.CONTENT_REJECTED,
    "bad_request": FailureCode.INVALID_REQUEST,
    "request_timeout": FailureCode.TIMEOUT,
    "generation_timeout": FailureCode.TIMEOUT,
    "startup_timeout": FailureCode.TIMEOUT,
}
"""Codes by `error_type` or a detail's `type`: https://docs.fal.ai/model-endpoints/errors. Other types are transient."""


class FalProvider(RestVideoProvider):
    """Text-to-video provider for fal. Secret: `key`.

    Options: `model`, `baseUrl`, `headers`, `resultHosts`, and `webhookUserId`, which the verifier of callbacks uses.
    """

    name = "fal"

    def __init__(self, setup: ProviderSetup) -> None:
        """Read the options.

        Raises:
            ValueError: If an option is unknown or malformed, or the model is unknown.
        """
        super().__init__(setup, "model", "baseUrl", "headers", "webhookUserId")
        setup.option("webhookUserId", "any")
        self._id = read_model_id(setup.options)
        self._model = MODELS[self._id]
        self._headers = setup.options.get("headers", {})
        if not isinstance(self._headers, dict) or not all(isinstance(value, str) for value in self._headers.values()):
            raise ValueError("ProviderOptions: headers of fal must be an object of strings")
        self._result_hosts = self._read_result_hosts(*RESULT_HOSTS)
        base_url = setup.option("baseUrl", BASE_URL)
        self._rest = self._connect(base_url, _read_refusal, _read_failure)
        self.capabilities = replace(read_offer(setup.options), unknown_submit=setup.unknown_submit)

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create a request in the queue and return its model and ID as the ref."""
        body = {
            "prompt": request.prompt,
            "aspect_ratio": RATIOS[clip.width, clip.height],
            "duration": self._model.seconds[int(clip.seconds)],
            **self._model.parameters.of(request, clip),
        }
        webhook = f"?fal_webhook={quote(request.callback_url, safe='')}" if request.callback_url else ""
        lifetime = f'{{"expiration_duration_seconds": {RESULT_LIFETIME.total_seconds():.0f}}}'
        headers = {"X-Fal-Object-Lifecycle-Preference": lifetime}
        response = self._rest.create(f"/{self._id}{webhook}", body, headers=headers)
        return f"{self._id}{SEPARATOR}{read_ref(response, 'request_id')}"

    def poll(self, ref: str) -> Generation:
        """Return the request's state.

        The status COMPLETED can be a failure. Whether the model rejected the prompt is only in the result.

        Raises:
            ProviderError: If the request failed or does not exist.
            ProviderUnreachable: If fal does not respond.
        """
        response = self._rest.ask(f"{_path(ref)}/status")
        state = settle_state(self.name, response.get("status"), response)
        if state is TaskState.RUNNING:
            return Generation(done=False, poll_after_seconds=POLL_SECONDS)
        if response.get("error_type"):
            raise failure(_ERROR_TYPES.get(str(response["error_type"]), FailureCode.PROVIDER_ERROR))
        self._video_url(ref)  # raises the error that the result contains
        if state is not TaskState.DONE or has_error(response):
            raise failure(FailureCode.PROVIDER_ERROR)
        return Generation(done=True, progress=1)

    def cancel(self, ref: str) -> bool:
        """Cancel the request and return whether it was stopped.

        fal removes a waiting request (OK). A running request gets a signal that the model can ignore, so its status is
        read afterwards: https://fal.ai/docs/inference-api/queue/cancel
        """
        try:
            response = self._rest.ask(f"{_path(ref)}/cancel", method="PUT")
            status = str(response.get("status")).upper()
            if status != "CANCELLATION_REQUESTED":
                return status == "OK"
            return self._rest.ask(f"{_path(ref)}/status").get("error_type") == "client_cancelled"
        except ProviderError as error:
            if error.reason in {FailureCode.RESULT_LOST, FailureCode.INVALID_REQUEST}:  # it does not exist or has ended
                return False
            raise

    def locate(self, ref: str, *, refresh: bool = False) -> Source:  # noqa: ARG002 - the store needs no key
        """Return the URL of the video in fal's public store."""
        return Source(self._video_url(ref))

    def _video_url(self, ref: str) -> str:
        """Return the URL of the video in the request's result; raise `UnconfirmedFailure` if there is none."""
        match self._rest.ask(_path(ref)):
            case {"video": {"url": str(url)}} if url:
                return url
            case _:
                raise unconfirmed(FailureCode.PROVIDER_ERROR)

    def _authorization(self, key: str) -> Mapping[str, str]:
        return {**self._headers, "Authorization": f"Key {key}"}


def _path(ref: str) -> str:
    """Return the path of a request, which has only the first two parts of the model's ID."""
    model, _, request_id = ref.rpartition(SEPARATOR)
    return f"/{'/'.join(model.split('/')[:2])}/requests/{quote(request_id, safe='')}"


def _read_refusal(status: int, payload: Any) -> ProviderError | None:
    """Return the error for a rejected request, or None. A 403 can mean that the account has no balance."""
    match payload:
        case {"detail": str(detail)} if status in REFUSAL_STATUSES and "balance" in detail.lower():
            return failure(FailureCode.QUOTA_EXHAUSTED)
        case _:
            return _failure_by_type(status, payload)


def _read_failure(status: int, payload: Any) -> ProviderError | None:
    """Return the error of an accepted request that failed, or None.

    A model's failure has a list of details, also with the statuses 400 (`downstream_service_error`) and 500 to 504. A
    gateway's error has no such list.
    """
    if failed := _failure_by_type(status, payload):
        return failed
    match payload:
        case {"status": "ALREADY_COMPLETED"} if status == 400:
            return failure(FailureCode.INVALID_REQUEST)
        case {"detail": [{"type": str()}, *_]} if status >= 500:
            return unconfirmed(_find_type(payload) or FailureCode.PROVIDER_ERROR)
        case {"detail": [{"type": str()}, *_]} if status in {400, 422}:
            return failure(FailureCode.PROVIDER_ERROR if status == 400 else FailureCode.INVALID_REQUEST)
        case _:
            return None


def _failure_by_type(status: int, payload: Any) -> ProviderError | None:
    code = _find_type(payload) if status in REFUSAL_STATUSES else None
    return None if code is None else failure(code)


def _find_type(payload: Any) -> FailureCode | None:
    """Return the code of the first detail with a type in `_ERROR_TYPES`, or None."""
    match payload:
        case {"detail": [*details]}:
            types = [str(detail.get("type")) for detail in details if isinstance(detail, dict)]
        case _:
            types = []
    return next((_ERROR_TYPES[error_type] for error_type in types if error_type in _ERROR_TYPES), None)
