"""Client of a provider's REST API that distinguishes rejected requests from requests with an unknown outcome.

A request that creates a task is sent once, because these APIs have no idempotency key and a repeat costs money. Only
after 401 or 403 is it sent again with a new key. It has a longer timeout than other requests, because a task that is
accepted late is paid for.
"""

import logging
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from time import monotonic
from typing import Any

import httpx

from videojobs.adapters.retry_after import read_retry_after
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.trace import continued
from videojobs_providers.rest.failures import failure, not_set_up, unconfirmed
from videojobs_providers.rest.json_body import parse_json
from videojobs_providers.rest.moderation import REFUSAL_STATUSES, is_moderation
from videojobs_providers.rest.setup import Timeouts

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO httpx logs each URL, including presigned ones

CONNECT_SECONDS = 3.0
MAXIMUM_ANSWER_BYTES = 1024 * 1024

type Authorize = Callable[[bool], Mapping[str, str]]
"""Returns the headers with the key; called with True to read the key again after it was rejected."""
type ReadError = Callable[[int, Any], ProviderError | None]
"""Returns the error for a status and the response's JSON (None if it is not JSON), or None for the general rule."""


@cache
def tls_context(*, trust_env: bool) -> ssl.SSLContext:
    """Return the shared TLS context. Creating it takes about 30 ms of processor time.

    Args:
        trust_env: Whether the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` can set other root certificates.
    """
    return httpx.create_ssl_context(trust_env=trust_env)


