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
    token = jwt.encode({"userId": user, "exp": int(time.time()) + 3600}, sign_with, algorithm="HS256")
    headers = {"Cookie": f"token={token}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return {
        "httpMethod": "POST",
        "resource": "/api/videos/generate",
        "path": "/api/videos/generate",
        "headers": headers,
        "requestContext": {"requestId": "request", "stage": "local", "path": "/local/api/videos/generate"},
        "body": json.dumps({"prompt": prompt, "style": "fun", "duration": 8, "aspectRatio": "16:9"}),
        "isBase64Encoded": False,
    }
