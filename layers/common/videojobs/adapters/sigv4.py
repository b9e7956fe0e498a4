"""Signs for AWS, Signature Version 4: the few kinds of call that most functions make, and URLs that others may get.

botocore's own signer brings the imports of half of botocore: a tenth of a cold start (docs/adr/0006); and it signs as
of now, where a URL is to stay the same for a while. The algorithm is
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
    signature = _sign(canonical, at, scope, credentials.secret_key)
    authorization = f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}"
    return signed | {"Authorization": f"{authorization}, Signature={signature}"}


def sign_url(
    url: str,
    query: Mapping[str, str],
    *,
    credentials: Credentials,
    service: str,
    region: str,
    now: datetime,
    seconds: int,
) -> str:
    """A URL that anybody may GET from `now` on, for so many seconds; the same of the same arguments.

    `url` has a path in percent encoding and no query; `query` holds the parameters to be signed with it.
    """
    at = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    parameters = {
        **query,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": at,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token:
        parameters["X-Amz-Security-Token"] = credentials.token
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in parameters.items())
    canonical_query = "&".join(f"{name}={value}" for name, value in encoded)
    parts = urlsplit(url)
    canonical = "\n".join(["GET", parts.path, canonical_query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"])
    signature = _sign(canonical, at, scope, credentials.secret_key)
    return f"{url}?{canonical_query}&X-Amz-Signature={signature}"


def _sign(canonical: str, at: str, scope: str, secret_key: str) -> str:
    to_sign = "\n".join([_ALGORITHM, at, scope, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
