"""A verifier of callbacks whose signatures tests can make."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from videojobs.domain.errors import CallbackRefused, Unavailable
from videojobs.ports.callbacks import MAXIMUM_AGE


class SigningVerifier:
    """See `ports.callbacks.CallbackVerifier`.

    The body is the JSON `{"id": …}`. With `available = False` there are no keys.
    """

    def __init__(self) -> None:
        """Start with the keys available."""
        self.available = True

    def sign(self, text: str, now: datetime) -> dict[str, str]:
        """Return the headers of a callback that is sent at `now`."""
        return {"X-Signed-At": now.isoformat(), "X-Signature": sha256(f"{now.isoformat()} {text}".encode()).hexdigest()}

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """Return the `id` in the body; a wrong or old signature raises `CallbackRefused`."""
        if not self.available:
            raise Unavailable
        signed_at = datetime.fromisoformat(headers["x-signed-at"])
        expected = self.sign(body.decode(), signed_at)["X-Signature"]
        if abs(now - signed_at) > MAXIMUM_AGE or headers.get("x-signature") != expected:
            raise CallbackRefused
        parts = body.decode().split('"')
        return parts[3] if len(parts) > 3 else None
