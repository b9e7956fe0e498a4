"""The configuration of each function, read from the environment variables that template.yaml declares for it.

The only reader of `os.environ`. A field `jobs_queue_url` is the variable `JOBS_QUEUE_URL`; a class attribute is its
default. Plain classes: pydantic, which most functions need for nothing else, is a fifth of their cold start, and a
dozen dataclasses are 12 ms of it (docs/performance.md).
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from inspect import get_annotations
from typing import Annotated, Any, Never, Self


class SettingsError(ValueError):
    """Variables are missing or malformed; the message names each, and never shows a value."""


class Range:
    """The bounds of a number, both allowed."""

    def __init__(self, minimum: float, maximum: float = 1e9) -> None:
        """`most` is there to keep infinity out."""
        self.minimum, self.maximum = minimum, maximum


class Settings:
    """What every function has: credentials come from the role, the database's address from a secret."""

    aws_region: str = "us-east-1"
    aws_endpoint_url: str = ""
    mongodb_secret_arn: str

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read the fields' variables.

        Raises:
            SettingsError: some are missing or malformed; all of them are named.
        """
        problems: list[str] = []
        for name, kind in self.fields().items():
            variable = name.upper()
            if variable in variables:
                try:
                    may_be_empty = getattr(self, name, None) in {"", ()}
                    self.__dict__[name] = _parse(variables[variable], kind, may_be_empty=may_be_empty)
                except ValueError as error:
                    problems.append(f"{variable} {error}")
            elif not hasattr(self, name):
                problems.append(f"{variable} is missing")
        if problems:
            raise SettingsError("; ".join(problems))

    def __setattr__(self, name: str, value: object) -> Never:
        """Settings don't change."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    @classmethod
    def from_environment(cls) -> Self:
        """The settings of this process."""
        return cls(os.environ)

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Each field's annotation, the inherited ones first."""
        return {name: kind for base in reversed(cls.__mro__) for name, kind in get_annotations(base).items()}


class ApiSettings(Settings):
    """What the functions behind API Gateway need to know who asks, and from where."""

    jwt_secret_arn: str
    cookie_name: str = "token"
    allowed_origins: tuple[str, ...] = ()
    jwt_leeway_seconds: Annotated[float, Range(0, 300)] = 0
    jwt_issuer: str = ""
    jwt_audience: tuple[str, ...] = ()
    accept_short_jwt_secret: bool = False
    user_claim: str = "userId"
    priority_claim: str = "priority"
    generate_calls_per_minute: Annotated[int, Range(1, 10_000)] = 30
    read_calls_per_minute: Annotated[int, Range(1, 10_000)] = 600


class QueueSettings(Settings):
    """Where messages go, in both lanes. A function that never sends a job to be rendered has no render queues."""

    jobs_queue_url: str
    high_jobs_queue_url: str
    render_queue_url: str | None = None
    high_render_queue_url: str | None = None


class SlotSettings(Settings):
    """How many jobs of a user may be active in a lane; all others wait."""

    active_jobs_per_user: Annotated[int, Range(1, 1000)] = 20


class EventsSettings(Settings):
    """Where the changes of jobs are announced."""

    events_queue_url: str


class WebhookQueueSettings(Settings):
    """Which endpoints of the platform's own backend hear of changes, and the queue on their way there."""

    webhooks_queue_url: str
    webhook_urls: tuple[str, ...] = ()


class WebSocketSettings(Settings):
    """Where API Gateway takes what goes out over live connections: the WebSocket API's own address, with its stage."""

    websocket_api_url: str


class StoreSettings(Settings):
    """The bucket; presigned URLs live for `presigned_url_seconds`."""

    videos_bucket: str
    presigned_url_seconds: Annotated[int, Range(60, 3600)] = 900


class LifetimeSettings(Settings):
    """How long a job may take, and how long an ended one is kept; see `domain.policy.StepPolicy`."""

    video_retention_days: Annotated[int, Range(1)] = 30
    job_deadline_seconds: Annotated[float, Range(0.001)] = 3600


class StepSettings(LifetimeSettings):
    """How patient we are, see `domain.policy.StepPolicy`."""

    lease_seconds: Annotated[float, Range(0.001)] = 25
    maximum_attempts: Annotated[int, Range(1)] = 3
    callbacks_url: str = ""


