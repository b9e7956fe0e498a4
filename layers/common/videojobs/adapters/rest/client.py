"""Calls a provider's REST API, and tells what was refused from what nobody knows.

A call that creates is sent once, whatever happens: these APIs know no idempotency key, and a repeat is another bill.
"""

import logging
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from videojobs.adapters.rest.failures import failure, not_set_up
from videojobs.adapters.rest.setup import CALL_SECONDS
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.trace import continued

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs every URL, signed ones too

CONNECT_SECONDS = 3.0
MAXIMUM_ANSWER_BYTES = 1024 * 1024

type Authorize = Callable[[bool], Mapping[str, str]]
"""Makes the headers that carry the key; called with True when the key at hand was not accepted."""
type ReadError = Callable[[int, Any], ProviderError | None]
"""Makes the error of a status and the answer's JSON (None where it is none); None: the general rule holds."""


@cache
def tls_context(*, trust_env: bool) -> ssl.SSLContext:
    """Return the process's TLS context. To make one takes some 30 ms of processor time.

    Args:
        trust_env: Whether `SSL_CERT_FILE` and `SSL_CERT_DIR` may name other root certificates.
    """
    return httpx.create_ssl_context(trust_env=trust_env)


class RestClient:
    """JSON in, JSON out. Raises `ProviderError` for a refusal, `ProviderUnreachable` where nothing is known."""

    def __init__(
        self,
        base_url: str,
        *,
        authorize: Authorize,
        read_error: ReadError | None = None,
        call_seconds: float = CALL_SECONDS,
        maximum_answer_bytes: int = MAXIMUM_ANSWER_BYTES,
    ) -> None:
        """Nothing is connected before the first call."""
        timeout = httpx.Timeout(call_seconds, connect=min(CONNECT_SECONDS, call_seconds))
        tls = tls_context(trust_env=True)
        self._http = httpx.Client(base_url=base_url, timeout=timeout, follow_redirects=False, verify=tls)
        self._authorize, self._read_error = authorize, read_error or (lambda _status, _payload: None)
        self._maximum_answer_bytes = maximum_answer_bytes

    def create(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> dict[str, Any]:
        """Begin something that costs money: sent once.

        Raises:
            ProviderUnreachable: it may have been begun, or not.
            ProviderError: it was not begun; the provider said so, or nothing was sent.
        """
        try:
            status, payload, response = self._call(method, path, body, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise failure(FailureCode.PROVIDER_ERROR) from error  # nothing was sent
        except httpx.HTTPError as error:
            raise ProviderUnreachable from error
        if 200 <= status < 300:
            if not isinstance(payload, dict):
                raise ProviderUnreachable
            return payload
        if refusal := self._read_error(status, payload):
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

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """A call that may be repeated at will; an answer without a body is an empty object.

        Raises:
            ProviderError: `result_lost`, where there is no such task any more; or what `read_error` made of it.
            ProviderUnreachable: any answer that says nothing about the task: ask again.
        """
        try:
            status, payload, response = self._call(method, path, body, headers)
        except httpx.HTTPError as error:
            raise ProviderUnreachable from error
        if 200 <= status < 300:
            if not response.content:
                return {}
            if not isinstance(payload, dict):
                raise ProviderUnreachable
            return payload
        if refusal := self._read_error(status, payload):
            raise refusal
        if status in {404, 410}:
            raise failure(FailureCode.RESULT_LOST)
        raise ProviderUnreachable(retry_after_seconds=read_retry_after(response.headers, payload))

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None
    ) -> tuple[int, Any, httpx.Response]:
        """The status and the JSON, None where it is none. A refused key did nothing: once more with a fresh one."""
        response = self._send(method, path, body, headers, refresh=False)
        if response.status_code in {401, 403}:
            response = self._send(method, path, body, headers, refresh=True)
        try:
            payload = response.json()
        except ValueError:
            payload = None
        return response.status_code, payload, response

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        *,
        refresh: bool,
    ) -> httpx.Response:
        traceparent = continued()
        every = {**({"traceparent": traceparent} if traceparent else {}), **self._authorize(refresh), **(headers or {})}
        with self._http.stream(method, path, json=body, headers=every) as response:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > self._maximum_answer_bytes:
                    raise httpx.ReadError("the answer is too large")
        # What was decoded on its way must not be decoded again.
        kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        return httpx.Response(response.status_code, headers=kept, content=bytes(content))


def read_retry_after(headers: Mapping[str, str], payload: object = None) -> float | None:
    """How many seconds to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date (RFC 9110, 10.2.3).

    Without a header it is `retry_after` of the answer's JSON, where there is one.
    """
    match payload:
        case {"retry_after": int(seconds) | float(seconds)} if "retry-after" not in headers:
            return max(float(seconds), 0.0)
    try:
        if "retry-after-ms" in headers:
            return max(float(headers["retry-after-ms"]) / 1000, 0.0)
        value = headers["retry-after"]
    except (KeyError, ValueError):
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
