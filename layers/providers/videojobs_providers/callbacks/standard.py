"""Verifier of callbacks signed according to Standard Webhooks (https://www.standardwebhooks.com).

Replicate and OpenAI use this scheme. The library computes the expected signature. The time is compared with the given
`now`, because the library's own check uses the system clock.
"""

import hmac
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from videojobs.domain.errors import CallbackRefused, ProviderError
from videojobs_providers.callbacks.age import read_signed_at
from videojobs_providers.rest.json_body import parse_json
from videojobs_providers.rest.setup import ReadKey

logger = logging.getLogger(__name__)


class StandardVerifier:
    """Verifier by a shared secret. Implements `ports.callbacks.CallbackVerifier`.

    The secret's field `webhookSecret` has one secret, or several separated by spaces during a rotation.
    """

    def __init__(self, name: str, read_key: ReadKey) -> None:
        """Keep the provider's name and the reader of its secret, which is read at each callback."""
        self._name, self._read_key = name, read_key

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """Return the task ID of a callback if its signature of message ID, time and body is valid; None without an ID.

        If the signature does not match, the secret is read again in case it was rotated.

        Raises:
            CallbackRefused: If the signature is missing, invalid or too old, the body is not UTF-8, or no valid secret
                is set.
            Unavailable: If the secret was never read and can't be read now.
        """
        message_id, given = headers.get("webhook-id", ""), headers.get("webhook-signature", "")
        signed_at = read_signed_at(headers.get("webhook-timestamp", ""), now)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise CallbackRefused from None
        if not message_id or not given or not message_id.isascii() or not given.isascii():
            raise CallbackRefused
        for refresh in (False, True):
            for secret in self._secrets(refresh=refresh):
                expected = secret.sign(message_id, signed_at, text)
                if any(hmac.compare_digest(expected, signature) for signature in given.split()):
                    return _read_task_id(body)
        raise CallbackRefused

    def _secrets(self, *, refresh: bool) -> Iterator[Webhook]:
        """Yield the secrets; none if they are missing or malformed, which is logged."""
        try:
            value = self._read_key(refresh=refresh).get("webhookSecret")
        except ProviderError:  # already logged by `read_key`
            raise CallbackRefused from None
        try:
            webhooks = [Webhook(secret) for secret in value.split()] if isinstance(value, str) else []
        except (ValueError, EmptyWebhookSecretError):
            webhooks = []
        if not webhooks:
            extra = {"action": "provider_not_set_up", "provider": self._name, "reason": "no webhookSecret"}
            logger.warning("Callback not verified", extra=extra)
        yield from webhooks


def _read_task_id(body: bytes) -> str | None:
    """Return the task ID of a prediction (Replicate) or of an event about a task (OpenAI), or None."""
    match parse_json(body):
        case {"data": {"id": str(task_id)}} | {"id": str(task_id)}:
            return task_id
        case _:
            return None
