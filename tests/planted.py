"""Search for secrets in text, in every encoding that they may have there."""

import base64
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import uuid4


class Found(NamedTuple):
    """The name of a secret and the kind of place that contained it."""

    secret: str
    place: str


def make_secret() -> str:
    """Return a random secret that occurs nowhere else."""
    return f"planted{uuid4().hex}"


def spellings(secret: str) -> Iterator[str]:
    """Yield the secret verbatim, URL-encoded, as JSON, and as base64 at each of the three possible byte offsets."""
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    for shift in range(3):
        encoded = base64.b64encode(b"." * shift + secret.encode())
        # The first and last characters also encode bits of the neighbouring bytes.
        whole = encoded[4 if shift else 0 : (len(secret) + shift) // 3 * 4].decode()
        yield whole
        yield whole.replace("+", "-").replace("/", "_")


def search(secrets: Mapping[str, str], texts: Iterable[tuple[str, str]]) -> dict[Found, str]:
    """Return each secret and place with the first 2,000 characters of the first text there that contains the secret.

    `secrets` maps names to values; `texts` are pairs of place and text.
    """
    candidates = [(name, tuple(dict.fromkeys(spellings(secret)))) for name, secret in secrets.items()]
    matches: dict[Found, str] = {}
    for place, text in texts:
        for name, encodings in candidates:
            if any(encoding in text for encoding in encodings):
                matches.setdefault(Found(name, place), text[:2000])
    return matches
