"""Counterpart with the API `/v1/videos` as OpenAI published it, or in OpenRouter's variant."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Fate, Reply, Stage, Task, timeouts
from videojobs_providers.openai_compatible import OpenaiCompatibleProvider
from videojobs_providers.rest.setup import ProviderSetup

_STATES = {
    Stage.QUEUED: "queued",
    Stage.RUNNING: "in_progress",
    Stage.STRANGE: "thinking",
    Stage.DONE: "completed",
    Stage.REFUSED: "failed",
    Stage.FAILED: "failed",
}
_PROGRESS = {Stage.RUNNING: 50, Stage.DONE: 100}
_AT = 1_793_523_600


class OpenaiCompatibleCounterpart(Counterpart):
    """Server of one variant, which rejects a prompt at the submit or later. A test can set the failure code."""

    name = "openai_compatible"
    refusals = ("moderation_blocked", "content_policy_violation", "at once")

    def __init__(self, video: bytes | None = None) -> None:
        """Start a server of the variant of OpenAI without tasks."""
        super().__init__(video)
        self.failure_code: str | None = "server_error"
        self.instead: Reply | None = None
        self.variant = "openai"
        self.costs: float | None = None
        self._tried: set[str] = set()

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: Any
    ) -> OpenaiCompatibleProvider:
        """Return the adapter; `options` extend and replace the defaults of the tests."""
        every = {"baseUrl": f"{url}/v1", "model": "sora-2", "variant": self.variant, "resultHosts": "127.0.0.1"}
        setup = ProviderSetup(self.key_reader(key), {**every, **options}, timeouts=timeouts(call_seconds))
        return OpenaiCompatibleProvider(setup)

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path and the method; DELETE counts as a cancel, although the API rejects it."""
        if path.endswith("/content"):
            return "fetch"
        if path.startswith("/v1/videos/"):
            return "poll" if method == "GET" else "cancel"
        return "submit" if path == "/v1/videos" else "unknown"

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of the API; the prefix `/v1` is optional."""
        path = path.removeprefix("/v1")
        if not headers.get("authorization", "").startswith("Bearer "):
            return _error(401, "invalid_api_key")
        if (method, path) == ("POST", "/videos"):
            return self._create(json.loads(body))
        ref, _, rest = path.removeprefix("/videos/").partition("/")
        task = self.tasks.get(ref)
        if task is None:
            return _error(404, "not_found")
        if rest == "content":
            fresh = ref in self._tried
            self._tried.add(ref)
            return self.serve_video(task, headers, fresh=fresh)
        return Reply(200, self._describe(task, task.poll())) if method == "GET" else _error(405, "method_not_allowed")

    def _create(self, body: Any) -> Reply:
        if self.instead:
            return self.instead
        if self.fate is Fate.REFUSES and self.refusal == "at once":
            return _error(400, "moderation_blocked")
        match self.variant, body:
            case "openai", {"model": str(), "prompt": str(), "seconds": str(), "size": str(), **rest} if not rest:
                pass
            case "openrouter", {"model": str(), "prompt": str(), "duration": int(), **rest} if rest in (
                {"aspect_ratio": "16:9", "resolution": "720p"},
                {"aspect_ratio": "9:16", "resolution": "720p"},
                {"size": "1792x1024"},
            ):
                pass
            case _:
                return _error(400, "invalid_value")
        task = self.add(f"video_{uuid4().hex}", body)
        return Reply(200, self._describe(task, Stage.QUEUED))

    def _describe(self, task: Task, stage: Stage) -> dict[str, Any]:
        error = None
        if stage in {Stage.REFUSED, Stage.FAILED}:
            error = {"code": self.refusal if stage is Stage.REFUSED else self.failure_code, "message": "For people."}
        told: dict[str, Any] = {
            "id": task.ref,
            "object": "video",
            "model": task.body["model"],
            "status": _STATES[stage],
        }
        told |= {"progress": _PROGRESS.get(stage, 0), "created_at": _AT, "completed_at": None, "expires_at": None}
        told |= {"prompt": task.body["prompt"], "error": error, "remixed_from_video_id": None}
        told |= {name: task.body[name] for name in ("seconds", "size") if name in task.body}
        return told | ({"usage": {"cost": self.costs}} if self.costs is not None and stage is Stage.DONE else {})


def _error(status: int, code: str) -> Reply:
    return Reply(status, {"error": {"message": "Words for people.", "type": "an_error", "param": None, "code": code}})
