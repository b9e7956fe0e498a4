"""Minimal AWS client that avoids the 240 ms that importing botocore takes.

Most functions call two or three operations: `GetSecretValue`, `SendMessage`, `PostToConnection`. A botocore client for
them takes longer to start than MongoDB's driver (docs/adr/0006).
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import urllib3

from videojobs.adapters.sigv4 import Credentials, sign_request
from videojobs.domain.errors import Unavailable
from videojobs.domain.time_limit import seconds_left

if TYPE_CHECKING:
    import botocore.credentials

CONNECT_SECONDS, READ_SECONDS = 1.0, 2.0
_RETRIES = urllib3.Retry(total=1, read=0, status_forcelist=(500, 502, 503, 504), allowed_methods=None)


def read_credentials() -> Credentials:
    """Return the credentials of the function's role.

    They are read from the environment variables, or, with SnapStart, from the credentials endpoint.

    Raises:
        Unavailable: If neither has credentials.
        botocore.exceptions.CredentialRetrievalError: If the credentials endpoint does not respond.
    """
    # Lambda sets these variables when the environment starts and never changes them. Without them, botocore reads the
    # credentials endpoint.
    if "AWS_ACCESS_KEY_ID" in os.environ and "AWS_SECRET_ACCESS_KEY" in os.environ:
        token = os.environ.get("AWS_SESSION_TOKEN")
        return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], token)
    now = _find_role().get_frozen_credentials()  # refreshed if expired
    return Credentials(now.access_key or "", now.secret_key or "", now.token)


@cache
def _find_role() -> "botocore.credentials.Credentials":
    from botocore.credentials import ContainerProvider, CredentialResolver, EnvProvider

    credentials = CredentialResolver([EnvProvider(), ContainerProvider()]).load_credentials()
    if credentials is None:
        raise Unavailable
    return credentials


def _choose_timeout() -> urllib3.Timeout:
    """Return the timeout of one attempt. The two attempts of a request end within the call's time limit.

    Raises:
        Unavailable: If the limit is reached.
    """
    left = seconds_left()
    if left is None:
        return urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    half = left / 2
    return urllib3.Timeout(connect=min(CONNECT_SECONDS, half), read=min(READ_SECONDS, half), total=half)


class AwsClient:
    """Client that sends signed requests to one service over keep-alive connections; thread-safe.

    The timeouts are 1 s to connect and 2 s to read, or shorter in a call with a `time_limit`. A request is retried
    once after a failed connection, or after the status 500, 502, 503 or 504.
    """

    def __init__(self, service: str, url: str, *, region: str, connections: int = 2) -> None:
        """Create the client; nothing is connected.

        Args:
            service: The service's name in signatures, such as `sqs`.
            url: The endpoint, without a trailing slash.
            region: The AWS region that is signed.
            connections: The maximum number of connections that are kept alive.
        """
        self._service, self._url, self._region = service, url, region
        self._pool = urllib3.PoolManager(maxsize=connections, retries=_RETRIES)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        """Send a signed request and return the response with any status; `path` must be percent-encoded.

        Raises:
            Unavailable: If there is no response, in which case the request may have been processed; if the retry also
                fails with 500, 502, 503 or 504; if there are no credentials; or if the call's time limit is reached.
            botocore.exceptions.CredentialRetrievalError: If the credentials endpoint does not respond.
        """
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
        try:
            return self._pool.request(method, url, body=body, headers=signed, timeout=_choose_timeout())
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable from error


class AwsJsonClient(AwsClient):
    """Client of a service with the AWS JSON protocol, such as SQS and Secrets Manager."""

    def __init__(self, service: str, target: str, *, version: str, region: str, endpoint_url: str = "") -> None:
        """Create the client; nothing is connected.

        Args:
            service: The service's name in signatures and in the host name.
            target: The prefix of the header `X-Amz-Target`.
            version: The JSON protocol version, as in `application/x-amz-json-1.0`.
            region: The AWS region.
            endpoint_url: The endpoint; empty for the service's own in the region.
        """
        super().__init__(service, endpoint_url or f"https://{service}.{region}.amazonaws.com", region=region)
        self._target, self._version = target, version

    def call(self, operation: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation and return the JSON of its response.

        Raises:
            Unavailable: If there is no response, its status is not 200, or it is not JSON; the operation may have been
                performed. `__cause__` has the error type.
        """
        headers = {
            "Content-Type": f"application/x-amz-json-{self._version}",
            "X-Amz-Target": f"{self._target}.{operation}",
        }
        response = self.request("POST", "/", headers, json.dumps(arguments).encode())
        if response.status != 200:
            error_type = response.headers.get("x-amzn-errortype") or f"HTTP {response.status}"
            raise Unavailable from RuntimeError(f"{self._service} {operation}: {error_type}")
        try:
            result: dict[str, Any] = json.loads(response.data)
        except ValueError as error:  # the response came from a proxy, not from AWS
            raise Unavailable from error
        return result
