"""moto's AWS on a real HTTP port. SQS uses the test's clock, and calls can fail or lose their responses."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import boto3
import moto.sqs.models
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "of-no-account",
    "AWS_SESSION_TOKEN": "of-no-session",
    "AWS_DEFAULT_REGION": "us-east-1",
}

type Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Disturbance:
    """Failure of the next calls of one operation: they are rejected, or carried out and their responses lost."""

    operation: str
    calls: int
    carried_out: bool


@dataclass(eq=False)
class Cloud:
    """Address, clock and disturbances of the fake AWS."""

    url: str = ""
    now: datetime | None = None
    """Current time for SQS; None for the real time."""
    disturbances: list[Disturbance] = field(default_factory=list)

    def disturb(self, operation: str, *, calls: int = 1, carried_out: bool = False) -> None:
        """Make the next calls of an operation fail with 500.

        `operation` is `SendMessage`, `SendMessageBatch`, `GetSecretValue`, or `PUT` or `HEAD` for S3.
        """
        self.disturbances.append(Disturbance(operation, calls, carried_out))

    @cache  # noqa: B019 - one cloud, three clients
    def client(self, service: str) -> Any:
        """Return a client for the test itself."""
        session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        )
        return session.client(service, endpoint_url=self.url)

    def epoch_seconds(self) -> float:
        """Return the current time of SQS as a Unix time in seconds."""
        return (self.now or datetime.now(UTC)).timestamp()

    def _take(self, environ: dict[str, Any]) -> Disturbance | None:
        target = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2] or environ["REQUEST_METHOD"]
        for disturbance in self.disturbances:
            if disturbance.operation == target and disturbance.calls:
                disturbance.calls -= 1
                return disturbance
        return None


@contextmanager
def fake_aws() -> Iterator[Cloud]:
    """Serve the fake AWS until the block ends."""
    cloud = Cloud()
    application = _disturbed(DomainDispatcherApplication(create_backend_app), cloud)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    clock = {"unix_time": cloud.epoch_seconds, "unix_time_millis": lambda: cloud.epoch_seconds() * 1000}
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no log line for each call
    real = {name: getattr(moto.sqs.models, name) for name in clock}
    for name, replacement in clock.items():
        setattr(moto.sqs.models, name, replacement)
    thread.start()
    cloud.url = f"http://127.0.0.1:{server.port}"
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for name, original in real.items():
            setattr(moto.sqs.models, name, original)


def _disturbed(application: Application, cloud: Cloud) -> Application:
    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        disturbance = cloud._take(environ)
        if disturbance is None:
            return application(environ, start_response)
        if disturbance.carried_out:
            b"".join(application(environ, lambda *_: None))
        start_response("500 Internal Server Error", [("x-amzn-errortype", "InternalFailure"), ("Content-Length", "0")])
        return [b""]

    return serve


def unused_name(prefix: str) -> str:
    """Return a name that is unique in this run."""
    return f"{prefix}-{uuid4().hex[:12]}"
