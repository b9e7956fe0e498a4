"""What a deployment tells the adapter of a provider: its options, its key, and the policy for unknown submits."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from videojobs.adapters.rest.failures import not_set_up
from videojobs.domain.errors import ProviderError
from videojobs.ports.secrets import ReadSecret
from videojobs.ports.videos import UnknownSubmit

logger = logging.getLogger(__name__)

CALL_SECONDS = 8.0
"""How long a provider may be silent in a call: two of them fit into a worker's 20 s."""


class ReadKey(Protocol):
    """Brings the provider's own part of the providers' secret, such as `{"key": "…", "webhookSecret": "whsec_…"}`."""

    def __call__(self, *, refresh: bool = False) -> Mapping[str, Any]:
        """Read it; with `refresh` anew, as the one at hand was not accepted.

        Raises:
            ProviderError: the secret has nothing for this provider.
            Unavailable: Secrets Manager does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class ProviderSetup:
    """`options` come from the deployment (parameter `ProviderOptions`), see docs/providers.md.

    `unknown_submit` is for a provider that takes no idempotency token: `RESUBMIT` or `FAIL`.
    """

    read_key: ReadKey
    options: Mapping[str, Any]
    unknown_submit: UnknownSubmit = UnknownSubmit.FAIL
    call_seconds: float = CALL_SECONDS
    results_uri: str = ""
    """Where a provider that writes to S3 by itself may put its results, of the form `s3://bucket/prefix`."""

    def option(self, name: str, default: str) -> str:
        """A text among the options.

        Raises:
            ValueError: it is something else.
        """
        value = self.options.get(name, default)
        if not isinstance(value, str) or not value:
            raise ValueError(f"ProviderOptions: {name} must be a text")
        return value

    def only_options(self, *names: str) -> None:
        """Refuse a misspelt option.

        Raises:
            ValueError: there is one of another name.
        """
        if unknown := sorted(set(self.options) - set(names)):
            raise ValueError(f"ProviderOptions: {', '.join(unknown)} is none of: {', '.join(names)}")


class ProviderKeys:
    """One provider's part of the providers' secret, a JSON object by provider."""

    def __init__(self, name: str, read_secret: ReadSecret | None) -> None:
        """None: the deployment has no such secret."""
        self._name, self._read_secret = name, read_secret

    def read(self, *, refresh: bool = False) -> Mapping[str, Any]:
        """See `ReadKey`; what is wrong with the secret is logged, never what is in it."""
        if self._read_secret is None:
            raise self._incomplete("ProviderSecretArn is not set")
        try:
            payload = json.loads(self._read_secret(refresh=refresh))
        except ValueError:
            raise self._incomplete("the secret is no JSON") from None
        part = payload.get(self._name) if isinstance(payload, dict) else None
        if not isinstance(part, dict):
            raise self._incomplete("the secret has no object for it")
        return part

    def _incomplete(self, reason: str) -> ProviderError:
        extra = {"action": "provider_not_set_up", "provider": self._name, "reason": reason}
        logger.error("Provider not set up", extra=extra)
        return not_set_up()


def read_options(text: str, name: str) -> Mapping[str, Any]:
    """One provider's options of the parameter `ProviderOptions`, a JSON object by provider.

    Raises:
        ValueError: it is something else.
    """
    try:
        payload = json.loads(text)
    except ValueError:
        raise ValueError("ProviderOptions is no JSON") from None
    options = payload.get(name, {}) if isinstance(payload, dict) else None
    if not isinstance(options, dict):
        raise ValueError(  # noqa: TRY004 - of a text, whatever it holds
            f"ProviderOptions must be an object by provider, and {name} an object in it"
        )
    return options
