"""The composition root: cached factories of the objects that functions share. No other module imports adapters.

Objects are created, and slow modules imported, on first use. Tests replace factories here and patch nothing else.
Annotations are not evaluated, so that no function imports the ports that only other functions use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from videojobs import startup
from videojobs.adapters.aws_clients import LightSecretsManagerClient, LightSqsClient
from videojobs.adapters.clock import SystemClock
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.secrets import CachedSecret
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import Step
from videojobs.domain.request import Priority
from videojobs.observability import logger
from videojobs.settings import (
    ApiSettings,
    ChoiceSettings,
    EventsSettings,
    OfferSettings,
    QueueSettings,
    RealtimeSettings,
    Settings,
    SlotSettings,
    StepSettings,
    StoreSettings,
    WebhookQueueSettings,
    WebhooksSettings,
    WebSocketSettings,
    is_before_snapshot,
    is_lambda,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from videojobs.adapters.secrets import SecretsManagerClient
    from videojobs.adapters.sqs import SqsClient
    from videojobs.domain.policy import StepPolicy
    from videojobs.domain.webhook import EndpointId
    from videojobs.ports.changes import (
        Broadcaster,
        ConnectionRepository,
        Notifier,
        TicketRepository,
        WebhookQueue,
        WebhookRepository,
        WebhookSender,
    )
    from videojobs.ports.erasures import ErasureRepository
    from videojobs.ports.fairness import RateLimiter, ReadLimiter, SlotRepository
    from videojobs.ports.jobs import (
        BatchRepository,
        Clock,
        JobQueue,
        JobRepository,
        SubmissionRepository,
        TimingRepository,
    )
    from videojobs.ports.videos import CircuitRepository, Offers, VideoRenderer, VideoStore
    from videojobs.services.deliver_webhook import WebhookOutcomes
    from videojobs.services.job_dispatcher import JobDispatcher
    from videojobs.services.push_change import LiveConnections


S3_READ_SECONDS = 10
"""How long an upload or download waits for S3."""


class _Clients:
    are_boto3 = False
    """Whether this function uses boto3's clients in place of light ones; see `use_boto3`."""


@cache
def api_settings() -> ApiSettings:
    """Return the settings for authentication, allowed origins and rate limits.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    return ApiSettings.from_environment()


@cache
def allowed_providers() -> tuple[str, ...]:
    """Return the names of the providers that requests may choose.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    return ChoiceSettings.from_environment().allowed_providers


@cache
def offers() -> Offers:
    """Return the capabilities of the providers, each read from its options on first use.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.offers import find_offer
    from videojobs.adapters.offers.options import read_options
    from videojobs.ports import videos

    settings = OfferSettings.from_environment()
    order = (settings.provider, *settings.fallback_providers)
    return videos.Offers(order, cache(lambda name: find_offer(name, read_options(settings.provider_options, name))))


@cache
def step_policy() -> StepPolicy:
    """Return the retry and timeout policy.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.domain.policy import StepPolicy

    settings = StepSettings.from_environment()
    return StepPolicy(
        lease_duration=timedelta(seconds=settings.lease_seconds),
        retention=timedelta(days=settings.video_retention_days),
        maximum_attempts=settings.maximum_attempts,
        deadline=timedelta(seconds=settings.job_deadline_seconds),
        callbacks_url=settings.callbacks_url,
    )


@cache
def clock() -> Clock:
    """Return the system clock."""
    return SystemClock()


@cache
def _settings() -> Settings:
    return Settings.from_environment()


@cache
def secret(arn: str) -> CachedSecret:
    """Return the secret with this ARN. Its first `get` reads it."""
    return CachedSecret(arn, _secrets_manager())


@cache
def _secrets_manager() -> SecretsManagerClient:
    settings = _settings()
    if _Clients.are_boto3:
        client: SecretsManagerClient = _boto3_client("secretsmanager", settings)
        return client
    return LightSecretsManagerClient(_aws_url("secretsmanager", settings), region=settings.aws_region)


def _boto3_client(service: str, settings: Settings) -> Any:
    from videojobs.adapters.aws import make_boto3_client

    return make_boto3_client(service, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)


def _aws_url(service: str, settings: Settings) -> str:
    return settings.aws_endpoint_url or f"https://{service}.{settings.aws_region}.{settings.aws_url_suffix}"


