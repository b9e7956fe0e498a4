"""fal's callbacks, signed with Ed25519: https://docs.fal.ai/documentation/model-apis/inference/webhooks."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWKSet, PyJWTError

from videojobs.adapters.callbacks.age import read_signed_at
from videojobs.adapters.rest.client import RestClient
from videojobs.domain.errors import CallbackRefused, ProviderError, Unavailable

KEYS_HOST = "https://rest.fal.ai"
KEYS_PATH = "/.well-known/jwks.json"
KEYS_LIFETIME = timedelta(hours=24)
"""fal says that its keys may be kept for so long."""
PAUSE = timedelta(minutes=1)
"""Between two requests for them: a flood of bad signatures must not become a flood of requests."""
CALL_SECONDS = 3.0


class FalVerifier:
    """See `ports.callbacks.CallbackVerifier`. No secret: fal publishes its keys."""

    def __init__(self, keys_host: str = KEYS_HOST) -> None:
        """Nothing is asked for before the first callback."""
        self._rest = RestClient(keys_host, authorize=lambda _refresh: {}, call_seconds=CALL_SECONDS)
        self._keys: list[Ed25519PublicKey] = []
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The signature is of request, user, time and the body's SHA-256, a line each."""
        signed = [headers.get(f"x-fal-webhook-{part}", "") for part in ("request-id", "user-id", "timestamp")]
        read_signed_at(signed[2], now)
        if not all(part and part.isascii() for part in signed):
            raise CallbackRefused
        try:
            signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
        except ValueError:
            raise CallbackRefused from None
        message = "\n".join((*signed, sha256(body).hexdigest())).encode()
        self._keep_fresh(now)
        if not self._fits(signature, message) and not (self._ask(now) and self._fits(signature, message)):
            raise CallbackRefused
        return _read_request_id(body) or signed[0]

    def _fits(self, signature: bytes, message: bytes) -> bool:
        for key in self._keys:
            try:
                key.verify(signature, message)
            except InvalidSignature:
                continue
            return True
        return False

    def _keep_fresh(self, now: datetime) -> None:
        is_old = self._read_at is None or now - self._read_at > KEYS_LIFETIME
        if is_old and not self._ask(now):
            raise Unavailable

    def _ask(self, now: datetime) -> bool:
        """Whether the keys are now as fresh as can be."""
        if self._asked_at is not None and now - self._asked_at < PAUSE:
            return False
        self._asked_at = now
        try:
            published = PyJWKSet.from_dict(self._rest.ask(KEYS_PATH)).keys
        except (ProviderError, PyJWTError):
            return False
        self._keys = [each.key for each in published if isinstance(each.key, Ed25519PublicKey)]
        self._read_at = now
        return True


def _read_request_id(body: bytes) -> str | None:
    """That of the queue; the header may name the last of several tries."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match told:
        case {"request_id": str(request_id)}:
            return request_id
        case _:
            return None
