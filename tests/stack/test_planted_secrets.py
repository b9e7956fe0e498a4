"""A secret in every input there is, through success and failure: then all that the system says is searched for them.

Each may be only where `BELONGS` says, and is there: what is not found where it belongs was not planted. That the
search finds what was planted elsewhere is shown in `tests/unit/test_planted.py`.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pymongo
import pytest
from bson import json_util
from standardwebhooks import Webhook
from websockets.exceptions import InvalidStatus

from localcloud.config import CloudConfig
from localcloud.local_secrets import read_webhook_secret
from localcloud.stack import Stack
from tests.conftest import AI_KEY, AI_WEBHOOK_SECRET
from tests.planted import Found, make_secret, search
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Reply
from tests.receiver import Receiver
from tests.stack.client import Answer, User, eventually
from tests.stack.test_live_updates import get_ticket, live
from tests.stack.test_providers import logged_since

LOGS, ERRORS, ANSWERS, SOCKET, HOOKS = "logs and metrics", "error answers", "answers", "WebSocket messages", "webhooks"
DOCUMENTS, MESSAGES, OBJECTS = "documents in MongoDB", "messages on queues", "objects in S3"
TO_ITS_OWNER = (ANSWERS, SOCKET, HOOKS)

BELONGS = {
    *(Found(prompt, place) for prompt in ("prompt", "prompt that fails") for place in (*TO_ITS_OWNER, DOCUMENTS)),
    Found("idempotency key", DOCUMENTS),
    *(Found(name, ERRORS) for name in ("name of a field", "name of a parameter")),  # short, and what to change
    Found("name in a message", SOCKET),
    Found("ticket", ANSWERS),
    Found("presigned signature", ANSWERS),
    Found("body of a message", MESSAGES),  # where it was planted
}


@dataclass
class Planter:
    """Plants, and keeps what was said. `secrets` has each by its name."""

    stack: Stack
    owner: User
    secrets: dict[str, str] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)

    def make(self, name: str) -> str:
        """A new secret."""
        return self.secrets.setdefault(name, make_secret())

    def call(self, method: str, path: str, body: object = None, **means: Any) -> Answer:
        """Call the API as the owner, and keep the answer."""
        answer = self.owner.call(method, path, body, **means)
        self.keep(ERRORS if answer.status >= 400 else ANSWERS, answer)
        return answer

    def keep(self, place: str, answer: Answer) -> None:
        """All of an answer. A video is none of the API's."""
        body = answer.body if answer.headers.get("Content-Type") == "application/json" else b""
        self.said.append((place, f"{answer.headers}{body.decode()}"))


def plant_in_requests(planter: Planter) -> None:
    """Whatever a caller can send, most of it refused."""
    make, call = planter.make, planter.call
    wish = {"prompt": "A kite", "style": "background", "duration": 1, "aspectRatio": "1:1"}
    generate = "/api/videos/generate"
    call("POST", generate, {**wish, make("name of a field"): make("value of a field")})
    for name in ("style", "duration", "aspectRatio", "priority", "provider"):
        call("POST", generate, {**wish, name: make(f"value of {name}")})
    call("POST", generate, {**wish, "prompt": [make("prompt that is a list")]})
    call("POST", generate, f'{{"prompt": "{make("broken JSON")}"'.encode())
    call("POST", generate, make("no JSON").encode(), headers={"Content-Type": "text/plain"})
    call("POST", "/api/videos/batch", {"items": [{**wish, "style": make("style in a batch")}]})
    call("GET", f"/api/videos?{make('name of a parameter')}={make('value of a parameter')}")
    for name in ("status", "limit", "cursor", "batchId"):
        call("GET", f"/api/videos?{name}={make(f'parameter {name}')}")
    call("GET", f"/api/videos/{make('job in a path')}")
    call("GET", f"/api/batches/{make('batch in a path')}")
    call("GET", f"/api/{make('path without a route')}")
    call("POST", f"/api/videos/{'0' * 24}/cancel", {"reason": make("reason")})
    headers = {name: make(f"header {name}") for name in ("User-Agent", "Referer", "Origin", "Authorization", "X-Other")}
    headers |= {"traceparent": make("header traceparent"), "X-Amzn-Trace-Id": f"Root={make('header of X-Ray')}"}
    headers |= {"If-None-Match": make("tag")}
    call("GET", f"/api/videos/{'0' * 24}", headers=headers)
    call("POST", generate, wish, headers={**headers, "Idempotency-Key": make("too long a key") * 9})
    call("GET", f"/api/videos/{'0' * 24}", token=make("token"))
    call("GET", "/api/videos?limit=1", token=planter.owner.token(note=make("claim"), userId="x"))
    cookie = f"{planter.stack.cookie_name}={planter.owner.token()}; other={make('cookie beside')}"
    call("GET", "/api/videos?limit=1", token="", headers={"Cookie": cookie})