@cache
def accept_short_jwt_secret() -> bool:
    """Return whether the deployment accepts a JWT key of fewer than 32 bytes.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    return api_settings().accept_short_jwt_secret


def jwt_secret(*, refresh: bool = False) -> str:
    """Return the value of the JWT secret: one key, or a JSON list of two keys during a rotation.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
        Unavailable: If the secret was never read and can't be read now.
    """
    return secret(api_settings().jwt_secret_arn).get(refresh=refresh)


def _mongodb_uri(*, refresh: bool = False) -> str:
    return secret(_settings().mongodb_secret_arn).get(refresh=refresh)


@cache
def mongo_connection() -> MongoConnection:
    """Return the MongoDB connection, which all calls of the environment share. The first operation connects.

    Each operation reads the URI from the secret, and raises `SettingsError` if an environment variable is missing.
    """
    return MongoConnection(_mongodb_uri)


@cache
def job_repository() -> JobRepository:
    """Return the repository of jobs in MongoDB."""
    return MongoJobRepository(mongo_connection())


@cache
def circuit_repository() -> CircuitRepository:
    """Return the repository of circuit breakers in MongoDB."""
    from videojobs.adapters.mongo.circuits import MongoCircuitRepository

    return MongoCircuitRepository(mongo_connection())


@cache
def slot_repository() -> SlotRepository:
    """Return the repository of users' slots in MongoDB.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.mongo.slots import MongoSlotRepository

    settings = SlotSettings.from_environment()
    return MongoSlotRepository(
        mongo_connection(), cap=settings.active_jobs_per_user, maximum_waiting=settings.waiting_jobs_per_user
    )


@cache
def batch_repository() -> BatchRepository:
    """Return the repository of batches in MongoDB."""
    from videojobs.adapters.mongo.batches import MongoBatchRepository

    return MongoBatchRepository(mongo_connection())


@cache
def rate_limiter() -> RateLimiter:
    """Return the rate limiter, which counts requests in MongoDB."""
    from videojobs.adapters.mongo.rates import MongoRateLimiter

    return MongoRateLimiter(mongo_connection())


@cache
def read_limiter() -> ReadLimiter:
    """Return the limiter of reads. It counts in this process, and also in MongoDB for users with many reads."""
    from videojobs.adapters.reads import LocalFirstReadLimiter

    return LocalFirstReadLimiter(rate_limiter())


@cache
def timing_repository() -> TimingRepository:
    """Return the repository of job durations in MongoDB."""
    from videojobs.adapters.mongo.timings import MongoTimingRepository

    return MongoTimingRepository(mongo_connection())


@cache
def erasure_repository() -> ErasureRepository:
    """Return the repository of unfinished erasures in MongoDB."""
    from videojobs.adapters.mongo.erasures import MongoErasureRepository

    return MongoErasureRepository(mongo_connection())


@cache
def submission_repository() -> SubmissionRepository:
    """Return the repository of the submission state (open or paused) in MongoDB."""
    from videojobs.adapters.mongo.submissions import MongoSubmissionRepository

    return MongoSubmissionRepository(mongo_connection())


@cache
def _sqs() -> SqsClient:
    settings = _settings()
    if _Clients.are_boto3:
        client: SqsClient = _boto3_client("sqs", settings)
        return client
    return LightSqsClient(_aws_url("sqs", settings), region=settings.aws_region)


@cache
def job_queue() -> JobQueue:
    """Return the job queue. Each priority has one queue for `render` steps and one for all other steps.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.sqs import SqsJobQueue

    settings = QueueSettings.from_environment()
    queue_urls = {
        Priority.NORMAL: (settings.jobs_queue_url, settings.render_queue_url),
        Priority.HIGH: (settings.high_jobs_queue_url, settings.high_render_queue_url),
    }
    urls: dict[tuple[Priority, Step], str] = {}
    for priority, (jobs_url, render_url) in queue_urls.items():
        urls |= {(priority, step): jobs_url for step in Step if step is not Step.RENDER}
        if render_url is not None:
            urls[priority, Step.RENDER] = render_url
    return SqsJobQueue(_sqs(), urls=urls)


@cache
def notifier() -> Notifier:
    """Return the notifier, which publishes changes of jobs to the events queue.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.sqs import SqsNotifier

    return SqsNotifier(_sqs(), url=EventsSettings.from_environment().events_queue_url)


def job_dispatcher() -> JobDispatcher:
    """Return the dispatcher that stores changes of jobs, publishes them and sends steps.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.services.job_dispatcher import JobDispatcher

    return JobDispatcher(
        jobs=job_repository(),
        slots=slot_repository(),
        queue=job_queue(),
        notifier=notifier(),
        clock=clock(),
        policy=step_policy(),
    )


@cache
def connection_repository() -> ConnectionRepository:
    """Return the repository of live connections in MongoDB."""
    from videojobs.adapters.mongo.connections import MongoConnectionRepository

    return MongoConnectionRepository(mongo_connection())


@cache
def ticket_repository() -> TicketRepository:
    """Return the repository of connection tickets in MongoDB."""
    from videojobs.adapters.mongo.connections import MongoTicketRepository

    return MongoTicketRepository(mongo_connection())


@cache
def maximum_connections() -> int:
    """Return the maximum number of live connections per user.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    return RealtimeSettings.from_environment().maximum_connections


