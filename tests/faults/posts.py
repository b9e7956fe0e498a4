"""Requests to the API and the responses that the caller received."""

import json
import time
from dataclasses import dataclass
from typing import Any

import jwt


@dataclass(frozen=True)
class Post:
    """One POST as its caller saw it; `status` is None if no response arrived."""

    user: str
    prompt: str
    key: str | None
    status: int | None
    body: dict[str, Any]

    @property
    def job_id(self) -> str:
        """Return the job ID of an accepted request."""
        return str(self.body["data"]["jobId"])


def post_event(user: str, prompt: str, key: str | None, *, sign_with: str) -> dict[str, Any]:
    """Return the event that API Gateway sends to `generate`."""
    event = api_event("POST", "/api/videos/generate", user, sign_with=sign_with)
    event["headers"]["Content-Type"] = "application/json"
    if key is not None:
        event["headers"]["Idempotency-Key"] = key
    event["body"] = json.dumps({"prompt": prompt, "style": "fun", "duration": 8, "aspectRatio": "16:9"})
    return event


def api_event(method: str, path: str, user: str, *, sign_with: str) -> dict[str, Any]:
    """Return the event that API Gateway sends for a request without a body."""
    token = jwt.encode({"userId": user, "exp": int(time.time()) + 3600}, sign_with, algorithm="HS256")
    return {
        "httpMethod": method,
        "resource": path,
        "path": path,
        "headers": {"Cookie": f"token={token}"},
        "requestContext": {"requestId": "request", "stage": "local", "path": f"/local{path}"},
        "body": None,
        "isBase64Encoded": False,
    }
