"""A minimal client for AWS services that speak JSON: two operations need no session, no models and no 240 ms of import.

`generate` and `status` call two operations of AWS: `SendMessage` and `GetSecretValue`. A botocore client for them costs
more at a cold start than MongoDB's driver (docs/adr/0006).
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import urllib3

from videojobs.adapters.sigv4 import Credentials, sign_post
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


class AwsJsonClient:
    """Calls operations of one service over a kept-alive connection; safe for threads.

    Waits at most 1 s to connect and 2 s for the answer; one more try after a refused connection or a 5xx.
    """

    def __init__(self, service: str, target: str, *, version: str, region: str, endpoint_url: str = "") -> None:
        """`target` is the prefix of `X-Amz-Target`, `version` that of `application/x-amz-json-`."""
        self._service, self._target, self._version, self._region = service, target, version, region
        self._url = endpoint_url or f"https://{service}.{region}.amazonaws.com"
        self._pool = urllib3.PoolManager(maxsize=2, timeout=_TIMEOUT, retries=_RETRIES)

    def call(self, operation: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call one operation and return its answer.

        Raises:
            Unavailable: no answer, or one that is no success; `__cause__` or the log of AWS says more.
        """
        url, body = self._url + "/", json.dumps(arguments).encode()
        headers = {
            "Content-Type": f"application/x-amz-json-{self._version}",
            "X-Amz-Target": f"{self._target}.{operation}",
        }
        signed = sign_post(
            url,
            headers,
            body,
            credentials=read_credentials(),
            service=self._service,
            region=self._region,
            now=datetime.now(UTC),
        )
        try:
            answer = self._pool.request("POST", url, body=body, headers=signed)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable from error
        if answer.status != 200:
            kind = answer.headers.get("x-amzn-errortype") or f"HTTP {answer.status}"
            raise Unavailable from RuntimeError(f"{self._service} {operation}: {kind}")
        try:
            result: dict[str, Any] = json.loads(answer.data)
        except ValueError as error:  # not AWS: something in between
            raise Unavailable from error
        return result
