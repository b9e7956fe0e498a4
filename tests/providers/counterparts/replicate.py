"""Counterpart of Replicate as published at https://replicate.com/docs/reference/http and in its OpenAPI description."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Reply, Stage, Task, timeouts
from videojobs_providers.replicate import ReplicateProvider
from videojobs_providers.rest.setup import ProviderSetup

_STATES = {
    Stage.QUEUED: "starting",
    Stage.RUNNING: "processing",
    Stage.STRANGE: "thinking",
    Stage.DONE: "succeeded",
    Stage.REFUSED: "failed",
    Stage.FAILED: "failed",
    Stage.CANCELLED: "canceled",
}
_AT = "2026-11-01T10:00:00.000Z"


class ReplicateCounterpart(Counterpart):
    """API of predictions. A test can set the error of a failed prediction and the form of its output."""

    name = "replicate"
    refusals = (
        "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
        "NSFW content detected. Try running it again, or try a different prompt.",
    )

    def __init__(self) -> None:
        """Start a server without tasks."""
        super().__init__()
        self.error: str | None = "Director: unexpected error handling prediction (E6716)"
        self.is_list = False
        self.is_removed = False
        self._urls = 0
        self._expired: dict[str, int] = {}

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: str
    ) -> ReplicateProvider:
        """Return the adapter; `options` extend and replace the defaults of the tests."""
        every = {"baseUrl": url, "resultHosts": "127.0.0.1", **options}
        return ReplicateProvider(ProviderSetup(self.key_reader(key), every, timeouts=timeouts(call_seconds)))

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path."""
        if path.startswith("/results/"):
            return "fetch"
        if path.endswith("/cancel"):
            return "cancel"
        if path.startswith("/v1/predictions/"):
            return "poll"
        return "submit" if path.startswith("/v1/models/") else "unknown"

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of the result store or of the API; the prefix `/v1` of the API is optional."""
        if path.startswith("/results/"):
            return self._serve(path.removeprefix("/results/"), int(query["number"]), headers)
        path = path.removeprefix("/v1")
        if not headers.get("authorization", "").startswith("Bearer "):
            return Reply(401, {"title": "Unauthenticated", "detail": "Invalid token.", "status": 401})
        if method == "POST" and path.startswith("/models/"):
            return self._create(path, json.loads(body), headers)
        ref, _, action = path.removeprefix("/predictions/").partition("/")
        task = self.tasks.get(ref)
        if task is None:
            return Reply(404, {"detail": "The requested resource could not be found.", "status": 404})
        if action == "cancel":
            task.cancelled = task.cancelled or not task.ended
            return Reply(200, self._describe(task, task.stage))
        return Reply(200, self._describe(task, task.poll()))

    def _serve(self, ref: str, number: int, headers: Mapping[str, str]) -> Reply:
        fresh = number > self._expired.setdefault(ref, number)
        return self.serve_video(self.tasks[ref], headers, fresh=fresh)

    def _create(self, path: str, body: Any, headers: Mapping[str, str]) -> Reply:
        assert headers["cancel-after"] == "30m"
        match body:
            case {"input": {"prompt": str(), "duration": int(), "aspect_ratio": str()}, **more} if not (
                more.keys() - {"webhook", "webhook_events_filter"}
            ):
                task = self.add(uuid4().hex[:26], {**body, "path": path})
                return Reply(201, self._describe(task, Stage.QUEUED))
            case _:
                return Reply(422, {"title": "Input validation failed", "detail": "- input: invalid", "status": 422})

    def _describe(self, task: Task, stage: Stage) -> dict[str, Any]:
        failed = {Stage.REFUSED: self.refusal, Stage.FAILED: self.error}.get(stage)
        here = f"{self.public_url}/v1/predictions/{task.ref}"
        told: dict[str, Any] = {
            "id": task.ref,
            "model": "bytedance/seedance-1-pro",
            "version": "hidden",
            "input": task.body["input"],
            "output": None,
            "data_removed": self.is_removed,
            "error": failed,
            "logs": "step 1\n 10%|█   | 5/50 [00:01]\n 40%|████ | 20/50 [00:04]" if stage is Stage.RUNNING else "",
            "status": _STATES[stage],
            "created_at": _AT,
            "urls": {"get": here, "cancel": f"{here}/cancel", "web": f"https://replicate.com/p/{task.ref}"},
        }
        if stage is Stage.DONE:
            self._urls += 1
            url = f"{self.public_url}/results/{task.ref}?number={self._urls}"
            told["output"] = [url] if self.is_list else url
        return told
