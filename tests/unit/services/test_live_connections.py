"""Live connections: who may open one, what it hears of, and when it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job, a_started_job, an_id
from tests.fakes.broadcaster import RecordingBroadcaster
from tests.fakes.clock import START, VirtualClock
from tests.fakes.connections import InMemoryConnectionRepository, InMemoryTicketRepository
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.errors import (
    ConnectionOver,
    JobForbidden,
    JobNotFound,
    TokenInvalid,
    TooManyConnections,
    TooManySubscriptions,
    Unavailable,
)
from videojobs.domain.job import JobStatus, UserId, VideoJob
from videojobs.domain.realtime import (
    LONGEST_CONNECTION,
    MAXIMUM_SUBSCRIPTIONS,
    SNAPSHOT_JOBS,
    TICKET_LIFETIME,
    Connection,
    ConnectionId,
    Identity,
    Message,
)
from videojobs.ports.changes import Change
from videojobs.services.open_connection import issue_ticket, open_connection, redeem_ticket
from videojobs.services.push_change import LiveConnections, push_change
from videojobs.services.subscribe import subscribe

TAB = ConnectionId("tab-1")
OTHER_TAB = ConnectionId("tab-2")
IDENTITY = Identity(A_USER, START + timedelta(minutes=30))


def show(change: Change) -> Message:
    """As little as tells updates apart."""
    return {"id": change.id, "jobId": change.job.id, "version": change.job.version}


@dataclass
class SystemUnderTest:
    """Everything around the services."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    connections: InMemoryConnectionRepository = field(default_factory=InMemoryConnectionRepository)
    tickets: InMemoryTicketRepository = field(default_factory=InMemoryTicketRepository)
    broadcaster: RecordingBroadcaster = field(default_factory=RecordingBroadcaster)

    def open(self, connection_id: ConnectionId = TAB, user_id: UserId = A_USER, **wishes: Any) -> Connection:
        """A connection as a handshake leaves it, wishes added."""
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
        """The connection that somebody speaks over."""
        return self.live.find(connection_id)

    @property
    def live(self) -> LiveConnections:
        """The connections, as the functions have them."""
        return LiveConnections(self.connections, self.broadcaster, self.clock)

    def subscribe(self, job_id: str | None = None, connection_id: ConnectionId = TAB) -> list[Message]:
        """What a client hears when it subscribes."""
        heard = len(self.broadcaster.told.get(connection_id, []))
        subscribe(
            self.find(connection_id),
            job_id,
            live=self.live,
            jobs=self.jobs,
            serialize=show,
        )
        return self.broadcaster.told[connection_id][heard:]

    def push(self, job: VideoJob, event_id: str = "event-1") -> None:
        """What the notifier does with a change."""
        push_change(
            Change(event_id, job),
            live=self.live,
            serialize=show,
        )

    def ticket(self, identity: Identity = IDENTITY) -> str:
        """A fresh ticket."""
        return issue_ticket(identity, tickets=self.tickets, clock=self.clock)[0]

    def redeem(self, ticket: str) -> Identity:
        """Use it."""
        return redeem_ticket(ticket, tickets=self.tickets, clock=self.clock)


@pytest.fixture
def sut() -> SystemUnderTest:
    return SystemUnderTest()


# ------------------------------------------------------------------ who gets in


def test_a_ticket_opens_one_connection_for_whom_it_was_made(sut: SystemUnderTest) -> None:
    ticket = sut.ticket()
    assert sut.redeem(ticket) == IDENTITY
    with pytest.raises(TokenInvalid):
        sut.redeem(ticket)


def test_a_ticket_is_over_after_half_a_minute(sut: SystemUnderTest) -> None:
    ticket, expires_at = issue_ticket(IDENTITY, tickets=sut.tickets, clock=sut.clock)
    assert expires_at == START + TICKET_LIFETIME == START + timedelta(seconds=30)
    sut.clock.advance(30)
    with pytest.raises(TokenInvalid):
        sut.redeem(ticket)


def test_a_ticket_ends_with_the_session(sut: SystemUnderTest) -> None:
    ending = Identity(A_USER, START + timedelta(seconds=3))
    assert issue_ticket(ending, tickets=sut.tickets, clock=sut.clock)[1] == ending.expires_at


