"""Counterpart of Veo on Vertex AI, with Google's sign-in and Cloud Storage, as published."""

import json
import time
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Fate, Reply, Stage, Task, timeouts
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.veo import VeoProvider

_MODEL = "projects/a-project/locations/us-central1/publishers/google/models/veo-3.1-fast-generate-001"


@cache
def private_key() -> str:
    """Return the key of a service account in PEM; it is generated once. A short key is loaded faster, in each test."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(kind, form, serialization.NoEncryption()).decode()


class VeoCounterpart(Counterpart):
    """API that returns videos in a bucket or in the response. A test can set the error code and the revoked tokens."""

    name = "veo"
    refusals = ("in the guise of a success", "with words", "at once")

    def __init__(self) -> None:
        """Start a server without tasks and tokens."""
        super().__init__()
        self.code = 13
        self.revoked: set[str] = set()
        self.signed_in: list[str] = []
        self._tried: set[str] = set()
        self._issued: set[str] = set()

    def account(self, email: str = "videos@a-project.iam.gserviceaccount.com") -> dict[str, str]:
        """Return the JSON of a service account whose tokens this server issues."""
        return {
            "type": "service_account",
            "project_id": "a-project",
            "private_key_id": "1",
            "private_key": private_key(),
            "client_email": email,
            "token_uri": f"{self.url}/token",
        }

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: Any
    ) -> VeoProvider:
        """Return the adapter; `options` extend and replace the defaults of the tests."""
        at = {"baseUrl": url, "storageUrl": url, "resultHosts": "127.0.0.1"}
        every = {**at, "project": "a-project", "outputUri": "gs://a-bucket/videos", **options}
        read_key = self.key_reader(key, serviceAccount=self.account())
        return VeoProvider(ProviderSetup(read_key, every, timeouts=timeouts(call_seconds)))

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path; for a sign-in, `sign-in`."""
        if path.startswith("/a-bucket/"):
            return "fetch"
        action = path.rpartition(":")[2]
        return {"predictLongRunning": "submit", "fetchPredictOperation": "poll"}.get(action, "sign-in")

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of Google's sign-in, of Cloud Storage or of Vertex AI."""
        if path == "/token":
            return self._sign_in(body)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.revoked or token not in self._issued:
            return Reply(401, {"error": {"code": 401, "message": "Invalid credentials", "status": "UNAUTHENTICATED"}})
        if path.startswith("/a-bucket/"):
            ref = path.split("/")[3]
            fresh = ref in self._tried
            self._tried.add(ref)
            return self.serve_video(self.tasks[ref], headers, fresh=fresh)
        assert path.startswith(f"/v1/{_MODEL}:")
        told = json.loads(body)
        return self._create(told) if path.endswith(":predictLongRunning") else self._operation(told)

    def _sign_in(self, body: bytes) -> Reply:
        form = parse_qs(body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        self.signed_in.append(form["assertion"][0])
        token = f"token-{len(self.signed_in)}"
        self._issued.add(token)
        return Reply(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer", "at": int(time.time())})

    def _create(self, body: Any) -> Reply:
        if self.fate is Fate.REFUSES and self.refusal == "at once":
            words = "The prompt could not be submitted: it violates our usage guidelines."
            return Reply(400, {"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}})
        match body:
            case {
                "instances": [{"prompt": str()}],
                "parameters": {
                    "aspectRatio": "16:9" | "9:16",
                    "durationSeconds": 4 | 6 | 8,
                    "resolution": "720p" | "1080p",
                    "sampleCount": 1,
                    "generateAudio": bool(),
                },
            }:
                task = self.add(str(uuid4()), body)
                return Reply(200, {"name": f"{_MODEL}/operations/{task.ref}"})
            case _:
                return Reply(400, {"error": {"code": 400, "message": "Bad parameters", "status": "INVALID_ARGUMENT"}})

    def _operation(self, told: Any) -> Reply:
        name = told["operationName"]
        task = self.tasks.get(name.rpartition("/")[2])
        if task is None:
            return Reply(404, {"error": {"code": 404, "message": "Operation not found", "status": "NOT_FOUND"}})
        stage = task.poll()
        if stage is Stage.STRANGE:
            return Reply(200, {"name": name, "done": "almost"})
        if stage in {Stage.QUEUED, Stage.RUNNING}:
            return Reply(200, {"name": name})
        return Reply(200, {"name": name, "done": True, **self._outcome(task, stage)})

    def _outcome(self, task: Task, stage: Stage) -> dict[str, Any]:
        if stage is Stage.FAILED:
            return {"error": {"code": self.code, "message": "Words for people."}}
        if stage is Stage.REFUSED and self.refusal == "with words":
            return {"error": {"code": 3, "message": "It violates our usage guidelines."}}
        if stage is Stage.REFUSED:
            return {"response": {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["Words."], "videos": []}}
        if "storageUri" in task.body["parameters"]:
            video = {"gcsUri": f"gs://a-bucket/videos/{task.ref}/sample_0.mp4", "mimeType": "video/mp4"}
        else:
            video = {"bytesBase64Encoded": b64encode(self.video).decode(), "mimeType": "video/mp4"}
        return {"response": {"raiMediaFilteredCount": 0, "videos": [video]}}
