"""Live updates of the deployed system, received by a real WebSocket client."""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from localcloud.stack import Stack
from tests.stack.client import ENDED, PATIENCE_SECONDS, User, eventually
from tests.stack.deployed import Deployed
from tests.stack.environment import Environment
from tests.stack.expected import Expected
from videojobs.domain.realtime import REFUSED_MESSAGES

RECEIVE_TIMEOUT_SECONDS = 900 if Environment.named() else PATIENCE_SECONDS
"""Longer for a real AI provider."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Live:
    """One open WebSocket connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, message: object) -> None:
        """Send a message as JSON; send a string unchanged."""
        self._socket.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self._socket.recv(timeout=RECEIVE_TIMEOUT_SECONDS))
        return message

    def request(self, message: object) -> dict[str, Any]:
        """Send a message and return the next one received."""
        self.send(message)
        return self.receive()

    def receive_until_end(self, job_id: str) -> list[dict[str, Any]]:
        """Return all updates, of any job, up to the one in which this job has ended."""
        updates = [self.receive()]
        while updates[-1]["jobId"] != job_id or updates[-1]["data"]["status"] not in ENDED:
            updates.append(self.receive())
        return updates

    def is_closed(self) -> bool:
        """Return True if the connection is closed before another message arrives."""
        try:
            self.receive()
        except ConnectionClosed:
            return True
        return False


@contextmanager
def live(
    user: User, *, ticket: str | None = None, cookie: str | None = None, origin: str | None = None
) -> Iterator[Live]:
    """Yield a connection that is opened with a ticket, or with a cookie (by default the user's own)."""
    assert user.stack.ws_url is not None
    headers = {"Origin": origin} if origin else {}
    if ticket is None:
        headers["Cookie"] = f"{user.stack.cookie_name}={user.token() if cookie is None else cookie}"
    url = user.stack.ws_url + (f"?ticket={ticket}" if ticket is not None else "")
    with connect(url, additional_headers=headers, open_timeout=RECEIVE_TIMEOUT_SECONDS) as socket:
        yield Live(socket)


def can_connect(user: User, **means: Any) -> bool:
    """Return True if the handshake succeeds and the connection responds to a ping."""
    try:
        with live(user, **means) as connection:
            return connection.request({"action": "ping"}) == {"type": "pong"}
    except InvalidStatus as error:
        # The local AWS returns 403 for every rejection, API Gateway the status that the function returns.
        assert error.response.status_code in {401, 403, 429}  # noqa: PT017
        return False


def get_ticket(user: User) -> str:
    """Return a new ticket."""
    response = user.call("POST", "/api/realtime/ticket")
    assert response.status == 201, response.body
    return str(response.data["ticket"])


@contextmanager
def connections_of(user: User) -> Iterator[Any]:
    """Yield the collection of connections, and the filter that selects the user's."""
    with pymongo.MongoClient[dict[str, Any]](user.stack.mongo_uri) as client:
        yield client.get_default_database()["connections"], {"userId": ObjectId(user.id)}


@pytest.mark.writes
def test_session_cookie_opens_a_connection(user: User) -> None:
    assert can_connect(user)


@pytest.mark.writes
def test_ticket_opens_exactly_one_connection(user: User) -> None:
    ticket = get_ticket(user)
    assert can_connect(user, ticket=ticket)
    assert not can_connect(user, ticket=ticket)


@pytest.mark.reads
@pytest.mark.parametrize(
    "means", [{"cookie": ""}, {"cookie": "garbage"}, {"ticket": ""}, {"ticket": "made-up"}], ids=str
)
def test_connection_without_a_session_is_rejected(user: User, means: dict[str, str]) -> None:
    assert not can_connect(user, **means)


@pytest.mark.reads
def test_expired_session_opens_no_connection(user: User) -> None:
    assert not can_connect(user, cookie=user.token(seconds=-1))


@pytest.mark.writes
def test_page_of_another_site_opens_no_connection(user: User) -> None:
    assert not can_connect(user, origin="https://evil.example")
    assert not can_connect(user, origin="https://evil.example", ticket=get_ticket(user))


@pytest.mark.writes
def test_invalid_message_returns_an_error_and_keeps_the_connection_open(user: User) -> None:
    with live(user) as connection:
        for message in ("nonsense", "", "[]", {"action": "$connect"}, {"action": "subscribe", "jobID": "x"}):
            response = connection.request(message)
            assert set(response) == {"type", "code", "message"}
            assert (response["type"], response["code"]) == ("error", "VALIDATION_ERROR")
        assert connection.request({"action": "ping"}) == {"type": "pong"}