@cache
def broadcaster() -> Broadcaster:
    """Return the broadcaster, which sends messages to live connections through API Gateway.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.aws_clients import LightApiGatewayClient
    from videojobs.adapters.websocket import MAXIMUM_CONCURRENT_REQUESTS, ApiGatewayBroadcaster

    settings = WebSocketSettings.from_environment()
    url, region = settings.websocket_api_url, settings.aws_region
    client = LightApiGatewayClient(url, region=region, connections=MAXIMUM_CONCURRENT_REQUESTS)
    return ApiGatewayBroadcaster(client)


def live_connections() -> LiveConnections:
    """Return the open WebSocket connections.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.services.push_change import LiveConnections

    return LiveConnections(connection_repository(), broadcaster(), timing_repository(), clock())


@cache
def webhook_urls() -> Mapping[EndpointId, str]:
    """Return the URLs of the webhook endpoints by their IDs.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.domain.webhook import name_endpoint

    return {name_endpoint(url): url for url in WebhookQueueSettings.from_environment().webhook_urls}


@cache
def webhook_queue() -> WebhookQueue:
    """Return the queue of webhook deliveries.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.sqs import SqsWebhookQueue

    return SqsWebhookQueue(
        _sqs(), url=WebhookQueueSettings.from_environment().webhooks_queue_url, endpoints=webhook_urls()
    )


@cache
def webhook_repository() -> WebhookRepository:
    """Return the repository of the webhook endpoints' states in MongoDB."""
    from videojobs.adapters.mongo.webhooks import MongoWebhookRepository

    return MongoWebhookRepository(mongo_connection())


def webhook_outcomes() -> WebhookOutcomes:
    """Return the object that records the outcomes of webhook deliveries and schedules their retries.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.services.deliver_webhook import WebhookOutcomes

    return WebhookOutcomes(webhook_repository(), webhook_queue(), clock())


@cache
def webhook_sender() -> WebhookSender:
    """Return the sender, which signs and posts webhooks.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.webhook import HttpWebhookSender

    settings = WebhooksSettings.from_environment()
    return HttpWebhookSender(secret(settings.webhook_secret_arn).get, local=settings.allow_loopback_webhooks)


@cache
def video_store() -> VideoStore:
    """Return the store of videos in S3.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    from videojobs.adapters.s3 import S3VideoStore, bucket_url

    settings = StoreSettings.from_environment()
    bucket, region = settings.videos_bucket, settings.aws_region
    url = bucket_url(bucket, region=region, endpoint_url=settings.aws_endpoint_url, url_suffix=settings.aws_url_suffix)
    return S3VideoStore(bucket, _s3, url=url, region=region, url_seconds=settings.presigned_url_seconds)


@cache
def _s3() -> S3Client:
    from videojobs.adapters.aws import make_boto3_client

    settings = _settings()
    region, endpoint_url = settings.aws_region, settings.aws_endpoint_url
    client: S3Client = make_boto3_client("s3", region=region, endpoint_url=endpoint_url, read_seconds=S3_READ_SECONDS)
    return client


@cache
def video_renderer() -> VideoRenderer:
    """Return the renderer. It needs PyAV and Pillow.

    Raises:
        ImportError: If the function has no media layer, which only `render` has.
    """
    from videojobs_media.renderer import PyAvRenderer

    return PyAvRenderer()


def use_boto3() -> None:
    """Use boto3's clients in this function, for which no user waits, and create those of SQS and Secrets Manager.

    This imports boto3 during Lambda's init phase. Do nothing outside Lambda, where functions can share a process.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    if is_lambda():
        _Clients.are_boto3 = True
        _secrets_manager()
        _sqs()


def prepare_api(*needed: Callable[[], object]) -> None:
    """Read the JWT secret, connect to MongoDB and call the factories in `needed` during Lambda's init phase.

    Then enable the garbage collector (`startup`). Do nothing outside Lambda.

    Lambda gives init a whole processor, and calls of a small function a fraction of one. If a service does not respond,
    a warning is logged and the first call tries again. With SnapStart, connecting and seeding are deferred until
    an environment is restored, because all environments are copies of one snapshot.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    if not is_lambda():
        return
    if is_before_snapshot():
        from videojobs.adapters import snapshot

        snapshot.after_restore(snapshot.reseed)
        snapshot.after_restore(_connect_api)
    else:
        _connect_api()
    for factory in needed:
        factory()
    startup.finish()


def prepare_steps(*needed: Callable[[], object]) -> None:
    """Connect to MongoDB and call the factories in `needed` during Lambda's init phase, as `prepare_api` does.

    For functions that run the steps of jobs. They need no JWT secret and do not start from snapshots.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    if is_lambda():
        _connect(mongo_connection().warm_up)
        for factory in needed:
            factory()


def _connect_api() -> None:
    _connect(jwt_secret, mongo_connection().warm_up)


def _connect(*connect: Callable[[], object]) -> None:
    try:
        for call in connect:
            call()
    except Unavailable:
        logger.warning(
            "Connecting at init failed; the first call will retry", extra={"action": "prepare_failed"}, exc_info=True
        )
