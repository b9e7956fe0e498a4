"""The configuration of each function, read from the environment variables that template.yaml declares for it.

The only reader of `os.environ`. A field `jobs_queue_url` is the variable `JOBS_QUEUE_URL`.
"""

import os
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseModel):
    """What every function has: credentials come from the role, the database's address from a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aws_region: str = "us-east-1"
    aws_endpoint_url: str = ""
    mongodb_secret_arn: str

    @classmethod
    def from_environment(cls) -> Self:
        """Read the fields' variables; a missing or malformed one is named in the `ValidationError`."""
        named = {field: os.environ.get(field.upper()) for field in cls.model_fields}
        return cls.model_validate({field: value for field, value in named.items() if value is not None})


class ApiSettings(Settings):
    """What the functions behind API Gateway need to know who asks, and from where."""

    jwt_secret_arn: str
    cookie_name: str = Field(default="token", min_length=1)
    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_split)] = ()
    jwt_leeway_seconds: float = Field(default=0, ge=0, le=300)


class QueueSettings(Settings):
    """Where messages go. A function that never sends a job to be rendered has no `render_queue_url`."""

    jobs_queue_url: str
    render_queue_url: str | None = None


class StoreSettings(Settings):
    """The bucket; presigned URLs live for `presigned_url_seconds`."""

    videos_bucket: str
    presigned_url_seconds: int = Field(default=900, ge=60, le=3600)


class StepSettings(Settings):
    """How patient we are, see `domain.policy.StepPolicy`."""

    lease_seconds: float = Field(default=25, gt=0)
    video_retention_days: int = Field(default=30, ge=1)
    maximum_attempts: int = Field(default=3, ge=1)
    job_deadline_seconds: float = Field(default=3600, gt=0)


class ProviderSettings(Settings):
    """Which provider; for the simulated one also how long it takes, and which share (0–1) of its tasks fails."""

    provider: str
    simulated_min_seconds: float = Field(default=3, ge=0)
    simulated_max_seconds: float = Field(default=8, ge=0)
    simulated_failure_rate: float = Field(default=0, ge=0, le=1)


class GenerateSettings(ApiSettings, QueueSettings):
    """`functions/generate`."""


class StatusSettings(ApiSettings, StoreSettings):
    """`functions/status`."""


class WorkerSettings(QueueSettings, StoreSettings, StepSettings, ProviderSettings):
    """`functions/worker`."""


class RenderSettings(QueueSettings, StoreSettings, StepSettings):
    """`functions/render`."""


class ReconcilerSettings(QueueSettings, StepSettings):
    """`functions/reconciler`."""


class IndexesSettings(Settings):
    """`functions/indexes`."""


def is_lambda() -> bool:
    """Whether this process runs as a Lambda function, and init is the time to connect."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
