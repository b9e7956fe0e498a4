"""The ways on which people and the platform hear of changes, said as Protocols."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from videojobs.domain.job import Announcement, JobId, UserId, VideoJob
from videojobs.domain.realtime import Connection, ConnectionId, Identity, Message
from videojobs.domain.webhook import EndpointId, WebhookDelivery


class Notifier(Protocol):
    """Where announcements go: whoever wants to know of a job's changes listens there."""

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Send each as `{id, jobId, version, at}`, at least once and in no promised order; receivers go by `version`.

        Raises:
            Unavailable: not all were taken; some may have been.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a user can see: the id that it was announced under, and the job at that version or a later one."""

    id: str
    job: VideoJob


type Listener = Callable[[Change], None]
"""Is told of a change; repeats carry the same id. Raises `Unavailable` to be told again."""


class WebhookQueue(Protocol):
    """Changes on their way to the platform's own backend: a message for each endpoint, which fares on its own."""

    @property
    def maximum_delay_seconds(self) -> float:
        """Return the longest delay that the queue offers."""
        ...

    def enqueue(self, change: Change) -> None:
        """Send the ids of a change on to every endpoint, at least once; where the operator set no URL there is none.

        Raises:
            Unavailable: not all were taken; some may have been.
        """
        ...

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Send one delivery, to arrive after at most `maximum_delay_seconds`, rounded up to whole seconds.

        Raises:
            Unavailable: SQS did not take it (or its answer was lost: it may arrive all the same).
        """
        ...


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What a receiver said: an HTTP status, or None and the `reason` why there is no answer."""

    status: int | None
    reason: str = ""


class WebhookSender(Protocol):
    """Signs and posts to a receiver."""

    def send(self, url: str, event_id: str, body: str, now: datetime) -> WebhookAnswer:
        """Post once, under the event's id. Whatever a receiver does, or does not, is an answer and no error.

        Raises:
            Unavailable: the secret can't be read; nothing was sent.
        """
        ...


class WebhookRepository(Protocol):
    """What is remembered of endpoints. Each method raises `Unavailable` when MongoDB does not answer."""

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """Until when the endpoint is to be left alone, if it ever said that it is gone. Served by `_id`."""
        ...

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Leave it alone until then."""
        ...

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """Keep a delivery that was given up, for operators. Idempotent by event and endpoint."""
        ...


class ConnectionRepository(Protocol):
    """The live connections. Every method raises `Unavailable` when MongoDB does not answer."""

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Store a new connection, unless its user has `at_most` others that are not over.

        Of any number of calls at once exactly as many succeed as there is room for.

        Raises:
            TooManyConnections: there is no room.
        """
        ...

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """The connection, also one that is over; None once it is removed. Served by `_id`."""
        ...

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """A user's connections, also those that are over. Served by the index `user_slot`."""
        ...

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None) -> bool:
        """Add a job, or all jobs, to what a connection wants; False: it is removed. Harmless when repeated."""
        ...

    def remove(self, connection_id: ConnectionId) -> None:
        """Forget a connection; harmless when it is forgotten already."""
        ...


class TicketRepository(Protocol):
    """Tickets that open one connection each. Every method raises `Unavailable` when MongoDB does not answer."""

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Store whom a ticket stands for, under its digest."""
        ...

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Use a ticket up; None: there is none, it is over, or it was used.

        Of any number of callers at once exactly one gets the identity.
        """
        ...


class Delivery(StrEnum):
    """What came of a message: taken by API Gateway, its connection gone for ever, or nothing that tells.

    `TOO_LARGE`: nobody will ever take it (an Express job's prompt had no limit); the connection is well.
    """

    TAKEN = "taken"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNANSWERED = "unanswered"


class Broadcaster(Protocol):
    """The way out to open connections."""

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Send each message to its connection, several at a time; what came of each, in their order.

        A connection that takes long holds up no other. Never raises for a connection's sake.
        """
        ...

    def close(self, connection_id: ConnectionId) -> None:
        """End a connection; harmless when it has ended.

        Raises:
            Unavailable: API Gateway did not answer; it may be open.
        """
        ...
