"""Looks for secrets where they don't belong: each is a word of its own, sought in every spelling it may take."""

import base64
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import uuid4


class Found(NamedTuple):
    """A secret, by its name, and the kind of place where it was."""

    secret: str
    place: str


def make_secret() -> str:
    """A word that is found nowhere else."""
    return f"planted{uuid4().hex}"


def spellings(secret: str) -> Iterator[str]:
    """As it is, as a part of a URL and of JSON, backwards through base64: wherever in a longer text it stood."""
    yield secret
    yield urllib.parse.quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    for shift in range(3):
        encoded = base64.b64encode(b"." * shift + secret.encode())
        # The first and last characters also carry bits of what stands beside the secret.
        whole = encoded[4 if shift else 0 : (len(secret) + shift) // 3 * 4].decode()
        yield whole
        yield whole.replace("+", "-").replace("/", "_")


def search(secrets: Mapping[str, str], texts: Iterable[tuple[str, str]]) -> dict[Found, str]:
    """Every secret in every kind of place, with the first text that it was found in; `texts` come with their places."""
    sought = [(name, tuple(dict.fromkeys(spellings(secret)))) for name, secret in secrets.items()]
    found: dict[Found, str] = {}
    for place, text in texts:
        for name, spelled in sought:
            if any(spelling in text for spelling in spelled):
                found.setdefault(Found(name, place), text[:2000])
    return found
