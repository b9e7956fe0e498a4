"""A minimal client for AWS services that speak JSON, signed by botocore, without its 145 ms of session and models.

`generate` and `status` call two operations of AWS: `SendMessage` and `GetSecretValue`. A botocore client for them costs
more at a cold start than MongoDB's driver; its signer alone costs a third (docs/adr/0006).
"""

import json
from collections.abc import Mapping
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ContainerProvider, CredentialResolver, Credentials, EnvProvider

from videojobs.domain.errors import Unavailable

_TIMEOUT = urllib3.Timeout(connect=1, read=2)
_RETRIES = urllib3.Retry(total=1, read=0, status_forcelist=(500, 502, 503, 504), allowed_methods=None)


def load_credentials() -> Credentials:
    """The function's role, from the environment or (under SnapStart) from the credentials endpoint.

    Raises:
        Unavailable: neither has any.
    """
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
        self._credentials = load_credentials()

    def call(self, operation: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call one operation and return its answer.

        Raises:
            Unavailable: no answer, or one that is no success; `__cause__` or the log of AWS says more.
        """
        headers = {
            "Content-Type": f"application/x-amz-json-{self._version}",
            "X-Amz-Target": f"{self._target}.{operation}",
        }
        request = AWSRequest("POST", self._url + "/", headers=headers, data=json.dumps(arguments).encode())
        SigV4Auth(self._credentials, self._service, self._region).add_auth(request)
        try:
            answer = self._pool.request("POST", self._url + "/", body=request.data, headers=dict(request.headers))
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable from error
        if answer.status != 200:
            kind = answer.headers.get("x-amzn-errortype") or f"HTTP {answer.status}"
            raise Unavailable from RuntimeError(f"{self._service} {operation}: {kind}")
        body: dict[str, Any] = json.loads(answer.data)
        return body
