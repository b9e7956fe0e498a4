"""Protocols for publishing changes of jobs: announcements, webhooks and WebSocket connections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from videojobs.domain.estimate import JobEstimate
from videojobs.domain.job import Announcement, JobId, UserId, VideoJob
from videojobs.domain.realtime import Connection, ConnectionId, Identity, Message
from videojobs.domain.webhook import EndpointId, WebhookDelivery


class Notifier(Protocol):
    """Publishes announcements to the listeners of job changes."""

    def publish(self, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        """Send each announcement as `{id, jobId, version, at}`, at least once.

        The order is not guaranteed; receivers compare `version`.

        Raises:
            Unavailable: If not all announcements were accepted. Some may have been sent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """Change that a user can see: the announcement's ID, and the job at the announced version or a later one.

    `estimate` is set only for messages to live connections, and only for a job in processing.
    """

    id: str
    job: VideoJob
    estimate: JobEstimate | None = None


type Listener = Callable[[Change], None]
"""Function that receives a change. A repeat has the same ID. It raises `Unavailable` to be called again later."""


class WebhookQueue(Protocol):
    """Queue of webhook deliveries, with a message for each endpoint, so that endpoints are retried independently."""

    @property
    def maximum_delay_seconds(self) -> float:
        """Return the longest delay that the queue offers."""
        ...

    def enqueue(self, change: Change) -> None:
        """Send a message with the IDs of a change and its job for each configured endpoint, at least once.

        Raises:
            Unavailable: If not all messages were accepted. Some may have been sent.
        """
        ...

    def send_again(self, delivery: WebhookDelivery, *, delay_seconds: float) -> None:
        """Send a delivery, to arrive after `delay_seconds`.

        The delay is at most `maximum_delay_seconds` and is rounded up to whole seconds.

        Raises:
            Unavailable: If SQS does not confirm the message, which may have been accepted.
        """
        ...


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """Response of a receiver: its HTTP status, or None and the `reason` why there is no response.

    `retry_after_seconds`: the pause that a failing receiver asks for, or None.
    """

    status: int | None
    reason: str = ""
    retry_after_seconds: float | None = None


class WebhookSender(Protocol):
    """Signs webhooks and sends them to a receiver."""

    def send(self, url: str, event_id: str, body: str, now: datetime) -> WebhookAnswer:
        """Send the body in one POST request with the event's ID, and return the response.

        An error status, a timeout or a refused connection does not raise; it is a `WebhookAnswer` too.

        Raises:
            Unavailable: If the secret can't be read. Nothing was sent.
        """
        ...


class WebhookRepository(Protocol):
    """Repository of the state of webhook endpoints."""

    def find_gone_until(self, endpoint: EndpointId) -> datetime | None:
        """Return until when the endpoint must not be called, or None if it was never marked gone. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        ...

    def mark_gone(self, endpoint: EndpointId, until: datetime) -> None:
        """Store that the endpoint must not be called before `until`. Replaces an earlier time.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def record_failure(self, delivery: WebhookDelivery, reason: str, now: datetime) -> None:
        """Store a delivery that was given up, for operators. Idempotent by event and endpoint.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...


class ConnectionRepository(Protocol):
    """Repository of open connections."""

    def add(self, connection: Connection, *, at_most: int, now: datetime) -> None:
        """Store a new connection, unless its user has `at_most` connections that have not expired.

        Concurrent calls can't exceed the limit.

        Raises:
            TooManyConnections: If the user has `at_most` connections.
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def find(self, connection_id: ConnectionId) -> Connection | None:
        """Return the connection, even if it has expired, or None if it was removed. Served by `_id`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        ...

    def find_of_user(self, user_id: UserId) -> list[Connection]:
        """Return the user's connections, including expired ones. Served by the index `user_slot`.

        Raises:
            Unavailable: If MongoDB does not respond in time.
        """
        ...

    def subscribe(self, connection_id: ConnectionId, job_id: JobId | None, now: datetime) -> bool:
        """Subscribe a connection to a job, or to all jobs if None. Return False if it was removed. Idempotent.

        Of any number of subscriptions to all jobs within `SNAPSHOT_INTERVAL`, also concurrent ones, only one succeeds,
        because a snapshot follows it.

        Raises:
            RateLimited: If the connection was subscribed to all jobs within `SNAPSHOT_INTERVAL` before `now`.
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def remove(self, connection_id: ConnectionId) -> None:
        """Delete a connection. Idempotent.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...


class TicketRepository(Protocol):
    """Repository of tickets, each of which opens one connection."""

    def add(self, digest: str, identity: Identity, expires_at: datetime) -> None:
        """Store a ticket's identity and expiry under the digest of the ticket.

        Raises:
            Unavailable: If MongoDB does not respond in time; the write may have been applied.
        """
        ...

    def redeem(self, digest: str, now: datetime) -> Identity | None:
        """Delete a ticket and return its identity, or None if the ticket is unknown, expired or used.

        Of any number of concurrent calls exactly one gets the identity.

        Raises:
            Unavailable: If MongoDB does not respond in time; the ticket may have been deleted.
        """
        ...


class Delivery(StrEnum):
    """Outcome of a message to a connection.

    `TAKEN`: API Gateway accepted it. `GONE`: the connection has ended. `TOO_LARGE`: the message exceeds the limit, as
    with a long prompt of an Express job; the connection is usable. `UNANSWERED`: the outcome is unknown.
    """

    TAKEN = "taken"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNANSWERED = "unanswered"


class Broadcaster(Protocol):
    """Sends messages to open connections, and closes them."""

    def send(self, messages: Sequence[tuple[ConnectionId, Message]]) -> list[Delivery]:
        """Send each message to its connection, several at a time, and return the outcomes in the same order.

        A slow connection does not delay the others. A failed message is an outcome and does not raise.
        """
        ...

    def close(self, connection_id: ConnectionId) -> None:
        """Close a connection. Idempotent.

        Raises:
            Unavailable: If API Gateway does not confirm. The connection may still be open.
        """
        ...
