"""Callbacks signed after Standard Webhooks (https://www.standardwebhooks.com): Replicate's and OpenAI's protocol.

The library makes the signature that should have come. What the time is says our clock; the library's own check asks the
system's.
"""

import hmac
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from videojobs.adapters.callbacks.age import read_signed_at
from videojobs.adapters.rest.setup import ReadKey
from videojobs.domain.errors import CallbackRefused, ProviderError

logger = logging.getLogger(__name__)


class StandardVerifier:
    """See `ports.callbacks.CallbackVerifier`. Secret: `webhookSecret`, or several with spaces between in a rotation."""

    def __init__(self, name: str, read_key: ReadKey) -> None:
        """`name` is the provider's; its part of the secret is read at each callback."""
        self._name, self._read_key = name, read_key

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The signature is of id, time and body; a secret that was replaced just now is read anew."""
        message_id, given = headers.get("webhook-id", ""), headers.get("webhook-signature", "")
        signed_at = read_signed_at(headers.get("webhook-timestamp", ""), now)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise CallbackRefused from None
        if not message_id.isascii() or not given.isascii():
            raise CallbackRefused
        for refresh in (False, True):
            for secret in self._secrets(refresh=refresh):
                expected = secret.sign(message_id, signed_at, text)
                if any(hmac.compare_digest(expected, each) for each in given.split()):
                    return _read_task_id(text)
        raise CallbackRefused

    def _secrets(self, *, refresh: bool) -> Iterator[Webhook]:
        try:
            found = self._read_key(refresh=refresh).get("webhookSecret")
        except ProviderError:  # the deployment has no secret at all, and that was logged
            raise CallbackRefused from None
        try:
            made = [Webhook(secret) for secret in found.split()] if isinstance(found, str) else []
        except (ValueError, EmptyWebhookSecretError):
            made = []
        if not made:
            extra = {"action": "provider_not_set_up", "provider": self._name, "reason": "no webhookSecret"}
            logger.error("Provider not set up", extra=extra)
        yield from made


def _read_task_id(text: str) -> str | None:
    """Replicate sends the prediction itself, OpenAI an event about it."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match told:
        case {"data": {"id": str(task_id)}} | {"id": str(task_id)}:
            return task_id
        case _:
            return None
