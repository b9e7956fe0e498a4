"""Configuration of the local system: its folders, names and ports."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from localcloud.errors import LocalCloudError

ROOT = Path(__file__).resolve().parent.parent

_PARAMETERS = {
    "WEBHOOK_URLS": "WebhookUrls",
    "PROVIDER": "Provider",
    "FALLBACK_PROVIDERS": "FallbackProviders",
    "ALLOWED_PROVIDERS": "AllowedProviders",
    "PROVIDER_OPTIONS": "ProviderOptions",
}
"""Parameters of the template by the environment variable that sets them."""
DEVELOPMENT_ORIGINS = tuple(f"http://{host}:{port}" for port in (5173, 3000) for host in ("127.0.0.1", "localhost"))
"""Origins of the development servers of Vite and Next.js on their default ports."""
_SIMULATION = {"SIMULATED_MIN_SECONDS": 3600, "SIMULATED_MAX_SECONDS": 3600, "SIMULATED_FAILURE_RATE": 1}
"""Largest value of each variable of the provider `simulated`. Each is a number of at least 0."""
_SETTINGS = {
    "UNKNOWN_SUBMIT": "UnknownSubmit",
    "SNAP_START": "SnapStart",
    **{variable: variable for variable in _SIMULATION},
}
"""Settings by the environment variable that replaces their value; see `CloudConfig.settings`."""


@dataclass(frozen=True, slots=True)
class CloudConfig:
    """Configuration of one local system.

    Everything that the system stores is under `state`, so that systems with different folders are independent.
    """

    root: Path
    state: Path
    mongodb_uri: str | None = None
    """Connection string of a MongoDB to use instead of SecantusDB; None for SecantusDB."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values for parameters of template.yaml; they take precedence over those of every other source."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Values that replace those of `Mappings`, by key, and constants, by environment variable; see `overlay.adapt`."""
    provider_keys: str = "{}"
    """Content of the secret `ProviderSecretArn`, a JSON object; see docs/providers.md."""

    allowed_origins: tuple[str, ...] = DEVELOPMENT_ORIGINS
    """Origins of pages, other than the studio, that can call the API and open its WebSocket."""
    account_concurrency: int | None = None
    """Concurrent executions of the account, which MiniStack reads when it starts; None for its default."""

    stack_name: str = "videojobs"
    database: str = "videojobs"
    region: str = "us-east-1"
    host: str = "127.0.0.1"
    aws_port: int = 4566
    """Preferred port of MiniStack. If a preferred port is not free, the server listens on another one and prints it."""
    mongo_port: int = 27117
    web_port: int = 4570

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> Self:
        """Return the configuration that environment variables describe.

        `LOCALCLOUD_STATE` sets the state folder (default `.local`), `MONGODB_URI` a database to use instead of
        SecantusDB, `WEBHOOK_URLS` the receivers of webhooks, `PROVIDER` and related variables the video providers,
        `PROVIDER_KEYS` their API keys, `SIMULATED_FAILURE_RATE` and related variables the provider `simulated`,
        `ALLOWED_ORIGINS` the origins of pages, separated by commas, and `ACCOUNT_CONCURRENCY` the concurrent executions
        of the account. An empty variable counts as unset.

        Raises:
            LocalCloudError: If a variable of the provider `simulated` is not a number in its range, or no variable
                names this provider.
        """
        _check_simulation(environment)
        state = Path(environment.get("LOCALCLOUD_STATE") or root / ".local")
        concurrency = environment.get("ACCOUNT_CONCURRENCY")
        origins = tuple(name.strip().rstrip("/") for name in environment.get("ALLOWED_ORIGINS", "").split(","))
        return cls(
            root=root,
            state=(root / state).resolve(),
            mongodb_uri=environment.get("MONGODB_URI") or None,
            provider_keys=environment.get("PROVIDER_KEYS") or "{}",
            allowed_origins=tuple(filter(None, origins)) or DEVELOPMENT_ORIGINS,
            account_concurrency=int(concurrency) if concurrency else None,
            parameters={
                parameter: environment[variable]
                for variable, parameter in _PARAMETERS.items()
                if environment.get(variable)
            },
            settings={key: environment[variable] for variable, key in _SETTINGS.items() if environment.get(variable)},
        )

    @property
    def stack_file(self) -> Path:
        """Return the path of `stack.json`, which describes the running system to tools and tests."""
        return self.state / "stack.json"

    @property
    def listener_file(self) -> Path:
        """Return the path of the file with the URL of `webhook-listen`.

        The file exists while the command runs, and each `up` during that time configures webhooks to the URL.
        """
        return self.state / "webhook-listener"

    @property
    def logs(self) -> Path:
        """Return the folder of the logs of the servers, the build and the deployment."""
        return self.state / "logs"

    @property
    def build(self) -> Path:
        """Return the output folder of `sam build`, which every local system of the checkout shares."""
        return self.root / ".aws-sam" / "build"

    @property
    def tools(self) -> Path:
        """Return the `bin` folder of the developer environment, with sam and the Python that sam builds with."""
        return self.root / ".venv" / "bin"

    @property
    def uv(self) -> Path:
        """Return the `bin` folder of the uv that `make setup` installs if the machine has none."""
        return self.root / ".local" / "uv" / "bin"

    @property
    def pages(self) -> Path:
        """Return the folder of the studio's files."""
        return self.root / "web"

    @property
    def servers(self) -> Path:
        """Return the `bin` folder of the servers' environment."""
        return self.root / ".local" / "cloud" / "bin"


def _check_simulation(environment: Mapping[str, str]) -> None:
    """Check the variables of the provider `simulated`.

    Raises:
        LocalCloudError: If a variable is not a number in its range, or no variable names this provider.
    """
    for variable, maximum in _SIMULATION.items():
        value = environment.get(variable)
        if not value:
            continue
        if not re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) or float(value) > maximum:
            raise LocalCloudError(f"{variable} is not a number from 0 to {maximum}, such as 0.5.")
        names = ",".join(environment.get(name, "") for name in ("PROVIDER", "FALLBACK_PROVIDERS", "ALLOWED_PROVIDERS"))
        if "simulated" not in names.split(","):
            raise LocalCloudError(
                f"{variable} has no effect without the provider simulated. Set PROVIDER=simulated as well."
            )
