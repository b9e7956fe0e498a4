"""User of the deployed system: signs in, calls the API over HTTP and waits for jobs."""

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
"""Timeout of every wait. On a busy machine even a video of one second takes long."""
_CALL_SECONDS = 60
_POLL_SECONDS = 0.2
ENDED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True)
class Response:
    """HTTP response of the API."""

    status: int
    headers: Message
    """Lookups ignore case."""
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body, decoded from JSON."""
        return json.loads(self.body)

    @property
    def data(self) -> dict[str, Any]:
        """Return the field `data` of a successful response."""
        assert self.json["success"] is True, self.json
        data: dict[str, Any] = self.json["data"]
        return data

    @property
    def error_code(self) -> str:
        """Return the code of an error response."""
        assert self.json["success"] is False, self.json
        code: str = self.json["error"]["code"]
        return code


def eventually[Result](
    look: Callable[[], Result], what: str, *, seconds: float = PATIENCE_SECONDS, every: float = _POLL_SECONDS
) -> Result:
    """Call `look` until it returns something true, `every` so many seconds, and return that.

    Raises:
        AssertionError: If that takes longer than `seconds`; `what` is the message.
    """
    deadline = time.monotonic() + seconds
    while not (result := look()):
        assert time.monotonic() < deadline, f"after {seconds} s: {what}"
        time.sleep(every)
    return result


def send(request: urllib.request.Request) -> Response:
    """Send a request. Return the response, also if its status is an error."""
    try:
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as response:
            return Response(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, error.headers, error.read())


@dataclass
class User:
    """One user and the calls that the user makes."""

    stack: Stack
    id: str = field(default_factory=lambda: str(ObjectId()))
    given_token: str | None = field(default=None, repr=False)
    """Session token of an existing user. None creates a new user, which requires the key that signs sessions."""
    patience_seconds: float = PATIENCE_SECONDS
    """Default timeout of `wait`."""
    made: list[str] = field(default_factory=list)
    """IDs of the jobs that the user created, for `leave_nothing`."""

    def token(self, *, seconds: float = 600, **claims: object) -> str:
        """Return a session token that is valid for `seconds`. `claims` are added to the usual claims or replace them.

        The test is skipped if the key that signs sessions is not readable.
        """
        if self.given_token and not claims and seconds > 0:
            return self.given_token
        if not self.stack.jwt_secret:
            pytest.skip("signs its own sessions, and the signing key is not readable")
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
    ) -> Response:
        """Call the API as this user, or with `token` (empty: without a session). Return the response.

        `body` is sent as JSON; bytes are sent as they are.
        """
        token = self.token() if token is None else token
        cookies = {"Cookie": f"{self.stack.cookie_name}={token}"} if token else {}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            cookies["Content-Type"] = "application/json"
        request = urllib.request.Request(
            self.stack.api_url + path, method=method, data=data, headers={**cookies, **(headers or {})}
        )
        response = send(request)
        if method == "POST" and response.status == 201 and path in ("/api/videos/generate", "/api/videos/batch"):
            self.made += [job["jobId"] for job in response.data.get("items", [response.data])]
        return response

    def submit(self, **changes: object) -> str:
        """Create a job for a short video. Return the job ID."""
        request = {"prompt": "A kite over the sea", "style": "calm", "duration": 1, "aspectRatio": "16:9"}
        response = self.call("POST", "/api/videos/generate", {**request, **changes})
        assert response.status == 201, response.body
        return str(response.data["jobId"])

    def read(self, job_id: str) -> dict[str, Any]:
        """Return the job as the API shows it."""
        response = self.call("GET", f"/api/videos/{job_id}")
        assert response.status == 200, response.body
        return response.data

    def wait(
        self, job_id: str, *, seconds: float | None = None, until: Callable[[dict[str, Any]], bool] | None = None
    ) -> dict[str, Any]:
        """Poll the job until it has ended, or until `until` returns True. Return the job.

        Raises:
            AssertionError: If that takes longer than `seconds` (default: `patience_seconds`).
        """
        seconds = seconds or self.patience_seconds
        reached = until or (lambda job: job["status"] in ENDED)
        deadline = time.monotonic() + seconds
        while not reached(job := self.read(job_id)):
            assert time.monotonic() < deadline, f"after {seconds} s the job is {job}"
            time.sleep(_POLL_SECONDS)
        return job

    def leave_nothing(self) -> None:
        """Delete every job that the user created; for a new user, delete everything."""
        for job_id in self.made:
            path = f"/api/videos/{job_id}"
            self.call("POST", f"{path}/cancel")  # 409 if it has ended, 404 if it does not exist
            self._until({204, 404}, "DELETE", path)
        if not self.given_token:
            self._until({202, 204}, "DELETE", "/api/users/me/videos")  # 202: clean-ups of cancelled jobs are pending

    def _until(self, statuses: set[int], method: str, path: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (response := self.call(method, path)).status not in statuses:
            assert time.monotonic() < deadline, f"{method} {path} still returns {response.status}"
            time.sleep(float(response.headers.get("Retry-After", 1)))
