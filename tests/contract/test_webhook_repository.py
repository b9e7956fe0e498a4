"""The contract of `WebhookRepository`."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pymongo
import pytest

from tests.builders import an_id
from tests.fakes.clock import START
from tests.fakes.webhooks import InMemoryWebhookRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.webhooks import FAILURES, FAILURES_KEPT_FOR, MongoWebhookRepository
from videojobs.domain.errors import Unavailable
from videojobs.domain.webhook import WebhookDelivery, name_endpoint
from videojobs.ports.changes import WebhookRepository

ENDPOINT = name_endpoint("https://platform.example/hooks")
OTHER = name_endpoint("https://other.example/hooks")

type Failures = Callable[[], dict[tuple[str, str], str]]
"""A function that returns the reason of each failure by event ID and endpoint."""


@pytest.fixture(params=["in memory", "MongoDB"])
def webhooks_and_failures(request: pytest.FixtureRequest) -> tuple[WebhookRepository, Failures]:
    """Return an empty repository, and a function that returns its failures."""
    if request.param == "in memory":
        fake = InMemoryWebhookRepository()
        return fake, lambda: {(event, endpoint): reason for (event, endpoint), reason in fake.failures.items()}
    connection: MongoConnection = request.getfixturevalue("connection")

    def failures() -> dict[tuple[str, str], str]:
        documents = connection.run(lambda database: list(database[FAILURES].find()))
        return {(document["eventId"], document["endpoint"]): document["reason"] for document in documents}

    return MongoWebhookRepository(connection), failures


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[WebhookRepository]:
    """Yield a repository whose database is unavailable."""
    if request.param == "in memory":
        unavailable = InMemoryWebhookRepository()
        unavailable.available = False
        yield unavailable
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoWebhookRepository(connection)
    connection.run(lambda database: database.client.close())


def test_an_endpoint_is_not_gone_by_default(
    webhooks_and_failures: tuple[WebhookRepository, Failures],
) -> None:
    webhooks, _ = webhooks_and_failures
    assert webhooks.find_gone_until(ENDPOINT) is None


def test_an_endpoint_is_gone_until_the_time_that_was_set_last(
    webhooks_and_failures: tuple[WebhookRepository, Failures],
) -> None:
    webhooks, _ = webhooks_and_failures
    webhooks.mark_gone(ENDPOINT, START)
    webhooks.mark_gone(ENDPOINT, START + timedelta(days=1))
    assert webhooks.find_gone_until(ENDPOINT) == START + timedelta(days=1)
    assert webhooks.find_gone_until(OTHER) is None


def test_a_failure_is_recorded_once(
    webhooks_and_failures: tuple[WebhookRepository, Failures],
) -> None:
    webhooks, failures = webhooks_and_failures
    first = WebhookDelivery(ENDPOINT, "event-1", an_id(), attempt=8)
    for delivery in (first, first, WebhookDelivery(OTHER, "event-1", first.job_id, attempt=8)):
        webhooks.record_failure(delivery, "HTTP 500", START)
    webhooks.record_failure(first, "HTTP 503", START)
    assert failures() == {("event-1", ENDPOINT): "HTTP 500", ("event-1", OTHER): "HTTP 500"}


def test_the_record_of_a_failure_contains_the_fields_that_operators_need(connection: MongoConnection) -> None:
    delivery = WebhookDelivery(ENDPOINT, "event-1", an_id(), attempt=8)
    MongoWebhookRepository(connection).record_failure(delivery, "HTTP 500", START)
    assert connection.run(lambda database: list(database[FAILURES].find())) == [
        {
            "_id": f"event-1:{ENDPOINT}",
            "endpoint": ENDPOINT,
            "eventId": "event-1",
            "jobId": delivery.job_id,
            "attempts": 8,
            "reason": "HTTP 500",
            "givenUpAt": START,
            "expiresAt": START + FAILURES_KEPT_FOR,
        }
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda webhooks: webhooks.find_gone_until(ENDPOINT),
        lambda webhooks: webhooks.mark_gone(ENDPOINT, START),
        lambda webhooks: webhooks.record_failure(WebhookDelivery(ENDPOINT, "event-1", an_id()), "HTTP 500", START),
    ],
)
def test_every_call_raises_unavailable_when_the_database_is_unavailable(
    unreachable: WebhookRepository, call: Callable[[WebhookRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):
        call(unreachable)
