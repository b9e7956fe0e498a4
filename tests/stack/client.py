"""A user of the deployed system: signs in, calls the API over HTTP, and waits for what it was promised."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import jwt
import pytest
from bson import ObjectId

from localcloud.stack import Stack

PATIENCE_SECONDS = 240
"""How long anything may take that will come: on a busy machine a job of a second takes many."""
_CALL_SECONDS = 60
_POLL_SECONDS = 0.2
ENDED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    headers: Message
    """Looked up whatever the case of their letters."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def data(self) -> dict[str, Any]:
        """What a success carries."""
        assert self.json["success"] is True, self.json
        data: dict[str, Any] = self.json["data"]
        return data

    @property
    def error_code(self) -> str:
        """The code that an error carries."""
        assert self.json["success"] is False, self.json
        code: str = self.json["error"]["code"]
        return code


def eventually[Found](look: Callable[[], Found], what: str, *, seconds: float = PATIENCE_SECONDS) -> Found:
    """Look again and again until there is something; that. `what` is missing if it never comes."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"after {seconds} s: {what}"
        time.sleep(_POLL_SECONDS)
    return found


def send(request: urllib.request.Request) -> Answer:
    """The answer, whatever its status."""
    try:
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, refusal.headers, refusal.read())


@dataclass
class User:
    """One user's calls."""

    stack: Stack
    id: str = field(default_factory=lambda: str(ObjectId()))
    given_token: str | None = field(default=None, repr=False)
    """The session of somebody who exists; everybody else is invented, which takes the key that signs sessions."""
    patience_seconds: float = PATIENCE_SECONDS
    """How long a job may take, unless a test says otherwise."""
    made: list[str] = field(default_factory=list)
    """The jobs that were asked for, to be removed in the end."""

    def token(self, *, seconds: float = 600, **claims: object) -> str:
        """A session token; `claims` are added to the proper ones or replace them."""
        if self.given_token and not claims and seconds > 0:
            return self.given_token
        if not self.stack.jwt_secret:
            pytest.skip("signs sessions of its own, and may not read the key that does")
        proper = {"userId": self.id, "exp": int(time.time() + seconds)}
        return jwt.encode({**proper, **claims}, self.stack.jwt_secret, algorithm="HS256")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the API, as this user unless a token says otherwise (an empty one: as nobody).

        `body` is sent as JSON; bytes are sent as they are.
        """
        token = self.token() if token is None else token
        sent = {"Cookie": f"{self.stack.cookie_name}={token}"} if token else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.stack.api_url + path, method=method, data=data, headers={**sent, **(headers or {})}
        )
        answer = send(request)
        if method == "POST" and answer.status == 201 and path in ("/api/videos/generate", "/api/videos/batch"):
            self.made += [made["jobId"] for made in answer.data.get("items", [answer.data])]
        return answer

    def submit(self, **changes: object) -> str:
        """Ask for a short video; the job's id."""
        wish = {"prompt": "A kite over the sea", "style": "calm", "duration": 1, "aspectRatio": "16:9"}
        answer = self.call("POST", "/api/videos/generate", {**wish, **changes})
        assert answer.status == 201, answer.body
        return str(answer.data["jobId"])

    def read(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it."""
        answer = self.call("GET", f"/api/videos/{job_id}")
        assert answer.status == 200, answer.body
        return answer.data

    def wait(
        self, job_id: str, *, seconds: float | None = None, until: Callable[[dict[str, Any]], bool] | None = None
    ) -> dict[str, Any]:
        """Follow the job until it has ended (or `until` holds), for `seconds` at most; the job as it is then."""
        seconds = seconds or self.patience_seconds
        reached = until or (lambda job: job["status"] in ENDED)
        deadline = time.monotonic() + seconds
        while not reached(job := self.read(job_id)):
            assert time.monotonic() < deadline, f"after {seconds} s the job is {job}"
            time.sleep(_POLL_SECONDS)
        return job

    def leave_nothing(self) -> None:
        """Remove every job that was made; of somebody invented, all that there is."""
        for job_id in self.made:
            path = f"/api/videos/{job_id}"
            self.call("POST", f"{path}/cancel")  # 409 where it has ended, 404 where it is gone
            self._until({204, 404}, "DELETE", path)
        if not self.given_token:
            self._until({204}, "DELETE", "/api/users/me/videos")

    def _until(self, statuses: set[int], method: str, path: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (answer := self.call(method, path)).status not in statuses:
            assert time.monotonic() < deadline, f"{method} {path} is still answered {answer.status}"
            time.sleep(float(answer.headers.get("Retry-After", 1)))
