"""Secrets in every input of the system, in successful and failed requests; every output is searched for them.

Each secret may be found only where `BELONGS` allows it. It must be found there, as otherwise it was not planted.
`tests/unit/test_planted.py` proves that the search finds a secret elsewhere.
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
from tests.stack.client import Response, User, eventually
from tests.stack.test_live_updates import get_ticket, live
from tests.stack.test_providers import logged_since

LOGS, ERRORS, RESPONSES, SOCKET, HOOKS = "logs and metrics", "errors", "responses", "WebSocket messages", "webhooks"
DOCUMENTS, MESSAGES, OBJECTS = "documents in MongoDB", "messages on queues", "objects in S3"
TO_ITS_OWNER = (RESPONSES, SOCKET, HOOKS)

BELONGS = {
    *(Found(prompt, place) for prompt in ("prompt", "prompt that fails") for place in (*TO_ITS_OWNER, DOCUMENTS)),
    Found("idempotency key", DOCUMENTS),
    *(
        Found(name, ERRORS) for name in ("name of a field", "name of a parameter")
    ),  # shortened, so that the client can correct it
    Found("header Origin", ERRORS),  # so that an operator can add it to AllowedOrigins
    Found("name in a message", SOCKET),
    Found("ticket", RESPONSES),
    Found("presigned signature", RESPONSES),
    Found("body of a message", MESSAGES),  # the test wrote it there
}


@dataclass
class Planter:
    """Plants secrets and keeps the outputs. `secrets` maps the name of each secret to its value."""

    stack: Stack
    owner: User
    secrets: dict[str, str] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)

    def make(self, name: str) -> str:
        """Return the secret of this name; create it at the first call."""
        return self.secrets.setdefault(name, make_secret())

    def call(self, method: str, path: str, body: object = None, **means: Any) -> Response:
        """Call the API as the owner, and keep the response."""
        response = self.owner.call(method, path, body, **means)
        self.keep(ERRORS if response.status >= 400 else RESPONSES, response)
        return response

    def keep(self, place: str, response: Response) -> None:
        """Keep headers and body of a response. Bodies of videos are left out, as the API does not create them."""
        body = response.body if response.headers.get("Content-Type") == "application/json" else b""
        self.outputs.append((place, f"{response.headers}{body.decode()}"))


def plant_in_requests(planter: Planter) -> None:
    """Plant secrets in every part of a request. Most of these requests are rejected."""
    make, call = planter.make, planter.call
    request = {"prompt": "A kite", "style": "background", "duration": 1, "aspectRatio": "1:1"}
    generate = "/api/videos/generate"
    call("POST", generate, {**request, make("name of a field"): make("value of a field")})
    for name in ("style", "duration", "aspectRatio", "priority", "provider"):
        call("POST", generate, {**request, name: make(f"value of {name}")})
    call("POST", generate, {**request, "prompt": [make("prompt that is a list")]})
    call("POST", generate, f'{{"prompt": "{make("broken JSON")}"'.encode())
    call("POST", generate, make("no JSON").encode(), headers={"Content-Type": "text/plain"})
    call("POST", "/api/videos/batch", {"items": [{**request, "style": make("style in a batch")}]})
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
    call("POST", generate, request, headers={**headers, "Idempotency-Key": make("too long a key") * 9})
    call("GET", f"/api/videos/{'0' * 24}", token=make("token"))
    call("GET", "/api/videos?limit=1", token=planter.owner.token(note=make("claim"), userId="x"))
    cookie = f"{planter.stack.cookie_name}={planter.owner.token()}; other={make('another cookie')}"
    call("GET", "/api/videos?limit=1", token="", headers={"Cookie": cookie})


def plant_in_callbacks(planter: Planter, job_id: str) -> None:
    """Plant secrets in signed, forged and unsigned callbacks of providers."""
    path = "/api/providers/openai_compatible/callback"
    body = json.dumps({"type": "video.completed", "data": {"id": planter.make("task")}, "x": planter.make("callback")})
    now, name = datetime.now(UTC), planter.make("id of a callback")
    signed = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(AI_WEBHOOK_SECRET).sign(name, now, body),
    }
    accepted = planter.call("POST", f"{path}?job={job_id}", body.encode(), token="", headers=signed)
    assert accepted.status == 200, accepted.body
    planter.call("POST", f"{path}?job={planter.make('job of a callback')}", body.encode(), token="", headers=signed)
    forged = {**signed, "webhook-signature": f"v1,{planter.make('forged signature')}"}
    planter.call("POST", f"{path}?job={job_id}", body.encode(), token="", headers=forged)
    planter.call("POST", f"/api/providers/{planter.make('provider')}/callback", body.encode(), token="")


def plant_in_messages(planter: Planter, sqs: Any) -> None:
    """Plant secrets in foreign messages on a queue."""
    secret = planter.make("body of a message")
    for body in (secret, json.dumps({"jobId": secret, "stepId": secret}), json.dumps({"jobId": [secret]})):
        attribute = {"DataType": "String", "StringValue": planter.make("attribute of a message")}
        sqs.send_message(
            QueueUrl=planter.stack.queues["jobs"], MessageBody=body, MessageAttributes={"traceparent": attribute}
        )


def plant_in_a_live_connection(planter: Planter) -> None:
    """Plant secrets in the handshake and the messages of a WebSocket client."""
    planter.secrets["ticket"] = ticket = get_ticket(planter.owner)
    planter.outputs.append((RESPONSES, ticket))
    with suppress(InvalidStatus), live(planter.owner, ticket=planter.make("invalid ticket")):
        raise AssertionError("a made-up ticket has opened a connection")
    with live(planter.owner, ticket=ticket) as connection:
        for message in (
            {"action": planter.make("action")},
            {"action": "ping", planter.make("name in a message"): 1},
            {"action": "subscribe", "jobId": planter.make("job in a message")},
            planter.make("message"),
        ):
            planter.outputs.append((SOCKET, json.dumps(connection.request(message))))


def make_a_video(planter: Planter) -> str:
    """Make a video, and keep all responses and live updates that its owner receives. Return the job ID."""
    with live(planter.owner) as connection:
        connection.send({"action": "subscribe"})
        body = {"prompt": planter.make("prompt"), "style": "background", "duration": 1, "aspectRatio": "1:1"}
        key = {"Idempotency-Key": planter.make("idempotency key")}
        job_id = str(planter.call("POST", "/api/videos/generate", body, headers=key).data["jobId"])
        planter.outputs += [(SOCKET, json.dumps(update)) for update in connection.receive_until_end(job_id)]
    url = planter.call("GET", f"/api/videos/{job_id}").data["videoUrl"]
    planter.secrets["presigned signature"] = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-Signature"][
        0
    ]
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace("X-Amz-Expires=", "X-Amz-Expires=1"), timeout=30).close()
    return job_id


def fail_a_video(planter: Planter, ai_server: OpenaiCompatibleCounterpart) -> str:
    """Make a job fail with a provider's error that quotes the prompt and the key. Return the job ID."""
    prompt = planter.make("prompt that fails")
    quoted = {"message": f"no {prompt} for Bearer {AI_KEY}", "code": "moderation_blocked", "param": prompt}
    ai_server.instead = Reply(400, {"error": quoted}, {"X-Quoted": prompt})
    with live(planter.owner) as connection:
        connection.send({"action": "subscribe"})
        job_id = planter.owner.submit(prompt=prompt, provider="openai_compatible", duration=8)
        planter.outputs += [(SOCKET, json.dumps(update)) for update in connection.receive_until_end(job_id)]
    assert planter.call("GET", f"/api/videos/{job_id}").data["status"] == "failed"
    return job_id


