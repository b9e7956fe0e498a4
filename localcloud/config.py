"""Where the local system lives and what it is called: the one configuration of this package."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent

_PARAMETERS = {
    "WEBHOOK_URLS": "WebhookUrls",
    "PROVIDER": "Provider",
    "FALLBACK_PROVIDERS": "FallbackProviders",
    "ALLOWED_PROVIDERS": "AllowedProviders",
    "PROVIDER_OPTIONS": "ProviderOptions",
    "UNKNOWN_SUBMIT": "UnknownSubmit",
    "SNAP_START": "SnapStart",
}
"""The template's parameters that the environment may name, by variable."""


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """One local system: everything it keeps is under `state`, so two with different folders never meet."""

    root: Path
    state: Path
    mongodb_uri: str | None = None
    """A MongoDB to use in SecantusDB's place."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values for parameters of template.yaml; they take precedence over those of every other source."""
    provider_keys: str = "{}"
    """What the secret of `ProviderSecretArn` holds: docs/providers.md."""

    stack_name: str = "videojobs"
    database: str = "videojobs"
    region: str = "us-east-1"
    host: str = "127.0.0.1"
    aws_port: int = 4566
    """Taken when it is free, as are the others; otherwise the system says which port it took."""
    mongo_port: int = 27117
    web_port: int = 4570

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> Self:
        """The system of this checkout.

        `LOCALCLOUD_STATE` names another folder (the tests use one of their own), `MONGODB_URI` another database,
        `WEBHOOK_URLS` who hears of changes, `PROVIDER` and its like who makes the videos, and `PROVIDER_KEYS` with
        which keys.
        """
        state = Path(environment.get("LOCALCLOUD_STATE") or root / ".local")
        return cls(
            root=root,
            state=(root / state).resolve(),
            mongodb_uri=environment.get("MONGODB_URI") or None,
            provider_keys=environment.get("PROVIDER_KEYS") or "{}",
            parameters={
                parameter: environment[variable]
                for variable, parameter in _PARAMETERS.items()
                if environment.get(variable)
            },
        )

    @property
    def stack_file(self) -> Path:
        """Where every tool and test reads how to reach the system."""
        return self.state / "stack.json"

    @property
    def listener_file(self) -> Path:
        """Holds the URL of `webhook-listen` for as long as it listens: every `up` then sends webhooks there."""
        return self.state / "webhook-listener"

    @property
    def logs(self) -> Path:
        """The folder of the servers' and the deployment's own logs."""
        return self.state / "logs"

    @property
    def build(self) -> Path:
        """Where `sam build` puts what it made; shared by every local system of the checkout."""
        return self.root / ".aws-sam" / "build"

    @property
    def tools(self) -> Path:
        """The `bin` folder of the developer's environment: sam, and the python3.13 that it builds with."""
        return self.root / ".venv" / "bin"

    @property
    def uv(self) -> Path:
        """The `bin` folder of the uv that set-up got where the machine had none."""
        return self.root / ".local" / "uv" / "bin"

    @property
    def pages(self) -> Path:
        """The studio's files."""
        return self.root / "web"

    @property
    def servers(self) -> Path:
        """The `bin` folder of the environment that the servers run in."""
        return self.root / ".local" / "cloud" / "bin"
