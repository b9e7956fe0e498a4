"""Counterpart of fal's queue as published at https://docs.fal.ai/model-endpoints/queue."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Fate, Reply, Stage, Task, timeouts
from videojobs_providers.fal import FalProvider
from videojobs_providers.rest.setup import ProviderSetup

_STATES = {
    Stage.QUEUED: "IN_QUEUE",
    Stage.RUNNING: "IN_PROGRESS",
    Stage.STRANGE: "IN_THOUGHT",
    Stage.DONE: "COMPLETED",
    Stage.REFUSED: "COMPLETED",
    Stage.FAILED: "COMPLETED",
    Stage.CANCELLED: "COMPLETED",
}


class FalCounterpart(Counterpart):
    """Queue of any model. A rejection is in the result or in the status. A test can set the error type of a failure."""

    name = "fal"
    refusals = ("in the result", "in the status", "in the result, and an error without a type in the status")

    def __init__(self) -> None:
        """Start a server without tasks."""
        super().__init__()
        self.error_type = "internal_error"
        self.result: Reply | None = None
        self.stops = True
        """Whether a running request can be cancelled."""
        self.instead: Reply | None = None
        self.queries: list[dict[str, str]] = []
        self._urls = 0
        self._expired: dict[str, int] = {}

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: Any
    ) -> FalProvider:
        """Return the adapter; `options` extend and replace the defaults of the tests."""
        every = {"baseUrl": url, "resultHosts": "127.0.0.1", **options}
        return FalProvider(ProviderSetup(self.key_reader(key), every, timeouts=timeouts(call_seconds)))

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path; reading a result counts as a poll, like reading a status."""
        if path.startswith("/files/"):
            return "fetch"
        if path.endswith("/cancel"):
            return "cancel"
        if "/requests/" in path:
            return "poll"
        return "submit" if method == "POST" else "unknown"

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of the public file store or of the queue."""
        if path.startswith("/files/"):
            return self._serve(path.removeprefix("/files/"), int(query["number"]), headers)
        if not headers.get("authorization", "").startswith("Key "):
            return Reply(401, {"detail": "Cannot access application. Authentication is required."})
        if "/requests/" not in path:
            self.queries.append(query)
            assert "expiration_duration_seconds" in headers["x-fal-object-lifecycle-preference"]
            return self.instead or self._create(path.removeprefix("/"), json.loads(body))
        model, _, rest = path.removeprefix("/").partition("/requests/")
        ref, _, action = rest.partition("/")
        task = self.tasks.get(ref)
        if task is None or not task.body["model"].startswith(model) or model.count("/") != 1:
            return Reply(404, {"detail": "Request not found"})
        if action == "cancel":
            return self._cancel(task)
        return self._status(task) if action == "status" else self._result(task)

    def _serve(self, ref: str, number: int, headers: Mapping[str, str]) -> Reply:
        fresh = number > self._expired.setdefault(ref, number)
        return self.serve_video(self.tasks[ref], headers, fresh=fresh)

    def _create(self, model: str, body: Any) -> Reply:
        match body:
            case {"prompt": str(), "aspect_ratio": str(), "duration": str(), **rest} if not (
                rest.keys() - {"resolution", "generate_audio", "seed", "negative_prompt"}
            ):
                task = self.add(str(uuid4()), {**body, "model": model})
            case _:
                return Reply(422, {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]})
        here = f"{self.public_url}/{model}/requests/{task.ref}"
        urls = {"response_url": here, "status_url": f"{here}/status", "cancel_url": f"{here}/cancel"}
        return Reply(200, {"request_id": task.ref, "queue_position": 0, **urls})

    def _cancel(self, task: Task) -> Reply:
        if task.ended:
            return Reply(400, {"status": "ALREADY_COMPLETED"})
        waits = task.stage is Stage.QUEUED
        task.cancelled = waits or self.stops
        return Reply(200, {"status": "OK"}) if waits else Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def _status(self, task: Task) -> Reply:
        stage = task.poll()
        told: dict[str, Any] = {"status": _STATES[stage], "request_id": task.ref}
        if stage is Stage.FAILED:
            told |= {"error": "Words for people.", "error_type": self.error_type}
        if stage is Stage.CANCELLED:
            told |= {"error": "Request was cancelled", "error_type": "client_cancelled"}
        if stage is Stage.REFUSED and self.refusal == "in the status":
            told |= {"error": "Words for people.", "error_type": "content_policy_violation"}
        if stage is Stage.REFUSED and "without a type" in self.refusal:
            told |= {"error": "Invalid status code: 422"}
        return Reply(200 if told["status"] == "COMPLETED" else 202, told)

    def _result(self, task: Task) -> Reply:
        if self.result:
            return self.result
        if task.fate is Fate.REFUSES:
            detail = {"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation"}
            return Reply(422, {"detail": [detail]})
        self._urls += 1
        url = f"{self.public_url}/files/{task.ref}?number={self._urls}"
        return Reply(200, {"video": {"url": url, "content_type": "video/mp4"}, "seed": 1})
