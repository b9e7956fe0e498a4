"""Signs a request to AWS: Signature Version 4, for the few kinds of call that most functions make.

botocore's own signer brings the imports of half of botocore: a tenth of a cold start (docs/adr/0006). The algorithm is
https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html; a test holds it against botocore's.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Keys of a role (with its session's token) or of a user (without)."""

    access_key: str
    secret_key: str
    token: str | None = None


def sign_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    service: str,
    region: str,
    now: datetime,
) -> dict[str, str]:
    """The headers of a signed request: those given, and what makes it AWS's.

    `url` has no query, and a path as it goes over the wire; `headers` are in one spelling each, with values free of
    runs of spaces.
    """
    at, address = now.strftime("%Y%m%dT%H%M%SZ"), urlsplit(url)
    signed = {**headers, "Host": address.netloc, "X-Amz-Date": at}
    if credentials.token:
        signed["X-Amz-Security-Token"] = credentials.token
    lines = sorted((name.lower(), value.strip()) for name, value in signed.items())
    names = ";".join(name for name, _ in lines)
    head = [method, quote(address.path, safe="/~"), ""]
    canonical = "\n".join([*head, *(f"{name}:{value}" for name, value in lines), "", names, sha256(body).hexdigest()])
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, at, scope, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}"
    return signed | {"Authorization": f"{authorization}, Signature={signature}"}
