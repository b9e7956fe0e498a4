"""Secrets from AWS Secrets Manager, cached for five minutes and read again when they are rejected."""

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Protocol, Unpack

from videojobs.adapters.aws import aws_errors
from videojobs.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import GetSecretValueRequestTypeDef, GetSecretValueResponseTypeDef

MAXIMUM_AGE_SECONDS = 300
"""How long a value is cached; a rotated secret takes effect within this time."""
MINIMUM_REFRESH_SECONDS = 10
"""Minimum interval of refreshes, and of reads after a failed read.

Many invalid tokens therefore do not cause many requests to Secrets Manager.
"""


class SecretsManagerClient(Protocol):
    """The operation of boto3's client that `CachedSecret` calls."""

    def get_secret_value(self, **request: "Unpack[GetSecretValueRequestTypeDef]") -> "GetSecretValueResponseTypeDef":
        """Return the value of a secret."""


class CachedSecret:
    """Cached value of one secret (stage `AWSCURRENT`). `get` implements `ports.ReadSecret`."""

    def __init__(self, arn: str, client: SecretsManagerClient, *, monotonic: Callable[[], float] = monotonic) -> None:
        """Keep the client; `get` reads the secret. `monotonic` returns seconds and measures the value's age."""
        self._arn, self._client, self._monotonic = arn, client, monotonic
        self._value: str | None = None
        self._due_at = self._refresh_at = -inf

    def get(self, *, refresh: bool = False) -> str:
        """Return the value; with `refresh`, read it again unless it was read in the last ten seconds.

        If Secrets Manager does not respond, the previous value is returned, and the secret is read again ten seconds
        later. A binary secret must be UTF-8 text.

        Raises:
            Unavailable: If the secret was never read and can't be read now, or is binary and not text.
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
        try:
            response = self._client.get_secret_value(SecretId=self._arn)
            text = response.get("SecretString")
            return response["SecretBinary"].decode() if text is None else text
        except (KeyError, ValueError):
            raise Unavailable from None  # the error can contain the value
        except aws_errors() as error:
            raise Unavailable from error
