"""A Protocol for the verification of providers' callbacks."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

CALLBACK_PROVIDERS = ("fal", "replicate", "openai_compatible")
"""Providers that sign their callbacks."""
MAXIMUM_AGE = timedelta(minutes=5)
"""Maximum difference between a signature's time and ours, as Standard Webhooks and fal recommend."""


class CallbackVerifier(Protocol):
    """Verifies the signature of one provider's callbacks."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
        """Return the provider's task ID from a verified callback, or None if the callback names no task.

        Args:
            headers: The request's headers, with names in lower case.
            body: The unchanged request body.
            now: The current time, to be compared with the signature's time.

        Raises:
            CallbackRefused: If the signature is missing, malformed or not the provider's, or its time differs by more
                than `MAXIMUM_AGE`.
            Unavailable: If the provider's keys or secret can't be read now.
        """
        ...
