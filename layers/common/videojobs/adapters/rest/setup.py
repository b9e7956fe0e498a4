"""What a deployment tells the adapter of a provider: its options, its key, and the policy for unknown submits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from videojobs.ports.videos import UnknownSubmit

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
