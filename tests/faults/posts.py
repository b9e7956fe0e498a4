"""The caller's side of the API: what is sent, and what the caller was told."""

import json
import time
from dataclasses import dataclass
from typing import Any

import jwt


@dataclass(frozen=True)
class Post:
    """One POST as its caller saw it; `status` is None where no answer came."""

    user: str
    prompt: str
    key: str | None
    status: int | None
    body: dict[str, Any]

    @property
    def job_id(self) -> str:
        """Of an accepted one."""
        return str(self.body["data"]["jobId"])


def post_event(user: str, prompt: str, key: str | None, *, sign_with: str) -> dict[str, Any]:
    """What API Gateway hands to `generate`."""
    event = api_event("POST", "/api/videos/generate", user, sign_with=sign_with)
    event["headers"]["Content-Type"] = "application/json"
    if key is not None:
        event["headers"]["Idempotency-Key"] = key
    event["body"] = json.dumps({"prompt": prompt, "style": "fun", "duration": 8, "aspectRatio": "16:9"})
    return event


def api_event(method: str, path: str, user: str, *, sign_with: str) -> dict[str, Any]:
    """What API Gateway hands on, of a request without a body."""
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
