"""Live connections: how they are opened, which updates they receive, and when they end."""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job, a_started_job, an_id
from tests.fakes.broadcaster import RecordingBroadcaster
from tests.fakes.clock import START, VirtualClock
from tests.fakes.connections import InMemoryConnectionRepository, InMemoryTicketRepository
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.rates import InMemoryRateLimiter
from tests.fakes.timings import InMemoryTimingRepository
from videojobs.domain.errors import (
    ConnectionFlooded,
    ConnectionOver,
    JobForbidden,
    JobNotFound,
    RateLimited,
    TokenInvalid,
    TooManyConnections,
    TooManySubscriptions,
    Unavailable,
)
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.domain.rate import WINDOW, RateLimit
from videojobs.domain.realtime import (
    LONGEST_CONNECTION,
    MAXIMUM_SUBSCRIPTIONS,
    REFUSED_MESSAGES,
    SNAPSHOT_INTERVAL,
    SNAPSHOT_JOBS,
    TICKET_LIFETIME,
    Connection,
    ConnectionId,
    Identity,
    Message,
)
from videojobs.ports.changes import Change
from videojobs.services.count_message import count_message
from videojobs.services.open_connection import issue_ticket, open_connection, redeem_ticket
from videojobs.services.push_change import LiveConnections, push_change
from videojobs.services.subscribe import subscribe

TAB = ConnectionId("tab-1")
OTHER_TAB = ConnectionId("tab-2")
IDENTITY = Identity(A_USER, START + timedelta(minutes=30))


def show(change: Change) -> Message:
    """Return the fields that distinguish updates."""
    return {"id": change.id, "jobId": change.job.id, "version": change.job.version}