def plant_in_callbacks(planter: Planter, job_id: str) -> None:
    """What providers send, signed and not."""
    path = "/api/providers/openai_compatible/callback"
    body = json.dumps({"type": "video.completed", "data": {"id": planter.make("task")}, "x": planter.make("callback")})
    now, name = datetime.now(UTC), planter.make("id of a callback")
    signed = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(AI_WEBHOOK_SECRET).sign(name, now, body),
    }
    heard = planter.call("POST", f"{path}?job={job_id}", body.encode(), token="", headers=signed)
    assert heard.status == 200, heard.body
    planter.call("POST", f"{path}?job={planter.make('job of a callback')}", body.encode(), token="", headers=signed)
    forged = {**signed, "webhook-signature": f"v1,{planter.make('forged signature')}"}
    planter.call("POST", f"{path}?job={job_id}", body.encode(), token="", headers=forged)
    planter.call("POST", f"/api/providers/{planter.make('provider')}/callback", body.encode(), token="")


def plant_in_messages(planter: Planter, sqs: Any) -> None:
    """What is on a queue and is none of ours."""
    secret = planter.make("body of a message")
    for body in (secret, json.dumps({"jobId": secret, "stepId": secret}), json.dumps({"jobId": [secret]})):
        attribute = {"DataType": "String", "StringValue": planter.make("attribute of a message")}
        sqs.send_message(
            QueueUrl=planter.stack.queues["jobs"], MessageBody=body, MessageAttributes={"traceparent": attribute}
        )


def plant_in_a_live_connection(planter: Planter) -> None:
    """What a WebSocket's client can say: at the handshake, and then."""
    planter.secrets["ticket"] = ticket = get_ticket(planter.owner)
    planter.said.append((ANSWERS, ticket))
    with suppress(InvalidStatus), live(planter.owner, ticket=planter.make("ticket that is none")):
        raise AssertionError("a made-up ticket has opened a connection")
    with live(planter.owner, ticket=ticket) as connection:
        for message in (
            {"action": planter.make("action")},
            {"action": "ping", planter.make("name in a message"): 1},
            {"action": "subscribe", "jobId": planter.make("job in a message")},
            planter.make("message"),
        ):
            planter.said.append((SOCKET, json.dumps(connection.ask(message))))


def make_a_video(planter: Planter) -> str:
    """A job that is followed live to its end, with all that its owner is told."""
    with live(planter.owner) as connection:
        connection.say({"action": "subscribe"})
        body = {"prompt": planter.make("prompt"), "style": "background", "duration": 1, "aspectRatio": "1:1"}
        key = {"Idempotency-Key": planter.make("idempotency key")}
        job_id = str(planter.call("POST", "/api/videos/generate", body, headers=key).data["jobId"])
        planter.said += [(SOCKET, json.dumps(update)) for update in connection.hear_until_it_ends(job_id)]
    url = planter.call("GET", f"/api/videos/{job_id}").data["videoUrl"]
    planter.secrets["presigned signature"] = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-Signature"][
        0
    ]
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("X-Amz-Expires=", "X-Amz-Expires=1"), timeout=30).close()
    return job_id


def fail_a_video(planter: Planter, ai_server: OpenaiCompatibleCounterpart) -> str:
    """A job whose provider refuses it, and quotes all that it was told as it does."""
    prompt = planter.make("prompt that fails")
    quoted = {"message": f"no {prompt} for Bearer {AI_KEY}", "code": "moderation_blocked", "param": prompt}
    ai_server.instead = Reply(400, {"error": quoted}, {"X-Quoted": prompt})
    with live(planter.owner) as connection:
        connection.say({"action": "subscribe"})
        job_id = planter.owner.submit(prompt=prompt, provider="openai_compatible", duration=8)
        planter.said += [(SOCKET, json.dumps(update)) for update in connection.hear_until_it_ends(job_id)]
    assert planter.call("GET", f"/api/videos/{job_id}").data["status"] == "failed"
    return job_id


