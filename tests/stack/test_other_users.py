"""What is one user's, another can neither see nor touch: every cell of the access matrix, in the deployed system.

`pytest -s` shows the matrix as it was answered.
"""

import http.client
import json
import urllib.parse
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.table import Table

from localcloud.stack import Stack
from tests.access import A_JOB, RULES, Caller, Cell, Thing, cells
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Fate
from tests.stack.client import User
from tests.stack.test_live_updates import get_ticket, is_let_in, live

PROMPT = "A surfboard that is nobody else's"
ENDLESS = {"prompt": PROMPT, "style": "background", "duration": 8, "provider": "openai_compatible"}
"""Stays live for as long as its provider is at it: for ever (`Fate.NEVER`)."""


class Household:
    """A user with one of each: jobs that are live, completed and cancelled, and a batch."""

    def __init__(self, stack: Stack) -> None:
        self.owner, self.stranger = User(stack), User(stack)
        self._completed = self.owner.submit(prompt=PROMPT, style="background")
        batch = self.owner.call("POST", "/api/videos/batch", {"items": [{**A_JOB, "prompt": PROMPT}]})
        self.batch_id = str(batch.data["batchId"])
        self.owner.wait(self._completed)
        self.jobs = {thing: self.make(thing) for thing in (Thing.LIVE, Thing.COMPLETED, Thing.CANCELLED)}
        self.owner.wait(self.jobs[Thing.LIVE], until=lambda job: job["status"] == "processing")

    def make(self, thing: Thing) -> str:
        """A job of that kind; a completed one takes long, so that there is one for all."""
        if thing is Thing.COMPLETED:
            return self._completed
        if thing is Thing.LIVE:
            return self.owner.submit(**ENDLESS)
        job_id = self.owner.submit(prompt=PROMPT, style="background", duration=60)
        assert self.owner.call("POST", f"/api/videos/{job_id}/cancel").status == 200
        return job_id

    def state(self) -> list[dict[str, object]]:
        """All jobs as their owner sees them, without what changes by itself."""
        shown = [self.owner.read(job_id) for job_id in self.jobs.values()]
        passing = ("videoUrl", "posterUrl", "previewUrl", "progress", "updatedAt", "version")
        passing += ("estimatedSecondsLeft", "queuePosition")
        jobs = [{name: value for name, value in job.items() if name not in passing} for job in shown]
        return [
            {**job, "status": "live" if job["status"] in {"queued", "processing"} else job["status"]} for job in jobs
        ]


@pytest.fixture(scope="module")
def household(stack: Stack, ai_server: OpenaiCompatibleCounterpart) -> Iterator[Household]:
    """One for all tests; its jobs end with it."""
    ai_server.fate = Fate.NEVER
    try:
        made = Household(stack)
        yield made
        for user in (made.owner, made.stranger):
            user.call("DELETE", "/api/users/me/videos")
    finally:
        ai_server.fate = Fate.MAKES