def read_objects(stack: Stack, s3: Any) -> Iterator[str]:
    """Yield key, metadata and tags of every object."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket):
        for entry in page.get("Contents", ()):
            target = {"Bucket": stack.bucket, "Key": entry["Key"]}
            yield f"{entry['Key']} {s3.head_object(**target)} {s3.get_object_tagging(**target)['TagSet']}"


def read_queues(stack: Stack, sqs: Any) -> Iterator[str]:
    """Yield the messages on every queue, including dead letters, without removing them."""
    for url in stack.queues.values():
        response = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        yield from (json.dumps(message) for message in response.get("Messages", ()))


def read_documents(stack: Stack) -> Iterator[str]:
    """Yield every document of every collection."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        database = client.get_default_database()
        for name in database.list_collection_names():
            yield from (json_util.dumps(document) for document in database[name].find())


def has_sent_webhooks(stack: Stack, since: int, job_id: str) -> bool:
    """Return True once the webhook of the job's last change is delivered, which is its last output."""
    lines = [line for line in logged_since(stack, since) if job_id in line]
    return any('"webhook_delivered"' in line for line in lines)


@pytest.fixture(scope="module")
def searched(
    stack: Stack, cloud: CloudConfig, platform: Receiver, ai_server: OpenaiCompatibleCounterpart
) -> Iterator[tuple[dict[Found, str], Planter]]:
    """Plant all secrets and yield the places where each was found, and the planter."""
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
    planter.outputs += [(MESSAGES, text) for text in read_queues(stack, sqs)]
    plant_in_messages(planter, sqs)
    planter.outputs += [(MESSAGES, planter.secrets["body of a message"])]
    for ended in (job_id, failed):
        eventually(lambda ended=ended: has_sent_webhooks(stack, since, ended), f"no webhook for the end of {ended}")
    eventually(lambda: has_rejected_messages(stack, since), "not every malformed message was rejected")
    sqs.purge_queue(QueueUrl=stack.queues["jobs"])  # otherwise they are retried and become dead letters
    planter.outputs += [(DOCUMENTS, text) for text in read_documents(stack)]
    planter.outputs += [(OBJECTS, text) for text in read_objects(stack, s3)]
    planter.outputs += [(HOOKS, f"{post.path} {post.headers} {post.body}") for post in list(platform.got)]
    planter.outputs += [(LOGS, text) for text in logged_since(stack, since)]
    yield search(planter.secrets, planter.outputs), planter
    planter.owner.call("DELETE", "/api/users/me/videos")


def has_rejected_messages(stack: Stack, since: int) -> bool:
    """Return True if all three foreign messages were rejected."""
    return sum('"message_malformed"' in line for line in logged_since(stack, since)) >= 3


def test_no_secret_appears_where_it_is_not_allowed(searched: tuple[dict[Found, str], Planter]) -> None:
    places, _ = searched
    assert {match: text for match, text in places.items() if match not in BELONGS} == {}


def test_every_allowed_secret_is_found_in_its_place(searched: tuple[dict[Found, str], Planter]) -> None:
    places, planter = searched
    assert set(places) >= BELONGS
    assert len(planter.secrets) > 50
    assert {place for place, _ in planter.outputs} >= {LOGS, ERRORS, SOCKET, HOOKS, DOCUMENTS, OBJECTS, MESSAGES}
