"""Video provider for models at Replicate: https://replicate.com/docs/reference/http.

Predictions are created by the name of an official model, whose owner keeps it running.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from videojobs.adapters.offers.parameters import RATIOS
from videojobs.adapters.offers.replicate import MODELS, POLL_SECONDS, read_model_name, read_offer
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Generation, GenerationRequest
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure, unconfirmed
from videojobs_providers.rest.moderation import is_rejected_content
from videojobs_providers.rest.numbers import read_fraction
from videojobs_providers.rest.provider import RestVideoProvider, read_ref, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState, read_state

BASE_URL = "https://api.replicate.com"
RESULT_HOSTS = ("replicate.delivery", ".replicate.delivery")
CANCEL_AFTER = "30m"
"""Time after which Replicate cancels a prediction that has not ended."""


_BUSY = re.compile(r"E003|high demand", re.IGNORECASE)
"""Error messages of an overloaded model: https://replicate.com/docs/reference/error-codes."""
_PROGRESS_BAR = re.compile(r"(?:^|[\r\n])[ \t]*([0-9]{1,3})%[ \t]*\|[^|\r\n]+\|[ \t]*[0-9]+/[0-9]+")
"""Line that tqdm writes, such as ` 12%|█▏  | 6/50`. A percentage of something else has other text before it."""


class ReplicateProvider(RestVideoProvider):
    """Text-to-video provider for Replicate. Options: `model`, `baseUrl`, `resultHosts`. Secret: `key`."""

    name = "replicate"

    def __init__(self, setup: ProviderSetup) -> None:
        """Read the options.

        Raises:
            ValueError: If an option or the model is unknown.
        """
        super().__init__(setup, "model", "baseUrl")
        self._name = read_model_name(setup.options)
        self._model = MODELS[self._name]
        base_url = setup.option("baseUrl", BASE_URL)
        # The key is sent to the API's own host, but not to hosts that the option adds.
        self._result_hosts = self._read_result_hosts(*RESULT_HOSTS, urlsplit(base_url).hostname or "")
        self._rest = self._connect(base_url)
        self.capabilities = replace(read_offer(setup.options), unknown_submit=setup.unknown_submit)

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the prediction and return its ID as the ref."""
        payload = {
            "prompt": request.prompt,
            "duration": int(clip.seconds),
            "aspect_ratio": RATIOS[clip.width, clip.height],
            **self._model.constants,
            **self._model.parameters.of(request, clip),
        }
        body: dict[str, object] = {"input": payload}
        if request.callback_url:
            body |= {"webhook": request.callback_url, "webhook_events_filter": ["completed"]}
        path = f"/v1/models/{self._name}/predictions"
        return read_ref(self._rest.create(path, body, headers={"Cancel-After": CANCEL_AFTER}), "id")

    def poll(self, ref: str) -> Generation:
        """Return the prediction's state; the progress is read from the model's log, if it has one.

        Raises:
            ProviderError: If the prediction failed, was canceled or does not exist.
            ProviderUnreachable: If Replicate does not respond.
        """
        response = self._rest.ask(_path(ref))
        state = settle_state(self.name, response.get("status"), response, has_result=bool(response.get("output")))
        match state:
            case TaskState.RUNNING:
                progress = _read_progress(response.get("logs"))
                return Generation(done=False, progress=progress, poll_after_seconds=POLL_SECONDS)
            case TaskState.DONE:
                _video_url(response)  # raises if there is no video
                return Generation(done=True, progress=1)
            case _:
                raise _failure_of(response.get("error"), was_stopped=state is TaskState.STOPPED)

    def cancel(self, ref: str) -> bool:
        """Cancel the prediction and return whether it was stopped; if it still runs, read its status once more."""
        try:
            response = self._rest.ask(f"{_path(ref)}/cancel", method="POST")
            state = read_state(response.get("status"))
            if state is TaskState.RUNNING:
                state = read_state(self._rest.ask(_path(ref)).get("status"))
        except ProviderError as error:
            if error.reason is FailureCode.RESULT_LOST:  # the prediction no longer exists
                return False
            raise
        return state is TaskState.STOPPED

    def locate(self, ref: str, *, refresh: bool = False) -> Source:
        """Return the URL in the prediction and the key, which the download needs."""
        return Source(_video_url(self._rest.ask(_path(ref))), self._authorize_download(refresh=refresh))


def _path(ref: str) -> str:
    return f"/v1/predictions/{quote(ref, safe='')}"


def _video_url(response: Mapping[str, Any]) -> str:
    """Return the URL of the video; raise `ProviderError` if it was deleted or is missing."""
    match response:
        case {"data_removed": True}:
            raise failure(FailureCode.RESULT_LOST)
        case {"output": str(url) | [str(url), *_]} if url:
            return url
        case _:
            raise unconfirmed(FailureCode.PROVIDER_ERROR)


def _failure_of(error: object, *, was_stopped: bool) -> ProviderError:
    """Return the error for a prediction's message; without a known reason, a stopped prediction timed out."""
    message = str(error or "")
    if is_rejected_content(message):
        return failure(FailureCode.CONTENT_REJECTED)
    if _BUSY.search(message):
        return failure(FailureCode.RATE_LIMITED)
    return failure(FailureCode.TIMEOUT if was_stopped else FailureCode.PROVIDER_ERROR)


def _read_progress(logs: object) -> float | None:
    """Return the progress of the last progress bar in the log, as Replicate's own clients do, or None without one.

    https://github.com/replicate/replicate-python/blob/main/replicate/prediction.py
    """
    percentages = _PROGRESS_BAR.findall(logs) if isinstance(logs, str) else []
    return read_fraction(int(percentages[-1]), whole=100) if percentages else None
