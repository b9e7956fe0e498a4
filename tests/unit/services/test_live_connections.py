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
from videojobs.services.push_change import push_change, push_messages
from videojobs.services.subscribe import find_connection, subscribe

TAB = ConnectionId("tab-1")
OTHER_TAB = ConnectionId("tab-2")
IDENTITY = Identity(A_USER, START + timedelta(minutes=30))


def show(change: Change) -> Message:
    """As little as tells updates apart."""
    return {"id": change.id, "jobId": change.job.id, "version": change.job.version}


@dataclass
class World:
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
        ports = {"connections": self.connections, "broadcaster": self.broadcaster, "clock": self.clock}
        return find_connection(connection_id, **ports)  # type: ignore[arg-type]

    def subscribe(self, job_id: str | None = None, connection_id: ConnectionId = TAB) -> list[Message]:
        """What a client hears when it subscribes."""
        heard = len(self.broadcaster.told.get(connection_id, []))
        subscribe(
            self.find(connection_id),
            job_id,
            connections=self.connections,
            jobs=self.jobs,
            broadcaster=self.broadcaster,
            clock=self.clock,
            show=show,
        )
        return self.broadcaster.told[connection_id][heard:]

    def push(self, job: VideoJob, event_id: str = "event-1") -> None:
        """What the notifier does with a change."""
        push_change(
            Change(event_id, job),
            connections=self.connections,
            broadcaster=self.broadcaster,
            clock=self.clock,
            show=show,
        )

    def ticket(self, identity: Identity = IDENTITY) -> str:
        """A fresh ticket."""
        return issue_ticket(identity, tickets=self.tickets, clock=self.clock)[0]

    def redeem(self, ticket: str) -> Identity:
        """Use it."""
        return redeem_ticket(ticket, tickets=self.tickets, clock=self.clock)


@pytest.fixture
def world() -> World:
    return World()


# ------------------------------------------------------------------ who gets in


def test_a_ticket_opens_one_connection_for_whom_it_was_made(world: World) -> None:
    ticket = world.ticket()
    assert world.redeem(ticket) == IDENTITY
    with pytest.raises(TokenInvalid):
        world.redeem(ticket)


def test_a_ticket_is_over_after_half_a_minute(world: World) -> None:
    ticket, expires_at = issue_ticket(IDENTITY, tickets=world.tickets, clock=world.clock)
    assert expires_at == START + TICKET_LIFETIME == START + timedelta(seconds=30)
    world.clock.advance(30)
    with pytest.raises(TokenInvalid):
        world.redeem(ticket)


def test_a_ticket_ends_with_the_session(world: World) -> None:
    ending = Identity(A_USER, START + timedelta(seconds=3))
    assert issue_ticket(ending, tickets=world.tickets, clock=world.clock)[1] == ending.expires_at


def test_no_two_tickets_are_alike_and_none_is_stored_as_it_is(world: World) -> None:
    tickets = {world.ticket() for _ in range(100)}
    assert len(tickets) == 100
    assert all(len(ticket) >= 43 for ticket in tickets)
    assert not any(world.tickets.redeem(ticket, START) for ticket in tickets)


@pytest.mark.parametrize("ticket", ["", "x", "\ud800", "a" * 5000])
def test_what_is_no_ticket_opens_nothing(world: World, ticket: str) -> None:
    with pytest.raises(TokenInvalid):
        world.redeem(ticket)


def test_a_connection_ends_with_its_session_or_when_api_gateway_ends_it(world: World) -> None:
    assert world.open().expires_at == IDENTITY.expires_at
    long = Identity(A_USER, START + timedelta(days=30))
    open_connection(OTHER_TAB, long, connections=world.connections, clock=world.clock, at_most=9)
    assert world.find(OTHER_TAB).expires_at == START + LONGEST_CONNECTION


def test_a_user_has_so_many_connections_and_no_more(world: World) -> None:
    world.open()
    with pytest.raises(TooManyConnections):
        open_connection(OTHER_TAB, IDENTITY, connections=world.connections, clock=world.clock, at_most=1)


