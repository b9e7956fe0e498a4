"""Settings of each function, read from the environment variables that template.yaml declares for it.

This module is the only reader of `os.environ`. The field `jobs_queue_url` is read from the variable `JOBS_QUEUE_URL`,
and a class attribute is its default. These are plain classes, because pydantic would add a fifth to the cold start of
most functions, and a dozen dataclasses 12 ms (docs/performance.md).
"""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from inspect import get_annotations
from typing import Annotated, Any, Never, Self

SET_BY_OVERLAY = frozenset({"allow_loopback_webhooks"})
"""Fields that template.yaml does not set. Only localcloud/overlay.py sets them."""


class SettingsError(ValueError):
    """Error for missing or malformed variables. The message names each variable and never quotes a value."""


class Range:
    """The inclusive bounds of a number."""

    def __init__(self, minimum: float, maximum: float = 1e9) -> None:
        """Create the range. The default maximum excludes infinity."""
        self.minimum, self.maximum = minimum, maximum


class Settings:
    """Settings of every function. AWS credentials come from its role, the MongoDB URI from a secret.

    `aws_url_suffix` is the DNS suffix of the AWS partition.
    """

    aws_region: str = "us-east-1"
    aws_url_suffix: str = "amazonaws.com"
    aws_endpoint_url: str = ""
    mongodb_secret_arn: str

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Parse the variable of each field.

        Raises:
            SettingsError: If variables are missing or malformed; the message names all of them.
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
        """Raise AttributeError, because settings are immutable."""
        raise AttributeError(f"{type(self).__name__} is frozen")

    @classmethod
    def from_environment(cls) -> Self:
        """Return the settings in the process's environment variables.

        Raises:
            SettingsError: If variables are missing or malformed; the message names all of them.
        """
        return cls(os.environ)

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """Return the annotation of each field by its name, inherited fields first."""
        return {name: kind for base in reversed(cls.__mro__) for name, kind in get_annotations(base).items()}


class ApiSettings(Settings):
    """Settings for authentication, allowed origins and rate limits of the functions behind API Gateway."""

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
    """URLs of the queues for both priorities. Functions that never send `render` steps have no render queues."""

    jobs_queue_url: str
    high_jobs_queue_url: str
    render_queue_url: str | None = None
    high_render_queue_url: str | None = None


class SlotSettings(Settings):
    """The number of jobs that each user can run at a time per priority, and of those that can wait for a slot."""

    active_jobs_per_user: Annotated[int, Range(1, 1000)] = 20
    waiting_jobs_per_user: Annotated[int, Range(50, 5000)] = 1000


class EventsSettings(Settings):
    """URL of the queue that receives the changes of jobs."""

    events_queue_url: str


class WebhookQueueSettings(Settings):
    """URL of the webhooks queue, and the endpoints that receive webhooks."""

    webhooks_queue_url: str
    webhook_urls: tuple[str, ...] = ()


class WebSocketSettings(Settings):
    """URL of the WebSocket API with its stage, for messages to live connections."""

    websocket_api_url: str


class StoreSettings(Settings):
    """The bucket with the videos, and the lifetime of presigned URLs."""

    videos_bucket: str
    presigned_url_seconds: Annotated[int, Range(60, 3600)] = 900


class LifetimeSettings(Settings):
    """The deadline of a job, and the retention of ended jobs; see `domain.policy.StepPolicy`."""

    video_retention_days: Annotated[int, Range(1)] = 30
    job_deadline_seconds: Annotated[float, Range(0.001)] = 3600


class StepSettings(LifetimeSettings):
    """Lease, retry and callback settings; see `domain.policy.StepPolicy`."""

    lease_seconds: Annotated[float, Range(0.001)] = 25
    maximum_attempts: Annotated[int, Range(1)] = 3
    callbacks_url: str = ""