@pytest.mark.writes
@pytest.mark.usefixtures("pixels")
def test_subscriber_receives_every_status_of_a_job_without_polling(user: User) -> None:
    with live(user) as connection:
        connection.send({"action": "subscribe"})
        assert connection.request({"action": "ping"}) == {"type": "pong"}  # the empty snapshot has been sent
        job_id = user.submit(duration=2)
        updates = connection.receive_until_end(job_id)

    assert {update["type"] for update in updates} == {"job.updated"}
    assert {update["jobId"] for update in updates} == {job_id}
    newest = {update["version"]: update["data"] for update in updates}
    statuses = [newest[version]["status"] for version in sorted(newest)]
    assert statuses[-1] == "completed"
    assert statuses == sorted(statuses, key=["queued", "processing", "completed"].index)
    assert len(newest) > 1
    last, read = newest[max(newest)], user.read(job_id)
    signed = dict.fromkeys(["videoUrl", "posterUrl", "previewUrl"])  # each function signs with its own credentials
    assert last | signed == read | signed
    with urllib.request.urlopen(last["videoUrl"], timeout=30) as response:
        assert response.read(12)[4:8] == b"ftyp"


@pytest.mark.writes
@pytest.mark.usefixtures("invented")
def test_late_subscriber_receives_a_snapshot(user: User) -> None:
    job_ids = {user.submit(style="background") for _ in range(2)}
    for job_id in job_ids:
        user.wait(job_id)
    with live(user, ticket=get_ticket(user)) as connection:
        connection.send({"action": "subscribe"})
        snapshot = [connection.receive() for _ in job_ids]
    assert {update["jobId"] for update in snapshot} == job_ids
    assert {update["data"]["status"] for update in snapshot} == {"completed"}


@pytest.mark.writes
def test_user_never_receives_updates_of_another_users_job(user: User, stranger: User) -> None:
    with live(user) as ours, live(stranger) as theirs:
        for connection in (ours, theirs):
            connection.send({"action": "subscribe"})
            assert connection.request({"action": "ping"}) == {"type": "pong"}
        our_job = user.submit(prompt="A private kite", style="background")
        error = theirs.request({"action": "subscribe", "jobId": our_job})
        ours.receive_until_end(our_job)
        their_job = stranger.submit(style="background")
        updates = theirs.receive_until_end(their_job)

    assert error == {
        "type": "error",
        "code": "FORBIDDEN",
        "message": "This video job belongs to another user. Use the ID of one of your own jobs.",
    }
    assert {update["jobId"] for update in updates} == {their_job}


@pytest.mark.writes
def test_subscription_to_one_job_excludes_other_jobs(user: User) -> None:
    first = user.submit(style="background")
    with live(user) as connection:
        assert connection.request({"action": "subscribe", "jobId": first})["jobId"] == first
        second = user.submit(style="background")
        user.wait(first)
        user.wait(second)
        connection.send({"action": "ping"})
        updated_jobs = []
        while (message := connection.receive()) != {"type": "pong"}:
            updated_jobs.append(message["jobId"])
    assert second not in updated_jobs


def test_message_on_a_connection_with_an_expired_session_closes_it(user: User) -> None:
    with live(user) as connection, connections_of(user) as (documents, own):
        assert connection.request({"action": "ping"}) == {"type": "pong"}
        documents.update_many(own, {"$set": {"expiresAt": LONG_AGO}})
        connection.send({"action": "ping"})
        assert connection.is_closed()
        # The connection is closed first and its document deleted afterwards.
        eventually(lambda: not documents.count_documents(own), "the connection's document still exists")


def test_update_for_a_connection_with_an_expired_session_closes_it(user: User) -> None:
    with live(user) as connection, connections_of(user) as (documents, own):
        connection.send({"action": "subscribe"})
        assert connection.request({"action": "ping"}) == {"type": "pong"}
        documents.update_many(own, {"$set": {"expiresAt": LONG_AGO}})
        user.submit(style="background")
        assert connection.is_closed()


def test_document_of_a_connection_is_deleted_when_its_client_disconnects(user: User) -> None:
    with connections_of(user) as (documents, own):
        with live(user) as connection:
            assert connection.request({"action": "ping"}) == {"type": "pong"}
            assert documents.count_documents(own) == 1
        eventually(lambda: not documents.count_documents(own), "the connection's document still exists")


def test_user_over_the_limit_is_refused_and_a_connection_that_continues_is_closed(
    user: User, stranger: User, deployed: Deployed
) -> None:
    limit = int(Expected(deployed).mapped("Release", "Limits", "ReadCallsPerMinute"))
    with live(user) as connection, connections_of(user) as (documents, _):
        assert connection.request({"action": "ping"}) == {"type": "pong"}
        calls = {"calls": [round(time.time() * 1000)] * limit}  # as if the user had just sent so many messages
        documents.database["rates"].update_one({"_id": f"live:{user.id}"}, {"$set": calls})
        refusals = [connection.request({"action": "ping"}) for _ in range(REFUSED_MESSAGES.calls)]
        assert {refusal["code"] for refusal in refusals} == {"RATE_LIMITED"}
        assert not can_connect(user)
        assert can_connect(stranger)
        connection.send({"action": "ping"})
        assert connection.is_closed()


def test_user_can_open_at_most_twenty_connections(user: User, stack: Stack) -> None:
    now = datetime.now(UTC)
    later = now.replace(year=now.year + 1)
    with connections_of(user) as (documents, own):
        documents.insert_many({"_id": f"{user.id}-{n}", "slot": n, "expiresAt": later, **own} for n in range(20))
        assert not can_connect(user)
        assert can_connect(User(stack))
        documents.delete_many(own)
        assert can_connect(user)
