"""Counterpart of Runway's API as published at https://docs.dev.runwayml.com/api, version 2024-11-06."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Fate, Reply, Stage, Task, timeouts
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.runway import RunwayProvider

CREDITS = 25
CREATED_AT = "2026-11-01T10:00:00.000Z"
_REQUIRED = {"model": str, "promptText": str, "ratio": str, "duration": int}
_OPTIONAL = {"audio": bool, "seed": int, "negativePrompt": str}
_STATUS = {
    Stage.QUEUED: "PENDING",
    Stage.RUNNING: "RUNNING",
    Stage.STRANGE: "POSTPROCESSING",
    Stage.DONE: "SUCCEEDED",
    Stage.REFUSED: "FAILED",
    Stage.FAILED: "FAILED",
}


class RunwayCounterpart(Counterpart):
    """API that accepts every model. Prism checks the parameters of each model in `test_published_specs.py`.

    A test can set the status of a queued task, the failure code, a reply to submits, and a success without a video.
    """

    name = "runway"
    refusals = ("SAFETY.INPUT.TEXT", "SAFETY.OUTPUT.VIDEO", "INPUT_PREPROCESSING.SAFETY.TEXT")

    def __init__(self) -> None:
        """Start a server without tasks."""
        super().__init__()
        self.queued_as = "PENDING"
        self.failure_code: str | None = "INTERNAL.BAD_OUTPUT.01"
        self.instead: Reply | None = None
        self.has_output = True
        self._urls = 0
        self._expired: dict[str, int] = {}

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: str
    ) -> RunwayProvider:
        """Return the adapter; `options` extend and replace the defaults of the tests."""
        every = {"baseUrl": url, "resultHosts": "127.0.0.1", **options}
        return RunwayProvider(ProviderSetup(self.key_reader(key), every, timeouts=timeouts(call_seconds)))

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path, and for tasks by the method."""
        if path.startswith("/results/"):
            return "fetch"
        if path.startswith("/v1/tasks/"):
            return "cancel" if method == "DELETE" else "poll"
        return "submit" if path == "/v1/text_to_video" else "unknown"

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of the CDN, which needs no key, or of the API."""
        if path.startswith("/results/"):
            return self._serve(path.removeprefix("/results/"), int(query["_jwt"]), headers)
        if not headers.get("authorization", "").startswith("Bearer "):
            return Reply(401, {"error": "Your API key is missing."})
        if headers.get("x-runway-version") != "2024-11-06":
            return Reply(400, {"error": "Specify a version in the X-Runway-Version header."})
        if (method, path) == ("POST", "/v1/text_to_video"):
            return self._create(json.loads(body))
        task = self.tasks.get(path.removeprefix("/v1/tasks/"))
        if task is None or task.cancelled or method not in {"GET", "DELETE"}:
            return Reply(404, {"error": "Not found."})
        return self._delete(task) if method == "DELETE" else Reply(200, self._describe(task))

    def _serve(self, ref: str, number: int, headers: Mapping[str, str]) -> Reply:
        """Serve the video. URLs issued before the first download count as expired, and later URLs as fresh."""
        fresh = number > self._expired.setdefault(ref, number)
        return self.serve_video(self.tasks[ref], headers, fresh=fresh)

    def _create(self, body: Any) -> Reply:
        if self.instead:
            return self.instead
        if wrong := _find_faults(body):
            issues = [{"code": "invalid", "path": [name], "message": "It is not allowed."} for name in wrong]
            return Reply(400, {"error": "Validation of body failed.", "issues": issues})
        task = self.add(str(uuid4()), body)
        return Reply(200, {"id": task.ref, "estimatedCost": {"credits": CREDITS}})

    def _describe(self, task: Task) -> dict[str, Any]:
        stage = task.poll()
        told: dict[str, Any] = {"id": task.ref, "createdAt": CREATED_AT, "status": _STATUS[stage]}
        match stage:
            case Stage.DONE:
                self._urls += 1
                url = f"{self.public_url}/results/{task.ref}?_jwt={self._urls}"
                return {**told, "output": [url] if self.has_output else [], "cost": {"credits": CREDITS - 1}}
            case Stage.REFUSED | Stage.FAILED:
                code = self.refusal if task.fate is Fate.REFUSES else self.failure_code
                told |= {"failure": "Words for people.", "cost": {"credits": 0}}
                return {**told, "failureCode": code} if code else told
            case Stage.RUNNING:
                return {**told, "progress": 0.4, "estimatedCost": {"credits": CREDITS}}
            case Stage.QUEUED:
                return {**told, "status": self.queued_as, "estimatedCost": {"credits": CREDITS}}
            case _:
                return told

    def _delete(self, task: Task) -> Reply:
        """Cancel an unfinished task, or delete a finished one with its video."""
        if task.ended:
            del self.tasks[task.ref]
        else:
            task.cancelled = True
        return Reply(204)


def _find_faults(body: Any) -> list[str]:
    """Return the names of missing, unknown and malformed fields."""
    kinds = _REQUIRED | _OPTIONAL
    wrong = [name for name in _REQUIRED if name not in body]
    wrong += [name for name, value in body.items() if name not in kinds or not isinstance(value, kinds[name])]
    if not re.fullmatch(r"\d+:\d+", str(body.get("ratio"))):
        wrong.append("ratio")
    return wrong