def test_no_two_tickets_are_alike_and_none_is_stored_as_it_is(sut: SystemUnderTest) -> None:
    tickets = {sut.ticket() for _ in range(100)}
    assert len(tickets) == 100
    assert all(len(ticket) >= 43 for ticket in tickets)
    assert not any(sut.tickets.redeem(ticket, START) for ticket in tickets)


@pytest.mark.parametrize("ticket", ["", "x", "\ud800", "a" * 5000])
def test_what_is_no_ticket_opens_nothing(sut: SystemUnderTest, ticket: str) -> None:
    with pytest.raises(TokenInvalid):
        sut.redeem(ticket)


def test_a_connection_ends_with_its_session_or_when_api_gateway_ends_it(sut: SystemUnderTest) -> None:
    assert sut.open().expires_at == IDENTITY.expires_at
    long = Identity(A_USER, START + timedelta(days=30))
    open_connection(OTHER_TAB, long, connections=sut.connections, clock=sut.clock, at_most=9)
    assert sut.find(OTHER_TAB).expires_at == START + LONGEST_CONNECTION


def test_a_user_has_so_many_connections_and_no_more(sut: SystemUnderTest) -> None:
    sut.open()
    with pytest.raises(TooManyConnections):
        open_connection(OTHER_TAB, IDENTITY, connections=sut.connections, clock=sut.clock, at_most=1)


# ------------------------------------------------------------------ subscribing


def test_a_snapshot_shows_each_job_once_as_it_stands(sut: SystemUnderTest) -> None:
    sut.open()
    queued, started = sut.jobs.put(a_job()), sut.jobs.put(a_started_job(version=4))
    heard = {str(message["jobId"]): message["version"] for message in sut.subscribe()}
    assert heard == {queued.id: 1, started.id: 4}


def test_a_snapshot_has_the_newest_and_every_live_job_up_to_a_bound(sut: SystemUnderTest) -> None:
    sut.open()
    ended = {"status": JobStatus.COMPLETED, "next": None}
    later = START + timedelta(hours=1)
    old_live = [sut.jobs.put(a_job()), sut.jobs.put(a_started_job())]
    old_ended = sut.jobs.put(a_job(**ended))
    for _ in range(SNAPSHOT_JOBS):
        sut.jobs.put(a_job(created_at=later, **ended))
    heard = [message["jobId"] for message in sut.subscribe()]
    assert len(heard) == len(set(heard)) == SNAPSHOT_JOBS + 2
    assert {job.id for job in old_live} <= set(heard)
    assert old_ended.id not in heard


def test_nobody_else_s_job_is_in_a_snapshot(sut: SystemUnderTest) -> None:
    sut.open()
    sut.jobs.put(a_job(user_id=ANOTHER_USER))
    assert sut.subscribe() == []


def test_one_job_can_be_followed_alone(sut: SystemUnderTest) -> None:
    sut.open()
    job, other = sut.jobs.put(a_job()), sut.jobs.put(a_job())
    assert [message["jobId"] for message in sut.subscribe(job.id.upper())] == [job.id]
    sut.push(job)
    sut.push(other)
    assert [message["jobId"] for message in sut.broadcaster.told[TAB]] == [job.id, job.id]


def test_a_strangers_job_can_not_be_followed(sut: SystemUnderTest) -> None:
    sut.open()
    theirs = sut.jobs.put(a_job(user_id=ANOTHER_USER))
    with pytest.raises(JobForbidden):
        sut.subscribe(theirs.id)
    sut.push(theirs)
    assert sut.broadcaster.told[TAB] == []


@pytest.mark.parametrize("job_id", ["", "no id", str(an_id())])
def test_what_is_no_job_can_not_be_followed(sut: SystemUnderTest, job_id: str) -> None:
    sut.open()
    with pytest.raises(JobNotFound):
        sut.subscribe(job_id)


def test_one_connection_names_so_many_jobs_and_then_takes_all(sut: SystemUnderTest) -> None:
    named = frozenset(an_id() for _ in range(MAXIMUM_SUBSCRIPTIONS - 1))
    sut.open(job_ids=named)
    last, late = sut.jobs.put(a_job()), sut.jobs.put(a_job())
    sut.subscribe(last.id)
    with pytest.raises(TooManySubscriptions):
        sut.subscribe(late.id)
    assert [message["jobId"] for message in sut.subscribe(last.id)] == [last.id]
    assert len(sut.subscribe()) == 2