# ------------------------------------------------------------------ subscribing


def test_a_snapshot_shows_each_job_once_as_it_stands(world: World) -> None:
    world.open()
    queued, started = world.jobs.put(a_job()), world.jobs.put(a_started_job(version=4))
    heard = {str(message["jobId"]): message["version"] for message in world.subscribe()}
    assert heard == {queued.id: 1, started.id: 4}


def test_a_snapshot_has_the_newest_and_every_live_job_up_to_a_bound(world: World) -> None:
    world.open()
    ended = {"status": JobStatus.COMPLETED, "next": None}
    later = START + timedelta(hours=1)
    old_live = [world.jobs.put(a_job()), world.jobs.put(a_started_job())]
    old_ended = world.jobs.put(a_job(**ended))
    for _ in range(SNAPSHOT_JOBS):
        world.jobs.put(a_job(created_at=later, **ended))
    heard = [message["jobId"] for message in world.subscribe()]
    assert len(heard) == len(set(heard)) == SNAPSHOT_JOBS + 2
    assert {job.id for job in old_live} <= set(heard)
    assert old_ended.id not in heard


def test_nobody_else_s_job_is_in_a_snapshot(world: World) -> None:
    world.open()
    world.jobs.put(a_job(user_id=ANOTHER_USER))
    assert world.subscribe() == []


def test_one_job_can_be_followed_alone(world: World) -> None:
    world.open()
    job, other = world.jobs.put(a_job()), world.jobs.put(a_job())
    assert [message["jobId"] for message in world.subscribe(job.id.upper())] == [job.id]
    world.push(job)
    world.push(other)
    assert [message["jobId"] for message in world.broadcaster.told[TAB]] == [job.id, job.id]


def test_a_strangers_job_can_not_be_followed(world: World) -> None:
    world.open()
    theirs = world.jobs.put(a_job(user_id=ANOTHER_USER))
    with pytest.raises(JobForbidden):
        world.subscribe(theirs.id)
    world.push(theirs)
    assert world.broadcaster.told[TAB] == []


@pytest.mark.parametrize("job_id", ["", "no id", str(an_id())])
def test_what_is_no_job_can_not_be_followed(world: World, job_id: str) -> None:
    world.open()
    with pytest.raises(JobNotFound):
        world.subscribe(job_id)


def test_one_connection_names_so_many_jobs_and_then_takes_all(world: World) -> None:
    named = frozenset(an_id() for _ in range(MAXIMUM_SUBSCRIPTIONS - 1))
    world.open(job_ids=named)
    last, late = world.jobs.put(a_job()), world.jobs.put(a_job())
    world.subscribe(last.id)
    with pytest.raises(TooManySubscriptions):
        world.subscribe(late.id)
    assert [message["jobId"] for message in world.subscribe(last.id)] == [last.id]
    assert len(world.subscribe()) == 2


def test_nothing_falls_between_subscription_and_snapshot(world: World) -> None:
    """A change that is made after the subscription is in the snapshot or pushed; this one is both."""
    world.open()
    job = world.jobs.put(a_job())
    changed = job.changed(START, progress=0.5)

    class ChangingJobs(InMemoryJobRepository):
        def list_newest(self, *arguments: Any, **named: Any) -> list[VideoJob]:
            world.push(self.put(changed), "pushed")
            return super().list_newest(*arguments, **named)

    world.jobs = ChangingJobs(job)
    versions = [(message["id"], message["version"]) for message in world.subscribe()]
    assert versions == [("pushed", 2), (f"snapshot-{job.id}-2", 2)]


def test_a_connection_that_ends_while_it_subscribes_is_told_nothing(world: World) -> None:
    connection = world.open()
    world.connections.remove(TAB)
    with pytest.raises(ConnectionOver):
        subscribe(
            connection,
            None,
            connections=world.connections,
            jobs=world.jobs,
            broadcaster=world.broadcaster,
            clock=world.clock,
            show=show,
        )


# ------------------------------------------------------------------ changes


