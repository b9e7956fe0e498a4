"""Secrets from AWS Secrets Manager, cached for five minutes and read again when they are rejected."""

from collections.abc import Callable
from time import monotonic

from videojobs.adapters.aws import AwsJsonClient
from videojobs.domain.errors import Unavailable

MAXIMUM_AGE_SECONDS = 300
"""How long a value is cached; a rotated secret takes effect within this time."""
MINIMUM_REFRESH_SECONDS = 10
"""Minimum interval of refreshes, so that many invalid tokens do not cause many requests to Secrets Manager."""


class CachedSecret:
    """Cached value of one secret (stage `AWSCURRENT`). `get` implements `ports.ReadSecret`."""

    def __init__(self, arn: str, client: AwsJsonClient, *, monotonic: Callable[[], float] = monotonic) -> None:
        """Keep the client; `get` reads the secret. `monotonic` returns seconds and measures the value's age."""
        self._arn, self._client, self._monotonic = arn, client, monotonic
        self._value: str | None = None
        self._read_at = 0.0

    def get(self, *, refresh: bool = False) -> str:
        """Return the value; with `refresh`, read it again unless it was read in the last ten seconds.

        If Secrets Manager does not respond, the previous value is returned.

        Raises:
            Unavailable: If the secret was never read and can't be read now.
            KeyError: If the secret is binary and not text.
        """
        age = self._monotonic() - self._read_at
        if self._value is None or age > MAXIMUM_AGE_SECONDS or (refresh and age > MINIMUM_REFRESH_SECONDS):
            try:
                response = self._client.call("GetSecretValue", {"SecretId": self._arn})
            except Unavailable:
                if self._value is None:
                    raise
            else:
                self._value = str(response["SecretString"])
            self._read_at = self._monotonic()
        return self._value