def test_nothing_falls_between_subscription_and_snapshot(sut: SystemUnderTest) -> None:
    """A change that is made after the subscription is in the snapshot or pushed; this one is both."""
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


def test_a_connection_that_ends_while_it_subscribes_is_told_nothing(sut: SystemUnderTest) -> None:
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


def test_a_change_reaches_every_tab_of_its_user_that_wants_it_and_nobody_else(sut: SystemUnderTest) -> None:
    job = a_job()
    sut.open(TAB, all_jobs=True)
    sut.open(OTHER_TAB, job_ids=frozenset({job.id}))
    sut.open(ConnectionId("silent"))
    sut.open(ConnectionId("elsewhere"), job_ids=frozenset({an_id()}))
    sut.open(ConnectionId("stranger"), ANOTHER_USER, all_jobs=True, job_ids=frozenset({job.id}))
    sut.push(job)
    update = {"id": "event-1", "jobId": job.id, "version": 1}
    heard = {name: messages for name, messages in sut.broadcaster.told.items() if messages}
    assert heard == {TAB: [update], OTHER_TAB: [update]}


def test_what_nobody_wants_is_not_even_made(sut: SystemUnderTest) -> None:
    sut.open()

    def refuse(_: Change) -> Message:
        raise AssertionError("nobody asked for it")

    push_change(
        Change("event-1", a_job()),
        live=sut.live,
        serialize=refuse,
    )
    assert sut.broadcaster.told[TAB] == []


def test_a_connection_that_is_gone_is_forgotten(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.open(OTHER_TAB, all_jobs=True)
    del sut.broadcaster.told[TAB]
    sut.push(a_job())
    assert [each.id for each in sut.connections.find_of_user(A_USER)] == [OTHER_TAB]
    assert len(sut.broadcaster.told[OTHER_TAB]) == 1


def test_a_connection_that_takes_nothing_is_ended_and_all_others_are_told(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.open(OTHER_TAB, all_jobs=True)
    sut.broadcaster.stuck.add(TAB)
    sut.push(a_job())
    assert sut.broadcaster.closed == [TAB]
    assert [each.id for each in sut.connections.find_of_user(A_USER)] == [OTHER_TAB]
    assert len(sut.broadcaster.told[OTHER_TAB]) == 1


def test_a_message_that_is_too_large_ends_no_connection(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.broadcaster.too_small.add(TAB)
    sut.push(a_job())
    assert sut.broadcaster.closed == []
    assert sut.find().id == TAB


def test_when_nobody_can_be_reached_the_change_comes_again_and_no_connection_is_forgotten(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.broadcaster.available = False
    with pytest.raises(Unavailable):
        sut.push(a_job())
    sut.broadcaster.available = True
    sut.push(a_job())
    assert len(sut.broadcaster.told[TAB]) == 1


def test_after_its_session_a_connection_is_told_nothing_and_ended(sut: SystemUnderTest) -> None:
    sut.open(all_jobs=True)
    sut.clock.set(IDENTITY.expires_at)
    sut.push(a_job())
    assert sut.broadcaster.closed == [TAB]
    assert sut.connections.find(TAB) is None
    assert TAB not in sut.broadcaster.told


@pytest.mark.parametrize(
    "end", [lambda sut: sut.clock.set(IDENTITY.expires_at), lambda sut: sut.connections.remove(TAB)]
)
def test_who_speaks_over_a_connection_that_is_over_is_cut_off(
    sut: SystemUnderTest, end: Callable[[SystemUnderTest], object]
) -> None:
    sut.open()
    end(sut)
    with pytest.raises(ConnectionOver):
        sut.find()
    assert sut.broadcaster.closed == [TAB]
    assert sut.connections.find(TAB) is None


def test_a_connection_that_can_not_be_ended_now_is_kept_to_be_ended_later(sut: SystemUnderTest) -> None:
    sut.open()
    sut.clock.set(IDENTITY.expires_at)
    sut.broadcaster.available = False
    with pytest.raises(Unavailable):
        sut.find()
    assert sut.connections.find(TAB) is not None


def test_of_many_messages_one_that_fails_ends_its_connection_once(sut: SystemUnderTest) -> None:
    sut.open()
    sut.broadcaster.stuck.add(TAB)
    messages = [(TAB, {"n": number}) for number in range(3)]
    sut.live.send(messages)
    assert sut.broadcaster.closed == [TAB]