class OfferSettings(Settings):
    """The provider, its fallback providers in order, and their options; see docs/providers.md."""

    provider: str
    fallback_providers: tuple[str, ...] = ()
    provider_options: str = "{}"


class ProviderSettings(OfferSettings):
    """Settings of the functions that call providers.

    `unknown_submit` is the action after a submit with an unknown outcome: `fail` or `resubmit`.
    """

    provider_secret_arn: str = ""
    unknown_submit: str = "fail"


class SimulatedSettings(Settings):
    """The duration of the simulated provider's tasks, and the fraction (0–1) that fails."""

    simulated_min_seconds: Annotated[float, Range(0)] = 3
    simulated_max_seconds: Annotated[float, Range(0)] = 8
    simulated_failure_rate: Annotated[float, Range(0, 1)] = 0


class ChoiceSettings(Settings):
    """The providers that requests may choose."""

    allowed_providers: tuple[str, ...] = ()


class GenerateSettings(
    ApiSettings, ChoiceSettings, OfferSettings, QueueSettings, SlotSettings, EventsSettings, LifetimeSettings
):
    """Settings of `functions/generate`."""


class StatusSettings(ApiSettings, StoreSettings):
    """Settings of `functions/status`."""


class JobsSettings(
    ApiSettings, ChoiceSettings, QueueSettings, SlotSettings, EventsSettings, StoreSettings, LifetimeSettings
):
    """Settings of `functions/jobs`."""


class WorkerSettings(
    QueueSettings, SlotSettings, EventsSettings, StoreSettings, StepSettings, ProviderSettings, SimulatedSettings
):
    """Settings of `functions/worker`."""


class RenderSettings(QueueSettings, SlotSettings, EventsSettings, StoreSettings, StepSettings, ProviderSettings):
    """Settings of `functions/render`."""


class ReconcilerSettings(QueueSettings, SlotSettings, EventsSettings, StoreSettings, StepSettings):
    """Settings of `functions/reconciler`."""


class RealtimeSettings(ApiSettings, StoreSettings, WebSocketSettings):
    """Settings of `functions/realtime`."""

    maximum_connections: Annotated[int, Range(1, 1000)] = 20


class CallbacksSettings(QueueSettings, ProviderSettings, ChoiceSettings):
    """Settings of `functions/callbacks`. The providers' secret contains the keys that verify callbacks."""


class NotifierSettings(StoreSettings, WebSocketSettings, WebhookQueueSettings):
    """Settings of `functions/notifier`."""


class WebhooksSettings(WebhookQueueSettings):
    """Settings of `functions/webhooks`. URLs require a secret.

    `allow_loopback_webhooks` also allows plain HTTP and addresses of the machine itself.
    """

    webhook_secret_arn: str = ""
    allow_loopback_webhooks: bool = False


class DeploymentHooksSettings(Settings):
    """Settings of `functions/deployment_hooks`."""

    jwt_secret_arn: str
    accept_short_jwt_secret: bool = False


@cache
def stack_name() -> str:
    """Return the stack's name for metrics. It has a default, so that a function can log with invalid settings."""
    return os.environ.get("STACK_NAME", "videojobs")


def is_lambda() -> bool:
    """Return whether this process is a Lambda environment, in which init should connect."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ


def is_before_snapshot() -> bool:
    """Return whether Lambda takes a SnapStart snapshot after init, of which all environments are copies."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def local_state() -> str:
    """Return the path of the local system's state folder."""
    return os.environ.get("LOCALCLOUD_STATE") or ".local"


def assume_environment(variables: Mapping[str, str], *, without: Iterable[str] = ()) -> None:
    """Set a function's environment variables in the process of a command, and remove those in `without`.

    Call it before the first use of `bootstrap`, whose factories cache the settings.
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
        raise ValueError("is not a number") from None
    (bounds,) = kind.__metadata__
    if not bounds.minimum <= number <= bounds.maximum:
        raise ValueError(f"is not from {bounds.minimum:g} to {bounds.maximum:g}")
    return number