def read_objects(stack: Stack, s3: Any) -> Iterator[str]:
    """What is written at every object: its name, metadata and tags."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket):
        for each in page.get("Contents", ()):
            of = {"Bucket": stack.bucket, "Key": each["Key"]}
            yield f"{each['Key']} {s3.head_object(**of)} {s3.get_object_tagging(**of)['TagSet']}"


def read_queues(stack: Stack, sqs: Any) -> Iterator[str]:
    """What is on every queue, dead letters too; it stays there."""
    for url in stack.queues.values():
        told = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        yield from (json.dumps(message) for message in told.get("Messages", ()))


def read_documents(stack: Stack) -> Iterator[str]:
    """Every document of every collection."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            yield from (json_util.dumps(document) for document in database[name].find())


def told(stack: Stack, since: int, job_id: str) -> bool:
    """Whether the last of a job's changes has gone out to webhooks: nothing is said of it after that."""
    lines = [line for line in logged_since(stack, since) if job_id in line]
    return any('"webhook_delivered"' in line for line in lines)


@pytest.fixture(scope="module")
def searched(
    stack: Stack, cloud: CloudConfig, platform: Receiver, ai_server: OpenaiCompatibleCounterpart
) -> Iterator[tuple[dict[Found, str], Planter]]:
    """Where each secret was found, and how it was planted."""
    since, planter = int(time.time() * 1000), Planter(stack, User(stack))
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    sqs, s3 = (session.client(name, endpoint_url=stack.aws_endpoint_url) for name in ("sqs", "s3"))
    planter.secrets |= {
        "session token": planter.owner.token(seconds=3600).rpartition(".")[2],
        "JWT secret": stack.jwt_secret,
        "MongoDB URI": stack.mongo_uri.partition("://")[2],
        "webhooks' secret": read_webhook_secret(cloud).removeprefix("whsec_"),
        "provider's key": AI_KEY,
        "provider's secret": AI_WEBHOOK_SECRET.removeprefix("whsec_"),
    }
    job_id = make_a_video(planter)
    try:
        failed = fail_a_video(planter, ai_server)
    finally:
        ai_server.instead = None
    plant_in_requests(planter)
    plant_in_callbacks(planter, failed)
    plant_in_a_live_connection(planter)
    planter.said += [(MESSAGES, text) for text in read_queues(stack, sqs)]
    plant_in_messages(planter, sqs)
    planter.said += [(MESSAGES, planter.secrets["body of a message"])]
    for ended in (job_id, failed):
        eventually(lambda ended=ended: told(stack, since, ended), f"the webhooks have not told the end of {ended}")
    eventually(lambda: malformed(stack, since), "not every malformed message was refused")
    sqs.purge_queue(QueueUrl=stack.queues["jobs"])  # else they come again, and end as dead letters
    planter.said += [(DOCUMENTS, text) for text in read_documents(stack)]
    planter.said += [(OBJECTS, text) for text in read_objects(stack, s3)]
    planter.said += [(HOOKS, f"{got.path} {got.headers} {got.body}") for got in list(platform.got)]
    planter.said += [(LOGS, text) for text in logged_since(stack, since)]
    yield search(planter.secrets, planter.said), planter
    planter.owner.call("DELETE", "/api/users/me/videos")


def malformed(stack: Stack, since: int) -> bool:
    """Whether all three messages that are none of ours have been refused."""
    return sum('"message_malformed"' in line for line in logged_since(stack, since)) >= 3


def test_no_secret_is_where_it_does_not_belong(searched: tuple[dict[Found, str], Planter]) -> None:
    found, _ = searched
    assert {each: text for each, text in found.items() if each not in BELONGS} == {}


def test_each_is_found_where_it_belongs(searched: tuple[dict[Found, str], Planter]) -> None:
    found, planter = searched
    assert set(found) >= BELONGS
    assert len(planter.secrets) > 50
    assert {place for place, _ in planter.said} >= {LOGS, ERRORS, SOCKET, HOOKS, DOCUMENTS, OBJECTS, MESSAGES}
