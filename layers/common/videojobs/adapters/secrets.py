"""Secrets from AWS Secrets Manager, kept for a while and read anew when they stop working."""

from collections.abc import Callable
from time import monotonic

from videojobs.adapters.aws import AwsJsonClient
from videojobs.domain.errors import Unavailable

MAXIMUM_AGE_SECONDS = 300
"""A rotated-out secret is forgotten after this time at the latest."""
MINIMUM_REFRESH_SECONDS = 10
"""A flood of bad tokens must not become a flood of calls to Secrets Manager."""


class CachedSecret:
    """One secret's current value (stage `AWSCURRENT`), as a string."""

    def __init__(self, arn: str, client: AwsJsonClient, *, monotonic: Callable[[], float] = monotonic) -> None:
        """Nothing is read until it is asked for."""
        self._arn, self._client, self._monotonic = arn, client, monotonic
        self._value: str | None = None
        self._read_at = 0.0

    def get(self, *, refresh: bool = False) -> str:
        """The value; with `refresh` read again, unless that was done within the last ten seconds.

        When Secrets Manager does not answer, a value once read goes on being used.

        Raises:
            Unavailable: it was never read and can't be now.
        """
        age = self._monotonic() - self._read_at
        if self._value is None or age > MAXIMUM_AGE_SECONDS or (refresh and age > MINIMUM_REFRESH_SECONDS):
            try:
                answer = self._client.call("GetSecretValue", {"SecretId": self._arn})
            except Unavailable:
                if self._value is None:
                    raise
            else:
                self._value = str(answer["SecretString"])
            self._read_at = self._monotonic()
        return self._value
