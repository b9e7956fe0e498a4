"""Cheap polling (RFC 9110): a tag for what an answer shows, and whether the caller has that already."""

import hashlib
import json
import re

from videojobs.api.http import HttpRequest

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def make_etag(shown: object) -> str:
    """The tag of a body in which each presigned URL is replaced by what it stands for.

    Weak: the same body may be signed by another function instance with other credentials, which no reader tells apart.
    """
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def matches_etag(request: HttpRequest, etag: str) -> bool:
    """Whether `If-None-Match` names this tag, or any: compared weakly, and what is malformed matches nothing."""
    wanted = (request.header("if-none-match") or "").strip()
    return wanted == "*" or etag.removeprefix("W/").strip('"') in _TAG.findall(wanted)
