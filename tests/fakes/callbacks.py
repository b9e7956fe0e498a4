"""A provider's signature that a test can make."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from videojobs.domain.errors import CallbackRefused, Unavailable
from videojobs.ports.callbacks import MAXIMUM_AGE


class SigningVerifier:
    """See `ports.callbacks.CallbackVerifier`: the body is the JSON `{"id": …}`. `available = False`: no keys."""

    def __init__(self) -> None:
        """It can be asked."""
        self.available = True

    def sign(self, text: str, now: datetime) -> dict[str, str]:
        """The headers of a callback that is sent now."""
        return {"X-Signed-At": now.isoformat(), "X-Signature": sha256(f"{now.isoformat()} {text}".encode()).hexdigest()}

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The id between the quotation marks."""
        if not self.available:
            raise Unavailable
        signed_at = datetime.fromisoformat(headers["x-signed-at"])
        right = self.sign(body.decode(), signed_at)["X-Signature"]
        if abs(now - signed_at) > MAXIMUM_AGE or headers.get("x-signature") != right:
            raise CallbackRefused
        parts = body.decode().split('"')
        return parts[3] if len(parts) > 3 else None
