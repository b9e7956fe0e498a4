"""Live updates of the deployed system, heard by a real WebSocket client."""

import json
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
from tests.stack.environment import Environment

HEARD_WITHIN_SECONDS = 900 if Environment.named() else PATIENCE_SECONDS
"""An AI takes longer."""
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Live:
    """One open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def say(self, message: object) -> None:
        """Send a message; text as it is."""
        self._socket.send(message if isinstance(message, str) else json.dumps(message))

    def hear(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads(self._socket.recv(timeout=HEARD_WITHIN_SECONDS))
        return message

    def ask(self, message: object) -> dict[str, Any]:
        """Say something, and hear what comes next."""
        self.say(message)
        return self.hear()

    def hear_until_it_ends(self, job_id: str) -> list[dict[str, Any]]:
        """Every update until one says that the job has ended; of whichever job."""
        updates = [self.hear()]
        while updates[-1]["jobId"] != job_id or updates[-1]["data"]["status"] not in ENDED:
            updates.append(self.hear())
        return updates

    def is_ended(self) -> bool:
        """Whether the next thing to come is the end."""
        try:
            self.hear()
        except ConnectionClosed:
            return True
        return False


@contextmanager
def live(
    user: User, *, ticket: str | None = None, cookie: str | None = None, origin: str | None = None
) -> Iterator[Live]:
    """A connection by a ticket, or by a cookie (the user's own unless another is given)."""
    assert user.stack.ws_url is not None
    headers = {"Origin": origin} if origin else {}
    if ticket is None:
        headers["Cookie"] = f"{user.stack.cookie_name}={user.token() if cookie is None else cookie}"
    url = user.stack.ws_url + (f"?ticket={ticket}" if ticket is not None else "")
    with connect(url, additional_headers=headers, open_timeout=HEARD_WITHIN_SECONDS) as socket:
        yield Live(socket)


def is_let_in(user: User, **means: Any) -> bool:
    """Whether a handshake succeeds."""
    try:
        with live(user, **means) as connection:
            return connection.ask({"action": "ping"}) == {"type": "pong"}
    except InvalidStatus as refusal:
        # The local AWS makes 403 of any refusal, API Gateway hands on what the function says.
        assert refusal.response.status_code in {401, 403, 429}  # noqa: PT017
        return False


def get_ticket(user: User) -> str:
    """A fresh one."""
    answer = user.call("POST", "/api/realtime/ticket")
    assert answer.status == 201, answer.body
    return str(answer.data["ticket"])


@contextmanager
def connections_of(user: User) -> Iterator[Any]:
    """The user's connections in the database: the collection, and what finds them in it."""
    with pymongo.MongoClient[dict[str, Any]](user.stack.mongo_uri) as client:
        yield client.get_default_database()["connections"], {"userId": ObjectId(user.id)}


@pytest.mark.writes
def test_the_session_cookie_opens_a_connection(user: User) -> None:
    assert is_let_in(user)


@pytest.mark.writes
def test_a_ticket_opens_one_connection(user: User) -> None:
    ticket = get_ticket(user)
    assert is_let_in(user, ticket=ticket)
    assert not is_let_in(user, ticket=ticket)


@pytest.mark.reads
@pytest.mark.parametrize(
    "means", [{"cookie": ""}, {"cookie": "garbage"}, {"ticket": ""}, {"ticket": "made-up"}], ids=str
)
def test_without_a_session_nobody_gets_in(user: User, means: dict[str, str]) -> None:
    assert not is_let_in(user, **means)


@pytest.mark.reads
def test_a_session_that_is_over_opens_nothing(user: User) -> None:
    assert not is_let_in(user, cookie=user.token(seconds=-1))


@pytest.mark.writes
def test_a_page_of_another_site_opens_nothing(user: User) -> None:
    assert not is_let_in(user, origin="https://evil.example")
    assert not is_let_in(user, origin="https://evil.example", ticket=get_ticket(user))


@pytest.mark.writes
def test_nonsense_is_answered_and_the_connection_lives_on(user: User) -> None:
    with live(user) as connection:
        for nonsense in ("nonsense", "", "[]", {"action": "$connect"}, {"action": "subscribe", "jobID": "x"}):
            told = connection.ask(nonsense)
            assert set(told) == {"type", "code", "message"}
            assert (told["type"], told["code"]) == ("error", "VALIDATION_ERROR")
        assert connection.ask({"action": "ping"}) == {"type": "pong"}


@pytest.mark.writes
@pytest.mark.usefixtures("pixels")
def test_a_job_is_seen_coming_into_being_without_a_question(user: User) -> None:
    with live(user) as connection:
        connection.say({"action": "subscribe"})
        assert connection.ask({"action": "ping"}) == {"type": "pong"}  # an empty snapshot is behind us
        job_id = user.submit(duration=2)
        updates = connection.hear_until_it_ends(job_id)

    assert {update["type"] for update in updates} == {"job.updated"}
    assert {update["jobId"] for update in updates} == {job_id}
    newest = {update["version"]: update["data"] for update in updates}
    statuses = [newest[version]["status"] for version in sorted(newest)]
    assert statuses[-1] == "completed"
    assert statuses == sorted(statuses, key=["queued", "processing", "completed"].index)
    assert len(newest) > 1
    last, read = newest[max(newest)], user.read(job_id)
    signed = dict.fromkeys(["videoUrl", "posterUrl", "previewUrl"])  # by each function with credentials of its own
    assert last | signed == read | signed
    with urllib.request.urlopen(last["videoUrl"], timeout=30) as answer:
        assert answer.read(12)[4:8] == b"ftyp"


@pytest.mark.writes
@pytest.mark.usefixtures("invented")
def test_who_comes_late_gets_a_snapshot(user: User) -> None:
    job_ids = {user.submit(style="background") for _ in range(2)}
    for job_id in job_ids:
        user.wait(job_id)
    with live(user, ticket=get_ticket(user)) as connection:
        connection.say({"action": "subscribe"})
        snapshot = [connection.hear() for _ in job_ids]
    assert {update["jobId"] for update in snapshot} == job_ids
    assert {update["data"]["status"] for update in snapshot} == {"completed"}


@pytest.mark.writes
def test_a_user_never_sees_anothers_job(user: User, stranger: User) -> None:
    with live(user) as ours, live(stranger) as theirs:
        for connection in (ours, theirs):
            connection.say({"action": "subscribe"})
            assert connection.ask({"action": "ping"}) == {"type": "pong"}
        our_job = user.submit(prompt="Nobody else's kite", style="background")
        refusal = theirs.ask({"action": "subscribe", "jobId": our_job})
        ours.hear_until_it_ends(our_job)
        their_job = stranger.submit(style="background")
        heard = theirs.hear_until_it_ends(their_job)

    assert refusal == {
        "type": "error",
        "code": "FORBIDDEN",
        "message": "This video job belongs to another user. Use the ID of one of your own jobs.",
    }
    assert {update["jobId"] for update in heard} == {their_job}


@pytest.mark.writes
def test_one_job_can_be_followed_alone(user: User) -> None:
    first = user.submit(style="background")
    with live(user) as connection:
        assert connection.ask({"action": "subscribe", "jobId": first})["jobId"] == first
        second = user.submit(style="background")
        user.wait(first)
        user.wait(second)
        connection.say({"action": "ping"})
        heard = []
        while (message := connection.hear()) != {"type": "pong"}:
            heard.append(message["jobId"])
    assert second not in heard


def test_a_connection_ends_with_its_session_as_soon_as_its_client_speaks(user: User) -> None:
    with live(user) as connection, connections_of(user) as (documents, own):
        assert connection.ask({"action": "ping"}) == {"type": "pong"}
        documents.update_many(own, {"$set": {"expiresAt": LONG_AGO}})
        connection.say({"action": "ping"})
        assert connection.is_ended()
        eventually(lambda: not documents.count_documents(own), "it is remembered still")  # it is closed, then forgotten


def test_a_connection_ends_with_its_session_as_soon_as_there_would_be_something_to_tell(user: User) -> None:
    with live(user) as connection, connections_of(user) as (documents, own):
        connection.say({"action": "subscribe"})
        assert connection.ask({"action": "ping"}) == {"type": "pong"}
        documents.update_many(own, {"$set": {"expiresAt": LONG_AGO}})
        user.submit(style="background")
        assert connection.is_ended()


def test_nothing_is_remembered_of_a_connection_that_its_client_ended(user: User) -> None:
    with connections_of(user) as (documents, own):
        with live(user) as connection:
            assert connection.ask({"action": "ping"}) == {"type": "pong"}
            assert documents.count_documents(own) == 1
        eventually(lambda: not documents.count_documents(own), "it is remembered still")


def test_a_user_has_twenty_connections_and_no_more(user: User, stack: Stack) -> None:
    now = datetime.now(UTC)
    later = now.replace(year=now.year + 1)
    with connections_of(user) as (documents, own):
        documents.insert_many({"_id": f"{user.id}-{n}", "slot": n, "expiresAt": later, **own} for n in range(20))
        assert not is_let_in(user)
        assert is_let_in(User(stack))
        documents.delete_many(own)
        assert is_let_in(user)