@dataclass
class SystemUnderTest:
    """In-memory adapters, and the live-connection services bound to them."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    connections: InMemoryConnectionRepository = field(default_factory=InMemoryConnectionRepository)
    tickets: InMemoryTicketRepository = field(default_factory=InMemoryTicketRepository)
    broadcaster: RecordingBroadcaster = field(default_factory=RecordingBroadcaster)
    timings: InMemoryTimingRepository = field(default_factory=InMemoryTimingRepository)

    def open(self, connection_id: ConnectionId = TAB, user_id: UserId = A_USER, **wishes: Any) -> Connection:
        """Open a connection as a handshake does, and replace the fields in `wishes`."""
        self.broadcaster.open(connection_id)
        identity = Identity(user_id, IDENTITY.expires_at)
        open_connection(connection_id, identity, connections=self.connections, clock=self.clock, at_most=9)
        if wishes:
            stored = self.connections.find(connection_id)
            assert stored is not None
            self.connections.remove(connection_id)
            self.connections.add(replace(stored, **wishes), at_most=9, now=self.clock.now())
        return self.find(connection_id)

    def find(self, connection_id: ConnectionId = TAB) -> Connection:
        """Return the connection, as the handler of an incoming message loads it."""
        return self.live.find(connection_id)

    @property
    def live(self) -> LiveConnections:
        """Return the `LiveConnections` that the functions use."""
        return LiveConnections(self.connections, self.broadcaster, self.timings, self.clock)

    def subscribe(self, job_id: str | None = None, connection_id: ConnectionId = TAB) -> list[Message]:
        """Subscribe the connection and return the messages that it receives."""
        received = len(self.broadcaster.sent.get(connection_id, []))
        subscribe(
            self.find(connection_id),
            job_id,
            live=self.live,
            jobs=self.jobs,
            serialize=show,
        )
        return self.broadcaster.sent[connection_id][received:]

    def push(self, job: VideoJob, event_id: str = "event-1") -> None:
        """Push a change to the connections, as the notifier does."""
        push_change(
            Change(event_id, job),
            live=self.live,
            serialize=show,
        )

    def ticket(self, identity: Identity = IDENTITY) -> str:
        """Return a new ticket."""
        return issue_ticket(identity, tickets=self.tickets, clock=self.clock)[0]

    def redeem(self, ticket: str) -> Identity:
        """Redeem the ticket and return the identity that it stands for."""
        return redeem_ticket(ticket, tickets=self.tickets, clock=self.clock)


@pytest.fixture
def sut() -> SystemUnderTest:
    return SystemUnderTest()


# ------------------------------------------------------------------ tickets and connections


def test_a_ticket_opens_one_connection_for_its_user(sut: SystemUnderTest) -> None:
    ticket = sut.ticket()
    assert sut.redeem(ticket) == IDENTITY
    with pytest.raises(TokenInvalid):
        sut.redeem(ticket)


def test_a_ticket_expires_after_thirty_seconds(sut: SystemUnderTest) -> None:
    ticket, expires_at = issue_ticket(IDENTITY, tickets=sut.tickets, clock=sut.clock)
    assert expires_at == START + TICKET_LIFETIME == START + timedelta(seconds=30)
    sut.clock.advance(30)
    with pytest.raises(TokenInvalid):
        sut.redeem(ticket)


def test_a_ticket_expires_with_the_session(sut: SystemUnderTest) -> None:
    ending = Identity(A_USER, START + timedelta(seconds=3))
    assert issue_ticket(ending, tickets=sut.tickets, clock=sut.clock)[1] == ending.expires_at


def test_tickets_are_unique_and_stored_only_as_hashes(sut: SystemUnderTest) -> None:
    tickets = {sut.ticket() for _ in range(100)}
    assert len(tickets) == 100
    assert all(len(ticket) >= 43 for ticket in tickets)
    assert not any(sut.tickets.redeem(ticket, START) for ticket in tickets)


@pytest.mark.parametrize("ticket", ["", "x", "\ud800", "a" * 5000])
def test_an_invalid_ticket_is_rejected(sut: SystemUnderTest, ticket: str) -> None:
    with pytest.raises(TokenInvalid):
        sut.redeem(ticket)


def test_a_connection_expires_with_its_session_or_the_limit_of_api_gateway(sut: SystemUnderTest) -> None:
    assert sut.open().expires_at == IDENTITY.expires_at
    long = Identity(A_USER, START + timedelta(days=30))
    open_connection(OTHER_TAB, long, connections=sut.connections, clock=sut.clock, at_most=9)
    assert sut.find(OTHER_TAB).expires_at == START + LONGEST_CONNECTION


def test_connections_over_the_limit_of_a_user_are_refused(sut: SystemUnderTest) -> None:
    sut.open()
    with pytest.raises(TooManyConnections):
        open_connection(OTHER_TAB, IDENTITY, connections=sut.connections, clock=sut.clock, at_most=1)


# ------------------------------------------------------------------ subscriptions


def test_a_snapshot_contains_the_current_version_of_each_job_once(sut: SystemUnderTest) -> None:
    sut.open()
    queued, started = sut.jobs.put(a_job()), sut.jobs.put(a_started_job(version=4))
    received = {str(message["jobId"]): message["version"] for message in sut.subscribe()}
    assert received == {queued.id: 1, started.id: 4}


def test_a_snapshot_contains_all_live_jobs_and_a_limited_number_of_the_newest(sut: SystemUnderTest) -> None:
    sut.open()
    ended = {"status": JobStatus.COMPLETED, "next": None}
    later = START + timedelta(hours=1)
    old_live = [sut.jobs.put(a_job()), sut.jobs.put(a_started_job())]
    old_ended = sut.jobs.put(a_job(**ended))
    for _ in range(SNAPSHOT_JOBS):
        sut.jobs.put(a_job(created_at=later, **ended))
    received = [message["jobId"] for message in sut.subscribe()]
    assert len(received) == len(set(received)) == SNAPSHOT_JOBS + 2
    assert {job.id for job in old_live} <= set(received)
    assert old_ended.id not in received


def test_a_snapshot_contains_no_jobs_of_other_users(sut: SystemUnderTest) -> None:
    sut.open()
    sut.jobs.put(a_job(user_id=ANOTHER_USER))
    assert sut.subscribe() == []


def test_a_connection_can_subscribe_to_a_single_job(sut: SystemUnderTest) -> None:
    sut.open()
    job, other = sut.jobs.put(a_job()), sut.jobs.put(a_job())
    assert [message["jobId"] for message in sut.subscribe(job.id.upper())] == [job.id]
    sut.push(job)
    sut.push(other)
    assert [message["jobId"] for message in sut.broadcaster.sent[TAB]] == [job.id, job.id]


def test_a_user_cannot_subscribe_to_the_job_of_another_user(sut: SystemUnderTest) -> None:
    sut.open()
    foreign_job = sut.jobs.put(a_job(user_id=ANOTHER_USER))
    with pytest.raises(JobForbidden):
        sut.subscribe(foreign_job.id)
    sut.push(foreign_job)
    assert sut.broadcaster.sent[TAB] == []


@pytest.mark.parametrize("job_id", ["", "no id", str(an_id())])
def test_a_subscription_to_an_unknown_job_is_refused(sut: SystemUnderTest, job_id: str) -> None:
    sut.open()
    with pytest.raises(JobNotFound):
        sut.subscribe(job_id)


def test_a_connection_at_its_subscription_limit_can_still_subscribe_to_all_jobs(sut: SystemUnderTest) -> None:
    named = frozenset(an_id() for _ in range(MAXIMUM_SUBSCRIPTIONS - 1))
    sut.open(job_ids=named)
    last, late = sut.jobs.put(a_job()), sut.jobs.put(a_job())
    sut.subscribe(last.id)
    with pytest.raises(TooManySubscriptions):
        sut.subscribe(late.id)
    assert [message["jobId"] for message in sut.subscribe(last.id)] == [last.id]
    assert len(sut.subscribe()) == 2


def test_a_snapshot_of_all_jobs_is_sent_at_most_once_per_interval(sut: SystemUnderTest) -> None:
    sut.open()
    sut.open(OTHER_TAB)
    job = sut.jobs.put(a_job())
    assert len(sut.subscribe()) == 1
    for _ in range(100):
        with pytest.raises(RateLimited):
            sut.subscribe()
    assert len(sut.broadcaster.sent[TAB]) == 1
    assert len(sut.subscribe(job.id)) == len(sut.subscribe(connection_id=OTHER_TAB)) == 1
    sut.push(job)
    assert sut.broadcaster.sent[TAB][-1]["id"] == "event-1"
    sut.clock.advance(SNAPSHOT_INTERVAL.total_seconds())
    assert len(sut.subscribe()) == 1


# ------------------------------------------------------------------ limits


def test_messages_over_the_limit_are_refused_and_a_connection_that_continues_is_closed(sut: SystemUnderTest) -> None:
    connection = sut.open()
    limit, rates = RateLimit("live", 3), InMemoryRateLimiter()
    for _ in range(limit.calls):
        count_message(connection, limit, live=sut.live, rates=rates)
    for _ in range(REFUSED_MESSAGES.calls):
        with pytest.raises(RateLimited):
            count_message(connection, limit, live=sut.live, rates=rates)
    assert sut.find().id == TAB
    with pytest.raises(ConnectionFlooded):
        count_message(connection, limit, live=sut.live, rates=rates)
    assert sut.broadcaster.closed == [TAB]
    assert sut.connections.find(TAB) is None


def test_the_limit_covers_all_connections_of_a_user_and_no_other_user(sut: SystemUnderTest) -> None:
    first, second = sut.open(), sut.open(OTHER_TAB)
    stranger = sut.open(ConnectionId("stranger"), ANOTHER_USER)
    limit, rates = RateLimit("live", 1), InMemoryRateLimiter()
    count_message(first, limit, live=sut.live, rates=rates)
    with pytest.raises(RateLimited):
        count_message(second, limit, live=sut.live, rates=rates)
    count_message(stranger, limit, live=sut.live, rates=rates)


def test_messages_are_accepted_again_after_a_minute_and_the_connection_is_kept(sut: SystemUnderTest) -> None:
    connection = sut.open()
    limit, rates = RateLimit("live", 1), InMemoryRateLimiter()
    for _ in range(3):
        count_message(connection, limit, live=sut.live, rates=rates)
        for _ in range(REFUSED_MESSAGES.calls):
            with pytest.raises(RateLimited):
                count_message(connection, limit, live=sut.live, rates=rates)
        sut.clock.advance(WINDOW.total_seconds())
    assert sut.broadcaster.closed == []


def test_a_change_during_the_subscription_is_not_missed(sut: SystemUnderTest) -> None:
    # A change that is made after the subscription is in the snapshot or pushed; this change is both.
    sut.open()
    job = sut.jobs.put(a_job())
    changed = job.changed(START, progress=0.5)

    class ChangingJobs(InMemoryJobRepository):
        def list_newest(self, *arguments: Any, **named: Any) -> list[VideoJob]:
            sut.push(self.put(changed), "pushed")
            return super().list_newest(*arguments, **named)

    sut.jobs = ChangingJobs(job)
    versions = [(message["id"], message["version"]) for message in sut.subscribe()]
    assert versions == [("pushed", 2), (f"snapshot-{job.id}-2", 2)]


def test_a_connection_that_ends_while_it_subscribes_receives_no_snapshot(sut: SystemUnderTest) -> None:
    connection = sut.open()
    sut.connections.remove(TAB)
    with pytest.raises(ConnectionOver):
        subscribe(
            connection,
            None,
            live=sut.live,
            jobs=sut.jobs,
            serialize=show,
        )


# ------------------------------------------------------------------ changes


def test_a_change_reaches_only_the_subscribed_connections_of_its_user(sut: SystemUnderTest) -> None:
    job = a_job()
    sut.open(TAB, all_jobs=True)
    sut.open(OTHER_TAB, job_ids=frozenset({job.id}))
    sut.open(ConnectionId("silent"))
    sut.open(ConnectionId("elsewhere"), job_ids=frozenset({an_id()}))
    sut.open(ConnectionId("stranger"), ANOTHER_USER, all_jobs=True, job_ids=frozenset({job.id}))
    sut.push(job)
    update = {"id": "event-1", "jobId": job.id, "version": 1}
    received = {name: messages for name, messages in sut.broadcaster.sent.items() if messages}
    assert received == {TAB: [update], OTHER_TAB: [update]}


def test_a_change_without_subscribers_is_not_serialized(sut: SystemUnderTest) -> None:
    sut.open()

    def refuse(_: Change) -> Message:
        raise AssertionError("serialized without a subscriber")

    push_change(
        Change("event-1", a_job()),
        live=sut.live,
        serialize=refuse,
    )
    assert sut.broadcaster.sent[TAB] == []


def test_a_connection_that_no_longer_exists_is_removed(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.open(OTHER_TAB, all_jobs=True)
    del sut.broadcaster.sent[TAB]
    sut.push(a_job())
    assert [connection.id for connection in sut.connections.find_of_user(A_USER)] == [OTHER_TAB]
    assert len(sut.broadcaster.sent[OTHER_TAB]) == 1


def test_a_stuck_connection_is_closed_and_the_other_connections_receive_the_change(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.open(OTHER_TAB, all_jobs=True)
    sut.broadcaster.stuck.add(TAB)
    sut.push(a_job())
    assert sut.broadcaster.closed == [TAB]
    assert [connection.id for connection in sut.connections.find_of_user(A_USER)] == [OTHER_TAB]
    assert len(sut.broadcaster.sent[OTHER_TAB]) == 1


def test_a_message_that_is_too_large_does_not_close_the_connection(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.broadcaster.too_small.add(TAB)
    sut.push(a_job())
    assert sut.broadcaster.closed == []
    assert sut.find().id == TAB


def test_a_change_is_retried_and_no_connection_removed_while_the_websocket_api_is_unavailable(
    sut: SystemUnderTest,
) -> None:
    sut.open(all_jobs=True)
    sut.broadcaster.available = False
    with pytest.raises(Unavailable):
        sut.push(a_job())
    sut.broadcaster.available = True
    sut.push(a_job())
    assert len(sut.broadcaster.sent[TAB]) == 1


def test_a_connection_receives_nothing_after_its_session_and_is_closed(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.clock.set(IDENTITY.expires_at)
    sut.push(a_job())
    assert sut.broadcaster.closed == [TAB]
    assert sut.connections.find(TAB) is None
    assert TAB not in sut.broadcaster.sent


@pytest.mark.parametrize(
    "end", [lambda sut: sut.clock.set(IDENTITY.expires_at), lambda sut: sut.connections.remove(TAB)]
)
def test_a_message_over_an_ended_connection_closes_it(
    sut: SystemUnderTest, end: Callable[[SystemUnderTest], object]
) -> None:
    sut.open()
    end(sut)
    with pytest.raises(ConnectionOver):
        sut.find()
    assert sut.broadcaster.closed == [TAB]
    assert sut.connections.find(TAB) is None


def test_a_connection_that_cannot_be_closed_is_kept_for_a_later_attempt(sut: SystemUnderTest) -> None:
    sut.open()
    sut.clock.set(IDENTITY.expires_at)
    sut.broadcaster.available = False
    with pytest.raises(Unavailable):
        sut.find()
    assert sut.connections.find(TAB) is not None


def test_a_connection_that_fails_for_several_messages_is_closed_once(sut: SystemUnderTest) -> None:
    sut.open()
    sut.broadcaster.stuck.add(TAB)
    messages = [(TAB, {"n": number}) for number in range(3)]
    sut.live.send(messages)
    assert sut.broadcaster.closed == [TAB]
