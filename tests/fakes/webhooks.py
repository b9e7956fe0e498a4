"""In-memory implementations for webhooks: a queue, a repository of endpoints, and a scripted receiver."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from threading import Lock

from videojobs.domain.errors import Unavailable
from videojobs.domain.webhook import EndpointId, WebhookDelivery
from videojobs.ports.changes import Change, WebhookAnswer

MAXIMUM_DELAY_SECONDS = 900


class RecordingWebhookQueue:
    """See `ports.WebhookQueue`.

    Safe for threads. With `available = False` nothing is sent and `Unavailable` is raised.
    """

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, *, endpoints: Collection[EndpointId] = ()) -> None:
        self._endpoints = tuple(endpoints)
        self._sent: list[tuple[WebhookDelivery, int]] = []
        self._lock = Lock()
        self.available = True

    @property
    def sent(self) -> list[tuple[WebhookDelivery, int]]:
        """Return every delivery that was sent and not drained, with its delay in seconds, oldest first."""
        with self._lock:
            return list(self._sent)

    def drain(self) -> list[tuple[WebhookDelivery, int]]:
        """Remove and return all deliveries."""
        with self._lock:
            taken, self._sent = self._sent, []
            return taken

    def enqueue(self, change: Change) -> None:
        """Record a delivery for each endpoint."""
        for endpoint in self._endpoints:
            self._record(WebhookDelivery(endpoint, change.id, change.job.id), 0)

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Record the delivery with its delay."""
        if not 0 <= delay_seconds <= MAXIMUM_DELAY_SECONDS:
            raise ValueError(f"SQS can't delay a message by {delay_seconds} s")
        self._record(delivery, ceil(delay_seconds))

    def _record(self, delivery: WebhookDelivery, delay_seconds: int) -> None:
        if not self.available:
            raise Unavailable
        with self._lock:
            self._sent.append((delivery, delay_seconds))


class InMemoryWebhookRepository:
    """See `ports.WebhookRepository`. Safe for threads. With `available = False` every call raises `Unavailable`.

    `failures` contains the reasons by `(event id, endpoint)`.
    """

    def __init__(self) -> None:
        self._gone: dict[EndpointId, datetime] = {}
        self._lock = Lock()
        self.failures: dict[tuple[str, EndpointId], str] = {}
        self.available = True

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """Return the time that was set last, or None."""
        with self._available_lock():
            return self._gone.get(endpoint)

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Store the time until which the endpoint counts as gone."""
        with self._available_lock():
            self._gone[endpoint] = until

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """Record the failure, unless one is already recorded for the event and the endpoint."""
        with self._available_lock():
            self.failures.setdefault((delivery.event_id, delivery.endpoint), reason)

    def _available_lock(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


@dataclass(frozen=True, slots=True)
class SentWebhook:
    """A webhook that was sent."""

    url: str
    event_id: str
    body: str
    at: datetime


class ScriptedReceiver:
    """See `ports.WebhookSender`. Each call returns the first of the remaining `answers`; without any it returns 200.

    An answer that is an exception is raised, and the webhook is not recorded as sent.
    """

    def __init__(self, *answers: WebhookAnswer | Unavailable) -> None:
        self.answers = list(answers)
        self.got: list[SentWebhook] = []

    def send(self, url: str, event_id: str, body: str, now: datetime) -> WebhookAnswer:
        """Record the webhook, and return the scripted response."""
        response = self.answers.pop(0) if self.answers else WebhookAnswer(200)
        if isinstance(response, Unavailable):
            raise response
        self.got.append(SentWebhook(url, event_id, body, now))
        return response