def test_a_change_reaches_every_tab_of_its_user_that_wants_it_and_nobody_else(world: World) -> None:
    job = a_job()
    world.open(TAB, all_jobs=True)
    world.open(OTHER_TAB, job_ids=frozenset({job.id}))
    world.open(ConnectionId("silent"))
    world.open(ConnectionId("elsewhere"), job_ids=frozenset({an_id()}))
    world.open(ConnectionId("stranger"), ANOTHER_USER, all_jobs=True, job_ids=frozenset({job.id}))
    world.push(job)
    update = {"id": "event-1", "jobId": job.id, "version": 1}
    heard = {name: messages for name, messages in world.broadcaster.told.items() if messages}
    assert heard == {TAB: [update], OTHER_TAB: [update]}


def test_what_nobody_wants_is_not_even_made(world: World) -> None:
    world.open()

    def refuse(_: Change) -> Message:
        raise AssertionError("nobody asked for it")

    push_change(
        Change("event-1", a_job()),
        connections=world.connections,
        broadcaster=world.broadcaster,
        clock=world.clock,
        show=refuse,
    )
    assert world.broadcaster.told[TAB] == []


def test_a_connection_that_is_gone_is_forgotten(world: World) -> None:
    world.open(all_jobs=True)
    world.open(OTHER_TAB, all_jobs=True)
    del world.broadcaster.told[TAB]
    world.push(a_job())
    assert [each.id for each in world.connections.find_of_user(A_USER)] == [OTHER_TAB]
    assert len(world.broadcaster.told[OTHER_TAB]) == 1


def test_a_connection_that_takes_nothing_is_ended_and_all_others_are_told(world: World) -> None:
    world.open(all_jobs=True)
    world.open(OTHER_TAB, all_jobs=True)
    world.broadcaster.stuck.add(TAB)
    world.push(a_job())
    assert world.broadcaster.closed == [TAB]
    assert [each.id for each in world.connections.find_of_user(A_USER)] == [OTHER_TAB]
    assert len(world.broadcaster.told[OTHER_TAB]) == 1


def test_a_message_that_is_too_large_ends_no_connection(world: World) -> None:
    world.open(all_jobs=True)
    world.broadcaster.too_small.add(TAB)
    world.push(a_job())
    assert world.broadcaster.closed == []
    assert world.find().id == TAB


def test_when_nobody_can_be_reached_the_change_comes_again_and_no_connection_is_forgotten(world: World) -> None:
    world.open(all_jobs=True)
    world.broadcaster.available = False
    with pytest.raises(Unavailable):
        world.push(a_job())
    world.broadcaster.available = True
    world.push(a_job())
    assert len(world.broadcaster.told[TAB]) == 1


def test_after_its_session_a_connection_is_told_nothing_and_ended(world: World) -> None:
    world.open(all_jobs=True)
    world.clock.set(IDENTITY.expires_at)
    world.push(a_job())
    assert world.broadcaster.closed == [TAB]
    assert world.connections.find(TAB) is None
    assert TAB not in world.broadcaster.told


@pytest.mark.parametrize(
    "end", [lambda world: world.clock.set(IDENTITY.expires_at), lambda world: world.connections.remove(TAB)]
)
def test_who_speaks_over_a_connection_that_is_over_is_cut_off(world: World, end: Callable[[World], object]) -> None:
    world.open()
    end(world)
    with pytest.raises(ConnectionOver):
        world.find()
    assert world.broadcaster.closed == [TAB]
    assert world.connections.find(TAB) is None


def test_a_connection_that_can_not_be_ended_now_is_kept_to_be_ended_later(world: World) -> None:
    world.open()
    world.clock.set(IDENTITY.expires_at)
    world.broadcaster.available = False
    with pytest.raises(Unavailable):
        world.find()
    assert world.connections.find(TAB) is not None


def test_of_many_messages_one_that_fails_ends_its_connection_once(world: World) -> None:
    world.open()
    world.broadcaster.stuck.add(TAB)
    messages = [(TAB, {"n": number}) for number in range(3)]
    push_messages(messages, connections=world.connections, broadcaster=world.broadcaster)
    assert world.broadcaster.closed == [TAB]
