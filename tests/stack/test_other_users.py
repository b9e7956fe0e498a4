"""Every cell of the access matrix in the deployed system: users can't read or change each other's data.

`pytest -s` shows the matrix with the actual statuses.
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
from tests.stack.test_live_updates import can_connect, get_ticket, live

PROMPT = "A surfboard that belongs to its owner"
ENDLESS = {"prompt": PROMPT, "style": "background", "duration": 8, "provider": "openai_compatible"}
"""A job that stays live, as its provider never finishes (`Fate.NEVER`)."""


class Household:
    """A user with a live, a completed and a cancelled job and a batch."""

    def __init__(self, stack: Stack) -> None:
        self.owner, self.stranger = User(stack), User(stack)
        self._completed = self.owner.submit(prompt=PROMPT, style="background")
        batch = self.owner.call("POST", "/api/videos/batch", {"items": [{**A_JOB, "prompt": PROMPT}]})
        self.batch_id = str(batch.data["batchId"])
        self.owner.wait(self._completed)
        self.jobs = {thing: self.make(thing) for thing in (Thing.LIVE, Thing.COMPLETED, Thing.CANCELLED)}
        self.owner.wait(self.jobs[Thing.LIVE], until=lambda job: job["status"] == "processing")

    def make(self, thing: Thing) -> str:
        """Return the ID of a job of this kind. Live and cancelled jobs are new; the completed job is shared."""
        if thing is Thing.COMPLETED:
            return self._completed
        if thing is Thing.LIVE:
            return self.owner.submit(**ENDLESS)
        job_id = self.owner.submit(prompt=PROMPT, style="background", duration=60)
        assert self.owner.call("POST", f"/api/videos/{job_id}/cancel").status == 200
        return job_id

    def state(self) -> list[dict[str, object]]:
        """Return all jobs as their owner sees them, without the fields that change over time."""
        shown = [self.owner.read(job_id) for job_id in self.jobs.values()]
        passing = ("videoUrl", "posterUrl", "previewUrl", "progress", "updatedAt", "version")
        passing += ("estimatedSecondsLeft", "queuePosition")
        jobs = [{name: value for name, value in job.items() if name not in passing} for job in shown]
        return [
            {**job, "status": "live" if job["status"] in {"queued", "processing"} else job["status"]} for job in jobs
        ]


@pytest.fixture(scope="module")
def household(stack: Stack, ai_server: OpenaiCompatibleCounterpart) -> Iterator[Household]:
    """Yield one household for all tests. Its jobs are deleted afterwards."""
    ai_server.fate = Fate.NEVER
    try:
        household_ = Household(stack)
        yield household_
        for user in (household_.owner, household_.stranger):
            user.call("DELETE", "/api/users/me/videos")
    finally:
        ai_server.fate = Fate.MAKES


def ask(household: Household, cell: Cell) -> tuple[int, str]:
    """Make a call of the matrix. Return the status, and headers and body as text. Redirects are not followed."""
    rule, user = RULES[cell.operation], household.owner
    job_id = household.jobs.get(cell.thing, household.jobs[Thing.LIVE])
    if cell.caller is Caller.OWNER and cell.thing in household.jobs:
        job_id = household.make(cell.thing)
    query = "" if cell.thing is Thing.OWN else rule.query
    target = (cell.path + query).format(jobId=job_id, batchId=household.batch_id, provider="openai_compatible")
    headers, body = {"Content-Type": "application/json"}, dict(rule.body) if rule.body is not None else None
    if cell.caller in {Caller.STRANGER, Caller.IMPOSTOR}:
        user = household.stranger
    if cell.caller is Caller.IMPOSTOR:
        headers["X-User-Id"] = household.owner.id
        target += ("&" if "?" in target else "?") + f"userId={household.owner.id}"
        body = {**(body or {}), "userId": household.owner.id} if cell.method not in {"GET", "HEAD"} else None
    token = {Caller.NOBODY: "", Caller.EXPIRED: user.token(seconds=-1)}.get(cell.caller, user.token())
    headers |= {"Cookie": f"{user.stack.cookie_name}={token}"} if token else {}
    api = urllib.parse.urlsplit(user.stack.api_url)
    connection = http.client.HTTPConnection(api.netloc, timeout=30)
    try:
        connection.request(cell.method, api.path + target, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        # An erasure of live jobs returns 202 until their clean-ups are finished, and 204 afterwards.
        status = 204 if cell.operation == "deleteAllVideos" and response.status == 202 else response.status
        return status, f"{response.getheaders()}{response.read().decode()}"
    finally:
        connection.close()


def show(statuses: dict[Cell, int]) -> None:
    """Print the matrix with the actual statuses."""
    table = Table("operation", "of", *Caller)
    rows: dict[tuple[str, str], list[str]] = {}
    for cell, status in statuses.items():
        as_ruled = "" if status == cell.status else f" (expected {cell.status})"
        rows.setdefault((f"{cell.method} {cell.path}", cell.thing), []).append(f"{status}{as_ruled}")
    for (operation, thing), columns in rows.items():
        table.add_row(operation, thing, *columns)
    Console(width=180).print(table)


def test_every_caller_gets_the_status_of_the_access_matrix(household: Household) -> None:
    before = household.state()
    statuses = dict.fromkeys(cells(), -1)
    # The owner's calls come last, as only they change something. Deletions are the very last.
    order = sorted(
        statuses, key=lambda cell: (cell.caller is Caller.OWNER, cell.method == "DELETE", cell.thing is Thing.OWN)
    )
    leaks = []
    for cell in order:
        if cell.caller is Caller.OWNER and before:
            assert household.state() == before, "a call of another caller changed something"
            before = []
        statuses[cell], response_text = ask(household, cell)
        if cell.caller is not Caller.OWNER and (PROMPT in response_text or household.batch_id in response_text):
            leaks.append(cell)
    show(statuses)
    assert not leaks
    assert {cell: status for cell, status in statuses.items() if status != cell.status} == {}


def test_list_and_erasure_affect_only_the_callers_jobs(stack: Stack) -> None:
    owner, stranger = User(stack), User(stack)
    theirs = owner.submit(prompt=PROMPT, style="background")
    own = stranger.submit(style="background")
    assert [job["jobId"] for job in stranger.call("GET", "/api/videos").data["items"]] == [own]
    assert stranger.call("DELETE", "/api/users/me/videos").status in {202, 204}
    assert owner.read(theirs)["prompt"] == PROMPT
    assert stranger.call("GET", "/api/videos").data["items"] == []


def test_idempotency_keys_of_different_users_are_independent(user: User, stranger: User) -> None:
    key = {"Idempotency-Key": "one and the same"}
    first, other = (caller.call("POST", "/api/videos/generate", A_JOB, headers=key) for caller in (user, stranger))
    assert (first.status, other.status) == (201, 201)
    assert first.data["jobId"] != other.data["jobId"]
    assert "Idempotent-Replayed" not in other.headers


def test_subscription_to_another_users_job_returns_an_error_without_its_data(household: Household) -> None:
    with live(household.stranger) as connection:
        for job_id in household.jobs.values():
            error = connection.request({"action": "subscribe", "jobId": job_id})
            assert error["type"] == "error"
            assert error["code"] in {"FORBIDDEN", "NOT_FOUND"}  # the owner may already have deleted it
            assert PROMPT not in json.dumps(error)


def test_ticket_gives_only_its_owners_access_and_works_once(user: User, stranger: User) -> None:
    ticket, job_id = get_ticket(user), stranger.submit(style="background")
    with live(stranger, ticket=ticket) as connection:  # a stolen ticket gives access to its owner's jobs only
        assert connection.request({"action": "subscribe", "jobId": job_id})["code"] == "FORBIDDEN"
    assert not can_connect(user, ticket=ticket)
    assert not can_connect(stranger, ticket=ticket)
