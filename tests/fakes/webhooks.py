"""Webhooks in memory: the queue, the memory of endpoints, and a receiver that answers as a test tells it to."""

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
    """See `ports.WebhookQueue`. Safe for threads. `available = False`: nothing is taken and `Unavailable` raised."""

    maximum_delay_seconds = MAXIMUM_DELAY_SECONDS

    def __init__(self, *, endpoints: Collection[EndpointId] = ()) -> None:
        self._endpoints = tuple(endpoints)
        self._sent: list[tuple[WebhookDelivery, int]] = []
        self._lock = Lock()
        self.available = True

    @property
    def sent(self) -> list[tuple[WebhookDelivery, int]]:
        """Every delivery that was taken and not yet drained, with its delay in seconds, oldest first."""
        with self._lock:
            return list(self._sent)

    def drain(self) -> list[tuple[WebhookDelivery, int]]:
        """Take all of them out."""
        with self._lock:
            taken, self._sent = self._sent, []
            return taken

    def enqueue(self, change: Change) -> None:
        """Keep one for each endpoint."""
        for endpoint in self._endpoints:
            self._keep(WebhookDelivery(endpoint, change.id, change.job.id), 0)

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Keep it."""
        if not 0 <= delay_seconds <= MAXIMUM_DELAY_SECONDS:
            raise ValueError(f"SQS can't delay a message by {delay_seconds} s")
        self._keep(delivery, ceil(delay_seconds))

    def _keep(self, delivery: WebhookDelivery, delay_seconds: int) -> None:
        if not self.available:
            raise Unavailable
        with self._lock:
            self._sent.append((delivery, delay_seconds))


class InMemoryWebhookRepository:
    """See `ports.WebhookRepository`. Safe for threads. `available = False` makes every call raise `Unavailable`.

    `failures` holds the reason by `(event id, endpoint)`.
    """

    def __init__(self) -> None:
        self._gone: dict[EndpointId, datetime] = {}
        self._lock = Lock()
        self.failures: dict[tuple[str, EndpointId], str] = {}
        self.available = True

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """What was set last."""
        with self._answering():
            return self._gone.get(endpoint)

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Set it."""
        with self._answering():
            self._gone[endpoint] = until

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """Keep the first."""
        with self._answering():
            self.failures.setdefault((delivery.event_id, delivery.endpoint), reason)

    def _answering(self) -> Lock:
        if not self.available:
            raise Unavailable
        return self._lock


@dataclass(frozen=True, slots=True)
class SentWebhook:
    """One post."""

    url: str
    event_id: str
    body: str
    at: datetime


class ScriptedReceiver:
    """See `ports.WebhookSender`. Each post takes the first of `answers` off; when there is none left it is a 200.

    An answer that is an exception is raised, and the post has not happened.
    """

    def __init__(self, *answers: WebhookAnswer | Unavailable) -> None:
        self.answers = list(answers)
        self.got: list[SentWebhook] = []

    def send(self, url: str, event_id: str, body: str, now: datetime) -> WebhookAnswer:
        """Keep it and answer."""
        answer = self.answers.pop(0) if self.answers else WebhookAnswer(200)
        if isinstance(answer, Unavailable):
            raise answer
        self.got.append(SentWebhook(url, event_id, body, now))
        return answer