class ProviderSettings(Settings):
    """Which provider, and which stand in for it, in order; what each is told is in docs/providers.md.

    `unknown_submit`: what to do when nobody knows whether a submit arrived, `fail` or `resubmit`.
    """

    provider: str
    fallback_providers: tuple[str, ...] = ()
    provider_options: str = "{}"
    provider_secret_arn: str = ""
    unknown_submit: str = "fail"


class SimulatedSettings(Settings):
    """Of the simulated provider: how long it takes, and which share (0–1) of its tasks fails."""

    simulated_min_seconds: Annotated[float, Range(0)] = 3
    simulated_max_seconds: Annotated[float, Range(0)] = 8
    simulated_failure_rate: Annotated[float, Range(0, 1)] = 0


class GenerateSettings(ApiSettings, QueueSettings, SlotSettings, EventsSettings, LifetimeSettings):
    """`functions/generate`; `allowed_providers` are those that a request may ask for by name."""

    allowed_providers: tuple[str, ...] = ()


class StatusSettings(ApiSettings, StoreSettings):
    """`functions/status`."""


class JobsSettings(ApiSettings, QueueSettings, SlotSettings, EventsSettings, StoreSettings, LifetimeSettings):
    """`functions/jobs`."""


class WorkerSettings(
    QueueSettings, SlotSettings, EventsSettings, StoreSettings, StepSettings, ProviderSettings, SimulatedSettings
):
    """`functions/worker`."""


class RenderSettings(QueueSettings, SlotSettings, EventsSettings, StoreSettings, StepSettings, ProviderSettings):
    """`functions/render`."""


class ReconcilerSettings(QueueSettings, SlotSettings, EventsSettings, StoreSettings, StepSettings):
    """`functions/reconciler`."""


class RealtimeSettings(ApiSettings, StoreSettings, WebSocketSettings):
    """`functions/realtime`."""

    maximum_connections: Annotated[int, Range(1, 1000)] = 20


class CallbacksSettings(QueueSettings):
    """`functions/callbacks`; the providers' secret says how theirs are signed."""

    provider_secret_arn: str = ""


class NotifierSettings(StoreSettings, WebSocketSettings, WebhookQueueSettings):
    """`functions/notifier`."""


class WebhooksSettings(WebhookQueueSettings):
    """`functions/webhooks`. Where there is a URL there is a secret; in the environment `local` it may be http."""

    environment: str
    webhook_secret_arn: str = ""


class DeploymentHooksSettings(Settings):
    """`functions/deployment_hooks`."""

    jwt_secret_arn: str
    accept_short_jwt_secret: bool = False


@cache
def stack_name() -> str:
    """Whose metrics these are; read without a class, as nothing may keep a function from logging."""
    return os.environ.get("STACK_NAME", "videojobs")


def is_lambda() -> bool:
    """Whether this process runs as a Lambda function, and init is the time to connect."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def is_before_snapshot() -> bool:
    """Whether Lambda takes a snapshot of this process after init, and every environment will be a copy of it."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def local_state() -> str:
    """The folder in which the local system keeps what it knows of itself."""
    return os.environ.get("LOCALCLOUD_STATE") or ".local"


def assume_environment(variables: Mapping[str, str], *, without: Iterable[str] = ()) -> None:
    """Let this process, a command and no function, run on a function's environment; `without` names what must not stay.

    Before the first use of `bootstrap`, whose factories remember what they have read.
    """
    for name in without:
        os.environ.pop(name, None)
    os.environ.update(variables)


def _parse(text: str, kind: Any, *, may_be_empty: bool) -> object:  # a type, or `Annotated[int, Range(…)]`
    if not text and not may_be_empty:
        raise ValueError("is empty")
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind is bool:
        if text not in {"true", "false"}:
            raise ValueError("is neither true nor false")
        return text == "true"
    if not hasattr(kind, "__metadata__"):
        return text
    try:
        number: float = kind.__origin__(text)
    except ValueError:
        raise ValueError("is no number") from None
    (bounds,) = kind.__metadata__
    if not bounds.minimum <= number <= bounds.maximum:
        raise ValueError(f"is not from {bounds.minimum:g} to {bounds.maximum:g}")
    return number
