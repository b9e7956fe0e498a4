"""Verifier of fal's callbacks, signed with Ed25519.

https://docs.fal.ai/documentation/model-apis/inference/webhooks
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWKSet, PyJWTError

from videojobs.domain.errors import CallbackRefused, ProviderError, Unavailable
from videojobs_providers.callbacks.age import read_signed_at
from videojobs_providers.rest.client import RestClient
from videojobs_providers.rest.json_body import parse_json
from videojobs_providers.rest.setup import Timeouts

KEYS_HOST = "https://rest.fal.ai"
KEYS_PATH = "/.well-known/jwks.json"
KEYS_LIFETIME = timedelta(hours=24)
"""How long the keys are cached; fal allows at most this time."""
PAUSE = timedelta(minutes=1)
"""Minimum interval of requests for the keys, so that many invalid signatures do not cause many requests."""
CALL_SECONDS = 3.0


class FalVerifier:
    """Verifier of fal's callbacks. Implements `ports.callbacks.CallbackVerifier`; fal publishes its public keys."""

    def __init__(self, keys_host: str = KEYS_HOST, *, user_id: str | None = None) -> None:
        """Create the verifier; the first callback requests the keys.

        fal's keys sign the callbacks of all of its customers. `user_id` is the account whose callbacks are accepted;
        with None, those of every account are.
        """
        self._user_id = user_id
        self._rest = RestClient(keys_host, authorize=lambda _refresh: {}, timeouts=Timeouts(CALL_SECONDS))
        self._keys: list[Ed25519PublicKey] = []
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """Return the request ID of a callback if its signature is valid: that in the body, else that in the header.

        The signed message has four lines: request ID, user ID, time and SHA-256 of the body. If no cached key matches,
        the keys are requested again, at most once a minute.

        Raises:
            CallbackRefused: If the signature is missing, malformed, invalid or too old, or of another account.
            Unavailable: If the cached keys are missing or older than `KEYS_LIFETIME`, and fal does not return new ones.
        """
        signed = [headers.get(f"x-fal-webhook-{part}", "") for part in ("request-id", "user-id", "timestamp")]
        read_signed_at(signed[2], now)
        if not all(part and part.isascii() for part in signed) or self._user_id not in (None, signed[1]):
            raise CallbackRefused
        try:
            signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
        except ValueError:
            raise CallbackRefused from None
        message = "\n".join((*signed, sha256(body).hexdigest())).encode()
        self._keep_fresh(now)
        if not self._matches(signature, message) and not (self._read_keys(now) and self._matches(signature, message)):
            raise CallbackRefused
        return _read_request_id(body) or signed[0]

    def _matches(self, signature: bytes, message: bytes) -> bool:
        """Return whether one of the cached keys signed the message."""
        for key in self._keys:
            try:
                key.verify(signature, message)
            except InvalidSignature:
                continue
            return True
        return False

    def _keep_fresh(self, now: datetime) -> None:
        """Request the keys if they are older than `KEYS_LIFETIME`; raise `Unavailable` if that fails."""
        is_old = self._read_at is None or now - self._read_at > KEYS_LIFETIME
        if is_old and not self._read_keys(now):
            raise Unavailable

    def _read_keys(self, now: datetime) -> bool:
        """Request the keys and return whether that succeeded; False if they were requested within `PAUSE`."""
        if self._asked_at is not None and now - self._asked_at < PAUSE:
            return False
        self._asked_at = now
        try:
            published = PyJWKSet.from_dict(self._rest.ask(KEYS_PATH)).keys
        except (ProviderError, PyJWTError):
            return False
        self._keys = [jwk.key for jwk in published if isinstance(jwk.key, Ed25519PublicKey)]
        self._read_at = now
        return True


def _read_request_id(body: bytes) -> str | None:
    """Return the request ID in the queue, or None. The header can have the ID of a retry instead."""
    match parse_json(body):
        case {"request_id": str(request_id)}:
            return request_id
        case _:
            return None
