"""Settings of a provider: its options, its key, and the policy for submits with an unknown outcome."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from videojobs.adapters.offers.options import read_text
from videojobs.domain.errors import ProviderError
from videojobs.ports.secrets import ReadSecret
from videojobs.ports.videos import UnknownSubmit
from videojobs_providers.rest.failures import not_set_up

logger = logging.getLogger(__name__)

CALL_SECONDS = 8.0
"""Timeout of a request that may be repeated, such as a poll."""
SUBMIT_SECONDS = 25.0
"""Timeout of a request that creates a task. Some providers take 20 s to accept, and the accepted task is paid for."""
SUBMIT_LIMIT_SECONDS = 40.0
"""Limit for a submit with signing in, connecting and the repeat after a rejected key. It fits the worker's timeout."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts of a provider's API, in seconds."""

    call_seconds: float = CALL_SECONDS
    submit_seconds: float = SUBMIT_SECONDS
    submit_limit_seconds: float = SUBMIT_LIMIT_SECONDS


class ReadKey(Protocol):
    """Function that returns the provider's part of the secret, such as `{"key": "…", "webhookSecret": "whsec_…"}`."""

    def __call__(self, *, refresh: bool = False) -> Mapping[str, Any]:
        """Return the provider's part; with `refresh`, read the secret again because the cached key was rejected.

        Raises:
            ProviderError: If there is no secret, or it has no object for this provider.
            Unavailable: If the secret was never read and can't be read now.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProviderSetup:
    """Settings of one provider.

    `options` come from the parameter `ProviderOptions` (docs/providers.md). `unknown_submit` is the policy of a
    provider without idempotency tokens: `RESUBMIT` or `FAIL`.
    """

    read_key: ReadKey
    options: Mapping[str, Any]
    unknown_submit: UnknownSubmit = UnknownSubmit.FAIL
    timeouts: Timeouts = Timeouts()
    results_uri: str = ""
    """Default location for a provider that writes its results to S3, in the form `s3://bucket/prefix`."""

    def option(self, name: str, default: str) -> str:
        """Return the option's value, or `default` if it is not set.

        Raises:
            ValueError: If the value is not a non-empty string.
        """
        return read_text(self.options, name, default)

    def only_options(self, *names: str) -> None:
        """Check that there are no other options than `names`.

        Raises:
            ValueError: If there is an option with another name.
        """
        if unknown := sorted(set(self.options) - set(names)):
            raise ValueError(f"ProviderOptions: {', '.join(unknown)} is unknown. Use only: {', '.join(names)}")


class ProviderKeys:
    """One provider's part of the secret, which is a JSON object with an object for each provider."""

    def __init__(self, name: str, read_secret: ReadSecret | None, *, level: int = logging.ERROR) -> None:
        """Keep the provider's name and the reader of the secret, or None if the deployment has no secret.

        `level` is that of the log message about a problem with the secret.
        """
        self._name, self._read_secret, self._level = name, read_secret, level

    def read(self, *, refresh: bool = False) -> Mapping[str, Any]:
        """Return the provider's part of the secret; see `ReadKey`. A problem is logged without the secret's content."""
        if self._read_secret is None:
            raise self._incomplete("ProviderSecretArn is not set")
        try:
            payload = json.loads(self._read_secret(refresh=refresh))
        except ValueError:
            raise self._incomplete("the secret is not valid JSON") from None
        part = payload.get(self._name) if isinstance(payload, dict) else None
        if not isinstance(part, dict):
            raise self._incomplete("the secret has no object for this provider")
        return part

    def _incomplete(self, reason: str) -> ProviderError:
        """Log why the provider is not set up and return the error."""
        extra = {"action": "provider_not_set_up", "provider": self._name, "reason": reason}
        logger.log(self._level, "Provider not set up", extra=extra)
        return not_set_up()
