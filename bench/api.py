"""HTTP client of the jobs API, for this system and for the polling peer."""

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
    """Base URL of a jobs API, and the session of one user."""

    url: str
    cookie_name: str
    jwt_secret: str
    user_id: str = field(default_factory=lambda: str(ObjectId()))
    """A new random user for each instance, because the rate limits count per user."""

    def post_job(self) -> tuple[str, float]:
        """Create a job; return its ID and the time at which the response was read, in seconds since the epoch.

        Raises:
            OSError: If the connection fails, there is no response within 30 s, or the response is an error
                (`HTTPError`).
        """
        request = urllib.request.Request(f"{self.url}/api/videos/generate", _BODY, self._headers())
        with urllib.request.urlopen(request, timeout=30) as response:
            body = json.load(response)
            return str(body["data"]["jobId"]), time.time()

    def call_often(self, calls: int, *, job_id: str | None = None) -> None:
        """Send `calls` requests over one connection: read the job `job_id`, or create jobs if it is None.

        Raises:
            http.client.HTTPException: If a response has a status of 300 or higher, or is malformed.
            OSError: If the connection fails or there is no response within 30 s.
        """
        connection, headers = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30), self._headers()
        try:
            for _ in range(calls):
                if job_id is None:
                    connection.request("POST", "/api/videos/generate", _BODY, headers)
                else:
                    connection.request("GET", f"/api/videos/{job_id}", headers=headers)
                response = connection.getresponse()
                body = response.read()
                if response.status >= 300:
                    raise http.client.HTTPException(f"The API returned HTTP status {response.status}: {body!r}")
        finally:
            connection.close()

    @property
    def cookie(self) -> str:
        """Return the `Cookie` header of a new session that is valid for ten minutes."""
        claims = {"userId": self.user_id, "exp": int(time.time()) + 600}
        return f"{self.cookie_name}={jwt.encode(claims, self.jwt_secret, algorithm='HS256')}"

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Cookie": self.cookie}
