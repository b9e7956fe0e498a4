"""Counterpart of Luma Agents as published at https://docs.agents.lumalabs.ai/api/."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Fate, Reply, Stage, Task, timeouts
from videojobs_providers.luma import LumaProvider
from videojobs_providers.rest.setup import ProviderSetup

_STATES = {
    Stage.QUEUED: "queued",
    Stage.RUNNING: "processing",
    Stage.STRANGE: "dreaming",
    Stage.DONE: "completed",
    Stage.REFUSED: "failed",
    Stage.FAILED: "failed",
}
_RATIOS = {"9:16", "3:4", "1:1", "4:3", "16:9", "21:9"}


class LumaCounterpart(Counterpart):
    """API with the model ray-3.2. A test can set the failure code, a reply to submits, and a missing video."""

    name = "luma"
    refusals = ("content_moderated",)

    def __init__(self) -> None:
        """Start a server without tasks."""
        super().__init__()
        self.failure_code: str | None = "generation_failed"
        self.instead: Reply | None = None
        self.has_output = True
        self._urls = 0
        self._expired: dict[str, int] = {}

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: str
    ) -> LumaProvider:
        """Return the adapter; `options` extend and replace the defaults of the tests."""
        every = {"baseUrl": url, "resultHosts": "127.0.0.1", **options}
        return LumaProvider(ProviderSetup(self.key_reader(key), every, timeouts=timeouts(call_seconds)))

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path and the method; Luma can't cancel, and rejects such calls."""
        if path.startswith("/results/"):
            return "fetch"
        if path.startswith("/v1/generations/"):
            return "poll" if method == "GET" else "cancel"
        return "submit" if path == "/v1/generations" else "unknown"

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of the result store or of the API."""
        if path.startswith("/results/"):
            return self._serve(path.removeprefix("/results/"), int(query["X-Amz-Signature"]), headers)
        if not headers.get("authorization", "").startswith("Bearer "):
            return Reply(401, {"detail": "Invalid API key"})
        if (method, path) == ("POST", "/v1/generations"):
            return self._create(json.loads(body))
        task = self.tasks.get(path.removeprefix("/v1/generations/"))
        if task is None:
            return Reply(404, {"detail": "Generation not found"})
        if method != "GET":
            return Reply(405, {"detail": "Method Not Allowed"})
        return Reply(200, self._describe(task, task.poll()))

    def _serve(self, ref: str, number: int, headers: Mapping[str, str]) -> Reply:
        """Serve the video. URLs issued before the first download count as expired, and later URLs as fresh."""
        fresh = number > self._expired.setdefault(ref, number)
        return self.serve_video(self.tasks[ref], headers, fresh=fresh)

    def _create(self, body: Any) -> Reply:
        if self.instead:
            return self.instead
        match body:
            case {
                "model": "ray-3.2",
                "type": "video",
                "prompt": str(prompt),
                "aspect_ratio": str(ratio),
                "video": {"resolution": "360p" | "540p" | "720p" | "1080p", "duration": "5s" | "10s", **options},
                **rest,
            } if 1 <= len(prompt) <= 6000 and ratio in _RATIOS and not options and not rest:
                task = self.add(str(uuid4()), body)
                return Reply(201, self._describe(task, Stage.QUEUED))
            case _:
                return Reply(422, {"detail": "Invalid combination of parameters"})

    def _describe(self, task: Task, stage: Stage) -> dict[str, Any]:
        told: dict[str, Any] = {"id": task.ref, "created_at": "2026-11-01T10:00:00Z", "model": "ray-3.2"}
        told |= {"type": "video", "state": _STATES[stage], "output": [], "failure_code": None, "failure_reason": None}
        match stage:
            case Stage.DONE if self.has_output:
                self._urls += 1
                url = f"{self.public_url}/results/{task.ref}?X-Amz-Expires=3600&X-Amz-Signature={self._urls}"
                return {**told, "output": [{"type": "video", "url": url}]}
            case Stage.REFUSED | Stage.FAILED:
                code = self.refusal if task.fate is Fate.REFUSES else self.failure_code
                return {**told, "failure_code": code, "failure_reason": "Words for people."}
            case _:
                return told
