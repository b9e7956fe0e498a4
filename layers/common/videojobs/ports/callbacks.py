"""Who tells whether a provider's callback is its own, said as a Protocol."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

CALLBACK_PROVIDERS = ("fal", "replicate", "openai_compatible")
"""The providers that sign what they call back with."""
MAXIMUM_AGE = timedelta(minutes=5)
"""How far a signature's time may be from ours, as Standard Webhooks and fal advise."""


class CallbackVerifier(Protocol):
    """Knows one provider's signature."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """The id at the provider of the task that the callback is about; None: it is about none.

        `headers` have their names in lower case, `body` is as it was sent.

        Raises:
            CallbackRefused: it is not the provider's, or more than `MAXIMUM_AGE` old.
            Unavailable: what the provider signs with can't be had now.
        """
        ...
