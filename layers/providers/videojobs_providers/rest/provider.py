"""Base class of the video providers with a REST API, and functions that all AI providers use."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeIs

from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Capabilities, Generation, GenerationRequest, ReportProgress, Submission
from videojobs_providers.rest.added_hosts import read_added_hosts
from videojobs_providers.rest.client import MAXIMUM_ANSWER_BYTES, ReadError, RestClient
from videojobs_providers.rest.download import Source, download
from videojobs_providers.rest.failures import failure, not_set_up, unconfirmed
from videojobs_providers.rest.moderation import is_moderation
from videojobs_providers.rest.result_host import is_allowed
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.rest.task_state import TaskState, read_state

logger = logging.getLogger(__name__)

MAXIMUM_LOGGED_CHARACTERS = 100
_REF_FIELDS = ("id", "request_id", "name")
MAXIMUM_REF_CHARACTERS = 2048
"""Length of the longest task ID that is accepted. The longest documented one is an ARN of Bedrock with this limit."""


class RestVideoProvider(ABC):
    """`VideoProvider` whose API creates tasks without an idempotency key.

    A subclass sets `name`, `capabilities` and `_result_hosts`, and defines `create_task`, `poll` and `locate`.
    By default, tasks cannot be found by their token and cannot be canceled.
    """

    name: str
    capabilities: Capabilities

    def __init__(self, setup: ProviderSetup, *options: str) -> None:
        """Check the names of the options. Every provider also has the option `resultHosts`.

        Raises:
            ValueError: If an option is unknown.
        """
        setup.only_options(*options, "resultHosts")
        self._setup = setup
        self._result_hosts: Collection[str] = ()

    def submit(self, request: GenerationRequest, *, token: str) -> Submission:  # noqa: ARG002 - these APIs take no token
        """Create the task and return its ref; the request is sent once.

        Raises:
            ProviderUnreachable: If the task may or may not have been created.
            ProviderError: If the provider rejected the request, or the key is missing.
        """
        return Submission(self.create_task(request, require_clip(request)), self.capabilities.poll_seconds)

    @abstractmethod
    def create_task(self, request: GenerationRequest, clip: Clip) -> str:
        """Create a task for the clip and return its ref."""

    def find(self, *, token: str) -> Submission | None:  # noqa: ARG002 - part of the protocol
        """Return None: the API does not list tasks by token."""
        return None

    @abstractmethod
    def poll(self, ref: str) -> Generation:
        """Return the task's state.

        Raises:
            ProviderError: If the task failed or no longer exists.
            ProviderUnreachable: If the API does not respond; the task may still succeed.
        """

    def cancel(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return False: a task that was created is completed and billed."""
        return False

    def discard(self, ref: str) -> bool:  # noqa: ARG002 - part of the protocol
        """Return True: the result is not in the deployment's bucket."""
        return True

    def allows_result(self, link: str) -> bool:
        """Return whether a result at the link would be fetched; redirects are not checked."""
        return is_allowed(link, self._result_hosts)

    def fetch(self, ref: str, path: Path, on_progress: ReportProgress, *, maximum_bytes: int) -> None:
        """Download the video to `path`; see `download` for the errors."""
        attempts = count()
        self._download(lambda: self.locate(ref, refresh=next(attempts) > 0), path, on_progress, maximum_bytes)

    @abstractmethod
    def locate(self, ref: str, *, refresh: bool = False) -> Source:
        """Return the current location of the task's video.

        Called again, with `refresh`, when the URL has expired or the key that was sent with it was rejected.

        Raises:
            ProviderError: If the task does not exist or has no video. Not raised if no request is needed.
        """

    def _read_result_hosts(self, *known: str) -> Collection[str]:
        """Return the known hosts of results and those of the option `resultHosts`; see `download` for their form.

        Raises:
            ValueError: If the option is malformed or allows a host that is shared with other customers.
        """
        if "resultHosts" not in self._setup.options:
            return set(known)
        return {*known, *read_added_hosts(self._setup.option("resultHosts", ""))}

    def _connect(
        self,
        base_url: str,
        read_error: ReadError | None = None,
        read_failure: ReadError | None = None,
        *,
        maximum_answer_bytes: int = MAXIMUM_ANSWER_BYTES,
    ) -> RestClient:
        """Return a client of the API, which connects at the first call."""
        return RestClient(
            base_url,
            authorize=self._authorize,
            read_error=read_error,
            read_failure=read_failure,
            timeouts=self._setup.timeouts,
            maximum_answer_bytes=maximum_answer_bytes,
        )

    def _authorize(self, refresh: bool) -> Mapping[str, str]:  # noqa: FBT001 - the signature of `Authorize`
        """Return the headers that carry the key.

        Raises:
            ProviderError: If the provider's part of the secret has no `key`.
        """
        key = self._setup.read_key(refresh=refresh).get("key")
        if not isinstance(key, str) or not key:
            raise not_set_up()
        return self._authorization(key)

    def _authorize_download(self, *, refresh: bool) -> Mapping[str, str]:
        """Return the headers that carry the key, for the download of a result.

        Raises:
            ProviderUnreachable: If there is no valid key; an operator may still correct it.
        """
        try:
            return self._authorize(refresh)
        except ProviderError as error:
            raise ProviderUnreachable from error

    def _authorization(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def _download(
        self, locate: Callable[[], Source], path: Path, on_progress: ReportProgress, maximum_bytes: int
    ) -> None:
        download(
            locate,
            path,
            allowed_hosts=self._result_hosts,
            on_progress=on_progress,
            maximum_bytes=maximum_bytes,
            call_seconds=self._setup.timeouts.call_seconds,
        )


def require_clip(request: GenerationRequest) -> Clip:
    """Return the request's clip.

    Raises:
        ValueError: If the request has no clip.
    """
    if request.clip is None:
        raise ValueError("a request without a clip")
    return request.clip


def read_ref(response: Mapping[str, Any], field: str) -> str:
    """Return the task's ID, which is `field` of the response to a create request. A whole number becomes text.

    Raises:
        ProviderError: If the response has no ID and says that the content was rejected.
        ProviderUnreachable: If the response has no valid ID (`is_ref`); the task may exist, also if there is an error.
    """
    ref = response.get(field)
    if isinstance(ref, int) and not isinstance(ref, bool):
        ref = str(ref)
    if not is_ref(ref):
        if not ref and is_moderation(response):
            raise failure(FailureCode.CONTENT_REJECTED)
        raise ProviderUnreachable
    return ref


def is_ref(value: object) -> TypeIs[str]:
    """Return whether a task's ID can be stored and polled: printable text, neither blank nor a path such as `..`."""
    return (
        isinstance(value, str)
        and bool(value.strip(" ."))
        and len(value) <= MAXIMUM_REF_CHARACTERS
        and value.isprintable()
    )


def settle_state(provider: str, value: object, response: Mapping[str, Any], *, has_result: bool = False) -> TaskState:
    """Return the state of a task from `value`, which is the field of the response that contains it.

    A task in an unknown state is done if it has a result, failed if its content was rejected, and running if it has no
    error, which is logged.

    Raises:
        UnconfirmedFailure: If the state is unknown, or missing in the response of a task, and there is another error.
        ProviderUnreachable: If the response has an error, but neither an ID nor a state: it says nothing about a task.
    """
    state = read_state(value)
    if state is not None:
        return state
    if has_result:
        return TaskState.DONE
    if has_error(response):
        if value is None and not any(is_ref(response.get(field)) for field in _REF_FIELDS):
            raise ProviderUnreachable
        if value is not None and is_moderation(response):
            return TaskState.FAILED
        raise unconfirmed(FailureCode.PROVIDER_ERROR)
    text = ascii(value[:MAXIMUM_LOGGED_CHARACTERS]).strip("'") if isinstance(value, str) else type(value).__name__
    extra = {"action": "provider_state_unknown", "provider": provider, "state": text}
    logger.warning("Provider state unknown", extra=extra)
    return TaskState.RUNNING


def has_error(response: Mapping[str, Any]) -> bool:
    """Return whether the field `error` contains something; some gateways send an error with empty fields."""
    error = response.get("error")
    return any(error.values()) if isinstance(error, dict) else bool(error)
