"""Signed requests to AWS with retries, the credentials for them, and their errors.

Importing boto3 takes longer than everything else that a function does at its start (docs/adr/0006). botocore, which
defines the errors, is imported only after an error.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import urllib3

from videojobs.adapters.sigv4 import Credentials, sign_request
from videojobs.domain.errors import Unavailable
from videojobs.domain.time_limit import seconds_left

if TYPE_CHECKING:
    import botocore.credentials
    from botocore.exceptions import ClientError

CONNECT_SECONDS, READ_SECONDS = 1.0, 2.0
"""The timeouts of one attempt, also of boto3's clients."""
MAXIMUM_ATTEMPTS = 3
"""How often an operation is attempted at most, as in the retry mode `standard` of the AWS SDKs."""
BACKOFF_SECONDS = 0.1
"""The longest pause before the second attempt. It doubles for each further attempt; the pause is random below it."""
BOTO3_BACKOFF_SECONDS = 2.0
"""boto3's longest pause between three attempts.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
THROTTLING_CODES = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes of throttling, which services return with different statuses.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""
_GIVEN_BY_LAMBDA = "-=;:+&[]{}\"',"
_random = SystemRandom()  # not `random`: its state could be part of a Lambda snapshot


def aws_errors() -> tuple[type[Exception], ...]:
    """Return the base classes of the errors that light clients and boto3's clients raise.

    For `except aws_errors() as error`: Python evaluates this expression, and imports botocore, only after an error.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def read_trace_header() -> str | None:
    """Return the X-Ray trace header of the current invocation of the Lambda function, or None elsewhere."""
    header = os.environ.get("_X_AMZN_TRACE_ID")
    return quote(header, safe=_GIVEN_BY_LAMBDA) if header else None


def read_credentials() -> Credentials:
    """Return the credentials of the function's role.

    They are read from the environment variables, or, with SnapStart, from the credentials endpoint.

    Raises:
        Unavailable: If neither has credentials, or the credentials endpoint does not respond.
    """
    # Lambda sets these variables when the environment starts and never changes them. Without them, botocore reads the
    # credentials endpoint.
    if "AWS_ACCESS_KEY_ID" in os.environ and "AWS_SECRET_ACCESS_KEY" in os.environ:
        token = os.environ.get("AWS_SESSION_TOKEN")
        return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], token)
    try:
        now = _find_role().get_frozen_credentials()  # refreshed if expired
    except aws_errors() as error:
        raise Unavailable from error
    return Credentials(now.access_key or "", now.secret_key or "", now.token)


@cache
def _find_role() -> "botocore.credentials.Credentials":
    from botocore.credentials import ContainerProvider, CredentialResolver, EnvProvider

    credentials = CredentialResolver([EnvProvider(), ContainerProvider()]).load_credentials()
    if credentials is None:
        raise Unavailable
    return credentials


def _read_error(response: urllib3.BaseHTTPResponse, operation: str) -> "ClientError":
    """Return the error of a response with an error status, as boto3 raises it."""
    from botocore.exceptions import ClientError

    try:
        body = json.loads(response.data)
    except ValueError:
        body = None
    fields: Mapping[str, object] = body if isinstance(body, dict) else {}
    error_type = response.headers.get("x-amzn-errortype") or str(fields.get("__type") or response.status)
    # The type can contain a namespace before the code, and a URL after it.
    code = error_type.partition(":")[0].rpartition("#")[2]
    message = str(fields.get("message") or fields.get("Message") or "")
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": response.status},  # type: ignore[typeddict-item]
        },
        operation,
    )


def _is_temporary(error: "ClientError") -> bool:
    status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return status in TRANSIENT_STATUSES or status == 429 or code in THROTTLING_CODES


def _as_aws_error(error: Exception) -> Exception:
    """Return the error as one of `aws_errors`."""
    from botocore.exceptions import ClientError, HTTPClientError

    return error if isinstance(error, ClientError) else HTTPClientError(error=error)


