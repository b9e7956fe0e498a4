"""Bedrock's asynchronous invocations and S3, as their service models describe them."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import boto3

from tests.providers.counterparts.server import CALL_SECONDS, Counterpart, Fate, Reply, Stage, Task, timeouts
from videojobs_providers.bedrock import BedrockProvider
from videojobs_providers.rest.setup import ProviderSetup

REGION = "us-west-2"
MODEL = "luma.ray-v2:0"
MODEL_ARN = f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"
BUCKET = "videos-of-tests"
AT = "2026-11-01T10:00:00Z"
FILTERED = "The generated video has been blocked by our content filters."

_STATUSES = {
    Stage.QUEUED: "InProgress",
    Stage.RUNNING: "InProgress",
    Stage.STRANGE: "Pondering",
    Stage.DONE: "Completed",
    Stage.REFUSED: "Failed",
    Stage.FAILED: "Failed",
}
_RATIOS = {"1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"}


@cache
def boto3_session(region: str = REGION) -> boto3.Session:
    """Return a session with invalid credentials. Its clients share the service models, which are slow to load."""
    return boto3.Session("AKIAIOSFODNN7EXAMPLE", "of-no-account", region_name=region)


class BedrockCounterpart(Counterpart):
    """One account in one region. A test can set the lifecycle of the model and the message of a failure."""

    name = "bedrock"
    refusals = ("input", "output")
    rotates_keys = False

    def __init__(self) -> None:
        """Start a server with an active model and without tasks."""
        super().__init__()
        self.lifecycle: dict[str, str] | None = {"status": "ACTIVE"}
        self.failure_message: str | None = "The model failed to generate the video."
        self.names_folder = False
        self.model_questions = 0
        self._located: set[str] = set()
        self.deleted: set[str] = set()

    def provider(
        self, url: str, *, key: str = "a-key", call_seconds: float | None = CALL_SECONDS, **options: str
    ) -> BedrockProvider:
        """Return the adapter with invalid credentials; `options` extend and replace the defaults of the tests."""
        every = {"outputUri": f"s3://{BUCKET}/bedrock", "region": REGION, "endpointUrl": url, **options}
        return BedrockProvider(ProviderSetup(_read_no_key, every, timeouts=timeouts(call_seconds)), boto3_session())

    def kind(self, method: str, path: str) -> str:
        """Return the kind by the path. Bedrock can't cancel; listing the objects before a download counts as a poll."""
        if path == "/async-invoke":
            return "submit" if method == "POST" else "find"
        if path.startswith("/async-invoke/") or path == f"/{BUCKET}":
            return "poll"
        return "fetch" if path.startswith(f"/{BUCKET}/") else "lifecycle"

    def route(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the response of the runtime, the control plane or S3, which share one address."""
        match method, self.kind(method, path):
            case "POST", "submit":
                return self._start(json.loads(body))
            case "GET", "find":
                return Reply(200, {"asyncInvokeSummaries": [self._describe(task) for task in self.tasks.values()]})
            case "GET", "lifecycle":
                return self._tell_lifecycle(unquote(path))
            case "GET", "fetch":
                return self._serve(path, headers)
            case "POST", "poll":
                keys = re.findall("<Key>([^<]*)</Key>", body.decode())
                self.deleted |= set(keys)
                text = b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>'
                return Reply(200, text, {"Content-Type": "application/xml"})
            case _:
                return self._list(query["prefix"]) if path == f"/{BUCKET}" else self._tell(unquote(path))

    def _tell(self, path: str) -> Reply:
        task = self.tasks.get(path.removeprefix("/async-invoke/"))
        if task is None:
            return _refuse(404, "ResourceNotFoundException", "There is no such invocation.")
        task.poll()
        return Reply(200, self._describe(task))

    def _start(self, told: Any) -> Reply:
        match told:
            case {
                "clientRequestToken": str(token),
                "modelId": "luma.ray-v2:0",
                "modelInput": {
                    "prompt": str(prompt),
                    "aspect_ratio": str(ratio),
                    "duration": "5s" | "9s",
                    "resolution": "540p" | "720p",
                    "loop": bool(),
                    **unknown,
                },
                "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": str(uri)}},
                **rest,
            } if 1 <= len(prompt) <= 5000 and ratio in _RATIOS and uri.startswith("s3://") and not unknown and not rest:
                pass
            case _:
                return _refuse(400, "ValidationException", "Malformed input request.")
        if self.fate is Fate.REFUSES and self.refusal == "input":
            return _refuse(400, "ValidationException", "This request has been blocked by our content filters.")
        for task in self.tasks.values():
            if task.body["clientRequestToken"] == token:
                same = task.body == told
                return Reply(200, {"invocationArn": task.ref}) if same else _refuse(400, "ConflictException", "No.")
        ref = f"arn:aws:bedrock:{REGION}:123456789012:async-invoke/{uuid4().hex[:12]}"
        return Reply(200, {"invocationArn": self.add(ref, told).ref})

    def _describe(self, task: Task) -> dict[str, Any]:
        folder = f"/{_short(task)}" if self.names_folder else ""
        uri = task.body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"] + folder
        told = {
            "invocationArn": task.ref,
            "modelArn": MODEL_ARN,
            "clientRequestToken": task.body["clientRequestToken"],
            "status": _STATUSES[task.stage],
            "submitTime": AT,
            "lastModifiedTime": AT,
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": uri}},
        }
        message = FILTERED if task.fate is Fate.REFUSES else self.failure_message
        return told | ({"failureMessage": message} if told["status"] == "Failed" and message is not None else {})

    def _tell_lifecycle(self, path: str) -> Reply:
        self.model_questions += 1
        if self.lifecycle is None:
            return _refuse(403, "AccessDeniedException", "not authorized to perform: bedrock:GetFoundationModel")
        if path != f"/foundation-models/{MODEL}":
            return _refuse(404, "ResourceNotFoundException", "The provided model identifier is not found.")
        return Reply(200, {"modelDetails": {"modelArn": MODEL_ARN, "modelId": MODEL, "modelLifecycle": self.lifecycle}})

    def _list(self, prefix: str) -> Reply:
        there = [
            f"bedrock/{_short(task)}/{name}"
            for task in self.tasks.values()
            if task.stage is Stage.DONE and task.fate is not Fate.LOST
            for name in ("manifest.json", "output.mp4")
        ]
        found = [key for key in there if key.startswith(prefix) and key not in self.deleted]
        contents = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in found)
        listed = f"<Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(found)}</KeyCount>{contents}"
        text = f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</ListBucketResult>'
        return Reply(200, text.encode(), {"Content-Type": "application/xml"})

    def _serve(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Serve the video. The first request of an object counts as one with an expired URL."""
        found = re.fullmatch(f"/{BUCKET}/bedrock/(\\w+)/output\\.mp4", path)
        [task] = [task for task in self.tasks.values() if found and _short(task) == found[1]]
        fresh = task.ref in self._located
        self._located.add(task.ref)
        return self.serve_video(task, headers, fresh=fresh)


def _short(task: Task) -> str:
    return task.ref.rpartition("/")[2]


def _refuse(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": code})


def _read_no_key(*, refresh: bool = False) -> Mapping[str, Any]:
    raise AssertionError("Bedrock needs no key")
