"""ETags for conditional requests (RFC 9110), which make polling cheap."""

import hashlib
import json
import re

from videojobs.api.http import HttpRequest

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def make_etag(shown: object) -> str:
    """Return a weak ETag of a response body in which stable texts replace the presigned URLs.

    The tag is weak because environments sign the same URL with different credentials, so bodies can differ in bytes.
    """
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def matches_etag(request: HttpRequest, etag: str) -> bool:
    """Return whether `If-None-Match` contains this tag or `*`. Tags are compared weakly; malformed ones never match."""
    header = (request.header("if-none-match") or "").strip()
    return header == "*" or etag.removeprefix("W/").strip('"') in _TAG.findall(header)
