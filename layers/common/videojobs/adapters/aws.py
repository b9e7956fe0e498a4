"""A minimal client for AWS: a few operations need no session, no models and no 240 ms of import.

Most functions call two or three operations: `GetSecretValue`, `SendMessage`, `PostToConnection`. A botocore client for
them costs more at a cold start than MongoDB's driver (docs/adr/0006).
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

if TYPE_CHECKING:
    import botocore.credentials

_TIMEOUT = urllib3.Timeout(connect=1, read=2)
_RETRIES = urllib3.Retry(total=1, read=0, status_forcelist=(500, 502, 503, 504), allowed_methods=None)


def read_credentials() -> Credentials:
    """The function's role, from the environment or (under SnapStart) from the credentials endpoint.

    Raises:
        Unavailable: neither has any.
    """
    # The variables that every SDK reads; Lambda changes them only with the process. Without them ask botocore.
    if "AWS_ACCESS_KEY_ID" in os.environ and "AWS_SECRET_ACCESS_KEY" in os.environ:
        token = os.environ.get("AWS_SESSION_TOKEN")
        return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], token)
    now = _find_role().get_frozen_credentials()  # fresh: the endpoint's expire
    return Credentials(now.access_key or "", now.secret_key or "", now.token)


@cache
def _find_role() -> "botocore.credentials.Credentials":
    from botocore.credentials import ContainerProvider, CredentialResolver, EnvProvider

    found = CredentialResolver([EnvProvider(), ContainerProvider()]).load_credentials()
    if found is None:
        raise Unavailable
    return found


class AwsClient:
    """Sends signed requests to one service over kept-alive connections; safe for threads.

    Waits at most 1 s to connect and 2 s for the answer; one more try after a refused connection or a 5xx.
    """

    def __init__(self, service: str, url: str, *, region: str, connections: int = 2) -> None:
        """`service` as signatures name it; `url` without a slash at its end; `connections` are kept alive."""
        self._service, self._url, self._region = service, url, region
        self._pool = urllib3.PoolManager(maxsize=connections, timeout=_TIMEOUT, retries=_RETRIES)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        """The answer, whatever its status; `path` is percent-encoded where it has to be.

        Raises:
            Unavailable: no answer, or a 5xx twice.
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
            return self._pool.request(method, url, body=body, headers=signed)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable from error


class AwsJsonClient(AwsClient):
    """Calls the operations of a service that speaks JSON over `POST /`."""

    def __init__(self, service: str, target: str, *, version: str, region: str, endpoint_url: str = "") -> None:
        """`target` is the prefix of `X-Amz-Target`, `version` that of `application/x-amz-json-`."""
        super().__init__(service, endpoint_url or f"https://{service}.{region}.amazonaws.com", region=region)
        self._target, self._version = target, version

    def call(self, operation: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call one operation and return its answer.

        Raises:
            Unavailable: no answer, or one that is no success; `__cause__` or the log of AWS says more.
        """
        headers = {
            "Content-Type": f"application/x-amz-json-{self._version}",
            "X-Amz-Target": f"{self._target}.{operation}",
        }
        answer = self.request("POST", "/", headers, json.dumps(arguments).encode())
        if answer.status != 200:
            kind = answer.headers.get("x-amzn-errortype") or f"HTTP {answer.status}"
            raise Unavailable from RuntimeError(f"{self._service} {operation}: {kind}")
        try:
            result: dict[str, Any] = json.loads(answer.data)
        except ValueError as error:  # not AWS: something in between
            raise Unavailable from error
        return result