class AwsClient:
    """Sender of signed requests to one service over keep-alive connections; thread-safe.

    A request is attempted up to three times: after a connection that failed or was closed, a timeout, a throttling
    error, or the status 500, 502, 503 or 504. Each attempt waits 1 s for a connection and 2 s for the response, or less
    within a `time_limit`.
    """

    def __init__(
        self,
        service: str,
        url: str,
        *,
        region: str,
        connections: int = 2,
        read_seconds: float = READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Create the client; nothing is connected.

        Args:
            service: The service's name in signatures, such as `sqs`.
            url: The endpoint, without a trailing slash.
            region: The AWS region that is signed.
            connections: The maximum number of connections that are kept alive.
            read_seconds: How long an attempt waits for data.
            sleep: Waits for a number of seconds before another attempt.
        """
        self._service, self._url, self._region = service, url, region
        self._read_seconds, self._sleep = read_seconds, sleep
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False)

    def request(self, operation: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Send a signed request and return the body of its response; `path` must be percent-encoded.

        Raises:
            botocore.exceptions.ClientError: If the service returns an error.
            botocore.exceptions.HTTPClientError: If there is no response; the operation may have been performed.
            Unavailable: If there are no credentials, or the call's time limit is reached.
        """
        attempts = MAXIMUM_ATTEMPTS
        while True:
            try:
                response = self._attempt(method, path, headers, body, attempts)
            except urllib3.exceptions.HTTPError as error:
                # AWS closes idle connections while Lambda has frozen the environment, so other ones may be closed too.
                self._pool.clear()
                failure: Exception = error
            else:
                if response.status < 300:
                    return response.data
                failure = refusal = _read_error(response, operation)
                if not _is_temporary(refusal):
                    raise refusal
            attempts -= 1
            if not attempts or not self._pause(attempts):
                raise _as_aws_error(failure) from failure.__cause__

    def _attempt(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, attempts: int
    ) -> urllib3.BaseHTTPResponse:
        url = self._url + path
        signed = sign_request(
            method,
            url,
            headers,
            body,
            credentials=read_credentials(),
            service=self._service,
            region=self._region,
            now=datetime.now(UTC),
        )
        trace_header = read_trace_header()
        if trace_header is not None:
            signed["X-Amzn-Trace-Id"] = trace_header
        return self._pool.request(method, url, body=body, headers=signed, timeout=self._choose_timeout(attempts))

    def _choose_timeout(self, attempts: int) -> urllib3.Timeout:
        """Return the timeout of one attempt, so that this number of attempts ends within the call's time limit.

        Raises:
            Unavailable: If the limit is reached.
        """
        left = seconds_left()
        if left is None:
            return urllib3.Timeout(connect=CONNECT_SECONDS, read=self._read_seconds)
        share = left / attempts
        return urllib3.Timeout(connect=min(CONNECT_SECONDS, share), read=min(self._read_seconds, share), total=share)

    def _pause(self, attempts: int) -> bool:
        """Wait before the next attempt and return True, or return False if the call's time limit would be reached.

        Raises:
            Unavailable: If the limit is reached.
        """
        seconds = _random.random() * BACKOFF_SECONDS * 2 ** (MAXIMUM_ATTEMPTS - 1 - attempts)
        left = seconds_left()
        if left is not None and seconds >= left:
            return False
        self._sleep(seconds)
        return True


def make_boto3_client(service: str, *, region: str, endpoint_url: str = "", read_seconds: float = READ_SECONDS) -> Any:
    """Return boto3's client of a service, with the attempts and the time limit of a light client. Imports boto3.

    Args:
        service: boto3's name of the service, such as `sqs`.
        region: The AWS region.
        endpoint_url: The endpoint; empty for the service's own in the region.
        read_seconds: How long an attempt waits for data.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": MAXIMUM_ATTEMPTS, "mode": "standard"},
    )
    client: Any = boto3.client(service, region_name=region, endpoint_url=endpoint_url or None, config=config)  # type: ignore[call-overload]
    client.meta.events.register("before-send", partial(_keep_to_time_limit, read_seconds))
    return client


def _keep_to_time_limit(maximum_seconds: float, request: Any, **_: object) -> None:
    """Shorten the read timeout of an attempt so that it, and the wait after it, end within the call's time limit.

    `request` is botocore's `AWSPreparedRequest`, whose stub lacks the context.

    Raises:
        Unavailable: If too little time is left for an attempt.
    """
    left = seconds_left()
    if left is None:
        return
    read_seconds = left - CONNECT_SECONDS - BOTO3_BACKOFF_SECONDS
    if read_seconds <= 0:
        raise Unavailable from TimeoutError("the time limit of the call is too close for another attempt")
    # Here botocore expects the timeout of one attempt; its client has only one timeout for all requests.
    request.context["read_timeout"] = min(maximum_seconds, read_seconds)
