"""The API as its users call it, ours and the polling peer's alike."""

import http.client
import json
import time
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jwt
from bson import ObjectId

_BODY = json.dumps({"prompt": "A paper boat", "style": "calm", "duration": 1, "aspectRatio": "4:3"}).encode()


@dataclass(frozen=True, slots=True)
class Api:
    """Where it answers, and what makes a user known to it."""

    url: str
    cookie_name: str
    jwt_secret: str
    user_id: str = field(default_factory=lambda: str(ObjectId()))
    """Somebody new: how much one user may ask for is limited."""

    def post_job(self) -> tuple[str, float]:
        """A new job's id, and when the answer was there."""
        request = urllib.request.Request(f"{self.url}/api/videos/generate", _BODY, self._headers())
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
            return str(answer["data"]["jobId"]), time.time()

    def call_often(self, calls: int, *, job_id: str | None = None) -> None:
        """One call after another over one connection: read that job, or post new ones.

        Raises:
            http.client.HTTPException: an answer wasn't 200 or 201.
        """
        connection, headers = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30), self._headers()
        try:
            for _ in range(calls):
                if job_id is None:
                    connection.request("POST", "/api/videos/generate", _BODY, headers)
                else:
                    connection.request("GET", f"/api/videos/{job_id}", headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status >= 300:
                    raise http.client.HTTPException(f"answered {answer.status}: {body!r}")
        finally:
            connection.close()

    @property
    def cookie(self) -> str:
        """A fresh session, as the header has it."""
        claims = {"userId": self.user_id, "exp": int(time.time()) + 600}
        return f"{self.cookie_name}={jwt.encode(claims, self.jwt_secret, algorithm='HS256')}"

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Cookie": self.cookie}
