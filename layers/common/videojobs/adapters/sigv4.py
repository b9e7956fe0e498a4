"""AWS Signature Version 4 for requests and presigned URLs.

Importing botocore's signer takes a tenth of a cold start (docs/adr/0006). It also always signs with the current time,
but presigned URLs must stay the same for some minutes so that browsers can cache them. The algorithm is documented at
https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html. A test compares the signatures with
botocore's.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Access keys of a role, with a session token, or of an IAM user, without."""

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
    """Return the given headers, plus `Host`, `X-Amz-Date`, the session token and `Authorization`.

    Args:
        method: The HTTP method.
        url: The URL without a query, its path as it is sent.
        headers: Headers to sign. Each name occurs once, and no value contains repeated spaces.
        body: The request body.
        credentials: The keys to sign with.
        service: The service's name in signatures, such as `sqs`.
        region: The AWS region.
        now: The time of signing, in UTC.
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
    method: str,
    url: str,
    query: Mapping[str, str],
    *,
    credentials: Credentials,
    service: str,
    region: str,
    now: datetime,
    seconds: int,
) -> str:
    """Return a presigned URL that is valid for `seconds` from `now`. Equal arguments give equal URLs.

    Args:
        method: The HTTP method of the request. The URL is valid for it only.
        url: The URL with a percent-encoded path and no query.
        query: Parameters that are added to the URL and signed.
        credentials: The keys to sign with.
        service: The service's name in signatures, such as `s3`.
        region: The AWS region.
        now: The start of the validity, in UTC.
        seconds: The duration of the validity.
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
    canonical = "\n".join([method, parts.path, canonical_query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"])
    signature = _sign(canonical, at, scope, credentials.secret_key)
    return f"{url}?{canonical_query}&X-Amz-Signature={signature}"


def _sign(canonical: str, at: str, scope: str, secret_key: str) -> str:
    to_sign = "\n".join([_ALGORITHM, at, scope, sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
