"""Secrets from AWS Secrets Manager, cached for five minutes and read again when they are rejected."""

from base64 import b64decode
from collections.abc import Callable
from math import inf
from time import monotonic

from videojobs.adapters.aws import AwsJsonClient
from videojobs.domain.errors import Unavailable

MAXIMUM_AGE_SECONDS = 300
"""How long a value is cached; a rotated secret takes effect within this time."""
MINIMUM_REFRESH_SECONDS = 10
"""Minimum interval of refreshes, and of reads after a failed read.

Many invalid tokens therefore do not cause many requests to Secrets Manager.
"""


class CachedSecret:
    """Cached value of one secret (stage `AWSCURRENT`). `get` implements `ports.ReadSecret`."""

    def __init__(self, arn: str, client: AwsJsonClient, *, monotonic: Callable[[], float] = monotonic) -> None:
        """Keep the client; `get` reads the secret. `monotonic` returns seconds and measures the value's age."""
        self._arn, self._client, self._monotonic = arn, client, monotonic
        self._value: str | None = None
        self._due_at = self._refresh_at = -inf

    def get(self, *, refresh: bool = False) -> str:
        """Return the value; with `refresh`, read it again unless it was read in the last ten seconds.

        If Secrets Manager does not respond, the previous value is returned, and the secret is read again ten seconds
        later. A binary secret must be UTF-8 text.

        Raises:
            Unavailable: If the secret was never read and can't be read now.
            KeyError: If the secret is binary and not text.
        """
        now = self._monotonic()
        if self._value is None or now > self._due_at or (refresh and now > self._refresh_at):
            try:
                self._value = self._read()
            except Unavailable:
                if self._value is None:
                    raise
                self._due_at = self._refresh_at = self._monotonic() + MINIMUM_REFRESH_SECONDS
            else:
                now = self._monotonic()
                self._due_at, self._refresh_at = now + MAXIMUM_AGE_SECONDS, now + MINIMUM_REFRESH_SECONDS
        return self._value

    def _read(self) -> str:
        response = self._client.call("GetSecretValue", {"SecretId": self._arn})
        try:
            text = response.get("SecretString")
            return b64decode(response["SecretBinary"], validate=True).decode() if text is None else str(text)
        except (KeyError, TypeError, ValueError):
            raise Unavailable from None  # the error can contain the value
