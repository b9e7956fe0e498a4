"""Video provider for Runway's API, version 2024-11-06: https://docs.dev.runwayml.com/api.

The API offers Runway's models and models of other companies.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from videojobs.adapters.offers.runway import CREDIT_USD, MODELS, POLL_SECONDS, read_model_name, read_offer
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Generation, GenerationRequest
from videojobs_providers.rest.download import Source
from videojobs_providers.rest.failures import failure, unconfirmed
from videojobs_providers.rest.moderation import REFUSAL_STATUSES
from videojobs_providers.rest.numbers import read_cost, read_fraction
from videojobs_providers.rest.provider import RestVideoProvider, read_ref, settle_state
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState, read_state

BASE_URL = "https://api.dev.runwayml.com"
VERSION = "2024-11-06"
RESULT_HOSTS = (
    "dnznrvs05pmza.cloudfront.net",
    "d2jqrm6oza8nb6.cloudfront.net",
    "runway-task-artifacts.s3.amazonaws.com",
)
"""Observed hosts of results; Runway documents none. The option `resultHosts` adds hosts."""
_LIMIT_OF_A_PERIOD = re.compile(r"\b(daily|day|24[ -]?h(our)?s?|monthly|month|quota|spend\w*)\b", re.IGNORECASE)


class RunwayProvider(RestVideoProvider):
    """Text-to-video provider for Runway. Options: `model`, `baseUrl`, `resultHosts`. Secret: `key`."""

    name = "runway"

    def __init__(self, setup: ProviderSetup) -> None:
        """Read the options.

        Raises:
            ValueError: If an option or the model is unknown.
        """
        super().__init__(setup, "model", "baseUrl")
        self._model = read_model_name(setup.options)
        self._result_hosts = self._read_result_hosts(*RESULT_HOSTS)
        self._rest = self._connect(setup.option("baseUrl", BASE_URL), _read_error)
        self.capabilities = replace(read_offer(setup.options), unknown_submit=setup.unknown_submit)

    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create the task and return its ID as the ref."""
        body: dict[str, Any] = {
            "model": self._model,
            "promptText": request.prompt,
            "ratio": f"{clip.width}:{clip.height}",
            "duration": int(clip.seconds),
            **MODELS[self._model].parameters.of(request, clip),
        }
        return read_ref(self._rest.create("/v1/text_to_video", body), "id")

    def poll(self, ref: str) -> Generation:
        """Return the task's state, and the cost in US dollars of a finished task if Runway reports it.

        Raises:
            ProviderError: If the task failed, was canceled or does not exist, or if a finished task has no video.
            ProviderUnreachable: If Runway does not respond, rejects the key, or returns another error.
        """
        task = self._rest.ask(_path(ref))
        match settle_state(self.name, task.get("status"), task, has_result=bool(task.get("output"))):
            case TaskState.RUNNING:  # a throttled task starts when the account's concurrency allows
                progress = read_fraction(task.get("progress"))
                return Generation(done=False, progress=progress, poll_after_seconds=POLL_SECONDS)
            case TaskState.DONE:
                _video_url(task)  # raises if there is no video
                return Generation(done=True, progress=1, cost_usd=_read_cost(task))
            case _:
                raise failure(_read_failure(task.get("failureCode")))

    def cancel(self, ref: str) -> bool:
        """Cancel the task if it has not ended and return whether it was canceled.

        The status is read first, because the same request deletes an ended task with its video.
        """
        try:
            if read_state(self._rest.ask(_path(ref)).get("status")) is not TaskState.RUNNING:
                return False
            self._rest.ask(_path(ref), method="DELETE")
        except ProviderError as error:
            if error.reason is FailureCode.RESULT_LOST:  # the task no longer exists
                return False
            raise
        return True

    def locate(self, ref: str, *, refresh: bool = False) -> Source:  # noqa: ARG002 - the store needs no key
        """Return a new URL of the video."""
        return Source(_video_url(self._rest.ask(_path(ref))))

    def _authorization(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}", "X-Runway-Version": VERSION}


def _path(ref: str) -> str:
    return f"/v1/tasks/{quote(ref, safe='')}"


def _read_error(status: int, payload: Any) -> ProviderError | None:
    """Return `quota_exhausted` if the message is about credits or a daily limit, else None for the general rule.

    An account without credits gets a 400, and an account at its daily limit a 429. Only the message distinguishes them
    from other errors.
    https://docs.dev.runwayml.com/usage/tiers, https://github.com/runwayml/sdk-node/issues/28
    """
    message = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(message, str):
        return None
    has_no_credits = status in REFUSAL_STATUSES and "enough credits" in message
    is_at_limit = status == HTTPStatus.TOO_MANY_REQUESTS and _LIMIT_OF_A_PERIOD.search(message)
    return failure(FailureCode.QUOTA_EXHAUSTED) if has_no_credits or is_at_limit else None


def _read_failure(code: object) -> FailureCode:
    """Return the code of a task's `failureCode`; unknown failures are transient.

    https://docs.dev.runwayml.com/errors/task-failures/
    """
    parts = code.split(".") if isinstance(code, str) else []
    if "SAFETY" in parts:  # SAFETY.INPUT.TEXT, SAFETY.OUTPUT.VIDEO, INPUT_PREPROCESSING.SAFETY.TEXT
        return FailureCode.CONTENT_REJECTED
    if parts[:2] == ["ASSET", "INVALID"]:
        return FailureCode.INVALID_REQUEST
    return FailureCode.PROVIDER_ERROR  # INTERNAL, INTERNAL.BAD_OUTPUT.01, THIRD_PARTY.UNAVAILABLE


def _video_url(task: Mapping[str, Any]) -> str:
    """Return the URL of the video; raise `ProviderError` if the task has not succeeded or has no output."""
    match task:
        case {"output": [str(url), *_]} if url:
            return url
        case _:
            raise unconfirmed(FailureCode.PROVIDER_ERROR)


def _read_cost(task: Mapping[str, Any]) -> Decimal | None:
    """Return the cost in US dollars, or None if the task has none."""
    cost = task.get("cost")
    amount = read_cost(cost.get("credits")) if isinstance(cost, dict) else None
    return None if amount is None else amount * CREDIT_USD