def ask(home: Household, cell: Cell) -> tuple[int, str]:
    """The answer to a call of the matrix: its status, and all that it says. A redirect is not followed."""
    rule, user = RULES[cell.operation], home.owner
    job_id = home.jobs.get(cell.thing, home.jobs[Thing.LIVE])
    if cell.caller is Caller.OWNER and cell.thing in home.jobs:
        job_id = home.make(cell.thing)
    query = "" if cell.thing is Thing.OWN else rule.query
    target = (cell.path + query).format(jobId=job_id, batchId=home.batch_id, provider="openai_compatible")
    headers, body = {"Content-Type": "application/json"}, dict(rule.body) if rule.body is not None else None
    if cell.caller in {Caller.STRANGER, Caller.IMPOSTOR}:
        user = home.stranger
    if cell.caller is Caller.IMPOSTOR:
        headers["X-User-Id"] = home.owner.id
        target += ("&" if "?" in target else "?") + f"userId={home.owner.id}"
        body = {**(body or {}), "userId": home.owner.id} if cell.method != "GET" else None
    token = {Caller.NOBODY: "", Caller.EXPIRED: user.token(seconds=-1)}.get(cell.caller, user.token())
    headers |= {"Cookie": f"{user.stack.cookie_name}={token}"} if token else {}
    api = urllib.parse.urlsplit(user.stack.api_url)
    connection = http.client.HTTPConnection(api.netloc, timeout=30)
    try:
        connection.request(cell.method, api.path + target, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, f"{answer.getheaders()}{answer.read().decode()}"
    finally:
        connection.close()


def show(answers: dict[Cell, int]) -> None:
    """The matrix as it was answered."""
    table = Table("operation", "of", *Caller)
    rows: dict[tuple[str, str], list[str]] = {}
    for cell, status in answers.items():
        as_ruled = "" if status == cell.status else f" (expected {cell.status})"
        rows.setdefault((f"{cell.method} {cell.path}", cell.thing), []).append(f"{status}{as_ruled}")
    for (operation, thing), statuses in rows.items():
        table.add_row(operation, thing, *statuses)
    Console(width=180).print(table)


def test_every_caller_gets_what_the_matrix_says_and_no_more(household: Household) -> None:
    before = household.state()
    answers = dict.fromkeys(cells(), -1)
    # Owners come last, as theirs are the calls that change something, and what removes things the very last.
    order = sorted(
        answers, key=lambda cell: (cell.caller is Caller.OWNER, cell.method == "DELETE", cell.thing is Thing.OWN)
    )
    leaks = []
    for cell in order:
        if cell.caller is Caller.OWNER and before:
            assert household.state() == before, "somebody else's call has changed something"
            before = []
        answers[cell], said = ask(household, cell)
        if cell.caller is not Caller.OWNER and (PROMPT in said or household.batch_id in said):
            leaks.append(cell)
    show(answers)
    assert not leaks
    assert {cell: status for cell, status in answers.items() if status != cell.status} == {}


def test_lists_and_the_removal_of_everything_are_of_ones_own_alone(stack: Stack) -> None:
    owner, stranger = User(stack), User(stack)
    theirs = owner.submit(prompt=PROMPT, style="background")
    own = stranger.submit(style="background")
    assert [job["jobId"] for job in stranger.call("GET", "/api/videos").data["items"]] == [own]
    assert stranger.call("DELETE", "/api/users/me/videos").status in {202, 204}
    assert owner.read(theirs)["prompt"] == PROMPT
    assert stranger.call("GET", "/api/videos").data["items"] == []


def test_an_idempotency_key_of_anothers_is_no_repeat(user: User, stranger: User) -> None:
    key = {"Idempotency-Key": "one and the same"}
    first, other = (each.call("POST", "/api/videos/generate", A_JOB, headers=key) for each in (user, stranger))
    assert (first.status, other.status) == (201, 201)
    assert first.data["jobId"] != other.data["jobId"]
    assert "Idempotent-Replayed" not in other.headers


def test_a_live_connection_tells_nothing_of_anothers_job(household: Household) -> None:
    with live(household.stranger) as connection:
        for job_id in household.jobs.values():
            refusal = connection.ask({"action": "subscribe", "jobId": job_id})
            assert refusal["type"] == "error"
            assert refusal["code"] in {"FORBIDDEN", "NOT_FOUND"}  # its owner may have removed it by now
            assert PROMPT not in json.dumps(refusal)


def test_a_ticket_is_its_owners_whoever_holds_it_and_works_once(user: User, stranger: User) -> None:
    ticket, job_id = get_ticket(user), stranger.submit(style="background")
    with live(stranger, ticket=ticket) as connection:  # a stolen ticket makes no more of its thief than its owner
        assert connection.ask({"action": "subscribe", "jobId": job_id})["code"] == "FORBIDDEN"
    assert not is_let_in(user, ticket=ticket)
    assert not is_let_in(stranger, ticket=ticket)