class RestClient:
    """JSON client of one API.

    Its methods raise `ProviderError` if the provider rejects a request, and `ProviderUnreachable` if the outcome is
    unknown.
    """

    def __init__(
        self,
        base_url: str,
        *,
        authorize: Authorize,
        read_error: ReadError | None = None,
        read_failure: ReadError | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - immutable
        maximum_answer_bytes: int = MAXIMUM_ANSWER_BYTES,
    ) -> None:
        """Create the client; the first call connects.

        Args:
            base_url: The URL that paths are appended to.
            authorize: Returns the headers with the key.
            read_error: Translates error responses to create requests; None for the general rules only.
            read_failure: Translates error responses to all other requests that report a failed task; None if the API
                reports failed tasks with the status 200 only.
            timeouts: The timeouts of each read, write and wait for a connection, and the limit for `create`.
            maximum_answer_bytes: The size at which a response is rejected.
        """
        seconds, connect_seconds = timeouts.call_seconds, min(CONNECT_SECONDS, timeouts.call_seconds)
        timeout = httpx.Timeout(seconds, connect=connect_seconds)
        self._submit_timeout = httpx.Timeout(seconds, connect=connect_seconds, read=timeouts.submit_seconds)
        self._submit_limit_seconds = timeouts.submit_limit_seconds
        self._response_seconds = connect_seconds + timeouts.submit_seconds
        tls = tls_context(trust_env=True)
        self._http = httpx.Client(base_url=base_url, timeout=timeout, follow_redirects=False, verify=tls)
        self._authorize = authorize
        self._read_error, self._read_failure = read_error or _read_nothing, read_failure or _read_nothing
        self._maximum_answer_bytes = maximum_answer_bytes

    def create(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> dict[str, Any]:
        """Send a request that creates a task, once, and return the JSON of the response.

        The request is sent only if enough of `submit_limit_seconds` is left to wait for the response.

        Raises:
            ProviderUnreachable: If the task may or may not have been created.
            ProviderError: If the task was not created: the provider rejected the request, or it was not sent.
        """
        ends = monotonic() + self._submit_limit_seconds
        try:
            status, payload, response = self._call(method, path, body, headers, self.read_refusal, ends=ends)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise failure(FailureCode.PROVIDER_ERROR) from error  # nothing was sent
        except httpx.HTTPError as error:
            raise ProviderUnreachable from error
        if 200 <= status < 300:
            if not isinstance(payload, dict):
                raise ProviderUnreachable
            return payload
        if refusal := self.read_refusal(status, payload):
            raise refusal
        retry_after = read_retry_after(response.headers, payload)
        match status:
            case 401 | 403:
                raise not_set_up()
            case 402:
                raise failure(FailureCode.QUOTA_EXHAUSTED)
            case 429:
                raise failure(FailureCode.RATE_LIMITED, retry_after_seconds=retry_after)
            case 503 if retry_after is not None:
                raise failure(FailureCode.RATE_LIMITED, retry_after_seconds=retry_after)
            case 408 | 409 | 425:
                raise ProviderUnreachable(retry_after_seconds=retry_after)
            case _ if 400 <= status < 500:
                raise failure(FailureCode.INVALID_REQUEST)
            case _:
                raise ProviderUnreachable(retry_after_seconds=retry_after)

    def read_refusal(self, status: int, payload: Any) -> ProviderError | None:
        """Return the error of a create request that was rejected for a known reason, or None for the general rules.

        `read_error` decides first. Rejected content is recognized in the format of any provider, because gateways
        forward such responses.
        """
        if refusal := self._read_error(status, payload):
            return refusal
        return failure(FailureCode.CONTENT_REJECTED) if status in REFUSAL_STATUSES and is_moderation(payload) else None

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send a request that is safe to repeat and return the JSON of the response; an empty body is `{}`.

        Raises:
            UnconfirmedFailure: If the task does not exist, or not yet (`result_lost`).
            ProviderError: As `read_failure` translates the response.
            ProviderUnreachable: If there is no response, or a response that says nothing about the task, or no valid
                key. The task may still succeed, and an operator may still correct the key.
        """
        try:
            status, payload, response = self._call(method, path, body, headers, self._read_failure)
        except ProviderUnreachable:
            raise
        except (httpx.HTTPError, ProviderError) as error:  # ProviderError: there is no valid key
            raise ProviderUnreachable from error
        if 200 <= status < 300:
            if not response.content:
                return {}
            if not isinstance(payload, dict):
                raise ProviderUnreachable
            return payload
        if reported := self._read_failure(status, payload):
            raise reported
        retry_after = read_retry_after(response.headers, payload)
        if status in {404, 410}:
            raise unconfirmed(FailureCode.RESULT_LOST, retry_after_seconds=retry_after)
        raise ProviderUnreachable(retry_after_seconds=retry_after)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        read_error: ReadError,
        *,
        ends: float | None = None,
    ) -> tuple[int, Any, httpx.Response]:
        """Return the status, the JSON (None if it is not JSON) and the response.

        After 401 or 403 the request is sent again with a new key, unless `read_error` knows another reason. `ends` is
        the monotonic time when a submit must have ended, or None for another call.
        """
        response = self._send(method, path, body, headers, refresh=False, ends=ends)
        payload = parse_json(response.content)
        if response.status_code in {401, 403} and read_error(response.status_code, payload) is None:
            response = self._send(method, path, body, headers, refresh=True, ends=ends)
            payload = parse_json(response.content)
        return response.status_code, payload, response

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        *,
        refresh: bool,
        ends: float | None,
    ) -> httpx.Response:
        traceparent = continued()
        trace = {"traceparent": traceparent} if traceparent else {}
        all_headers = {**trace, **self._authorize(refresh), **(headers or {})}
        if ends is not None and monotonic() + self._response_seconds > ends:
            raise httpx.ConnectTimeout("too little time is left for the response")
        timeout = httpx.USE_CLIENT_DEFAULT if ends is None else self._submit_timeout
        with self._http.stream(method, path, json=body, headers=all_headers, timeout=timeout) as response:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > self._maximum_answer_bytes:
                    raise httpx.ReadError("the response is too large")
                if ends is not None and monotonic() > ends:
                    raise httpx.ReadTimeout("the response takes too long")
        # The content is already decoded.
        kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        return httpx.Response(response.status_code, headers=kept, content=bytes(content))


def _read_nothing(_status: int, _payload: Any) -> None:
    return None
