"""The calls that every hand-written peer makes, with the same libraries as ours and none of our code.

Init reads both secrets and connects; the queue's connection is opened by the first message.
"""

import json
import os
from datetime import UTC, datetime
from typing import Any

import jwt
import urllib3
from aws_lambda_powertools.logging import Logger
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field
from pymongo import MongoClient

logger = Logger(service="videojobs")
_pool = urllib3.PoolManager()
_region, _endpoint = os.environ["AWS_REGION"], os.environ["AWS_ENDPOINT_URL"]
_credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])


class GenerateRequest(BaseModel):
    """The body of POST."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(min_length=1, max_length=1000, pattern=r"\S")
    style: str = Field(pattern="^(fun|calm|background)$")
    duration: int | float = Field(ge=1, le=60)
    aspect_ratio: str = Field(alias="aspectRatio", pattern="^(16:9|9:16|1:1|4:3)$")


def _call(service: str, target: str, version: str, arguments: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target}
    request = AWSRequest("POST", _endpoint + "/", headers=headers, data=json.dumps(arguments).encode())
    SigV4Auth(_credentials, service, _region).add_auth(request)
    answer = _pool.request("POST", _endpoint + "/", body=request.data, headers=dict(request.headers))
    if answer.status != 200:
        raise RuntimeError(f"{target}: HTTP {answer.status}")
    body: dict[str, Any] = json.loads(answer.data)
    return body


def _read_secret(arn: str) -> str:
    answer = _call("secretsmanager", "secretsmanager.GetSecretValue", "1.1", {"SecretId": arn})
    return str(answer["SecretString"])


_jwt_secret = _read_secret(os.environ["JWT_SECRET_ARN"])
_client: MongoClient[dict[str, Any]] = MongoClient(_read_secret(os.environ["MONGODB_SECRET_ARN"]), tz_aware=True)
_client.admin.command("ping")
_jobs = _client.get_default_database("videojobs")["videojobs"]


def admit(cookie: str) -> str:
    """The user's id, of the token in the `Cookie` header."""
    pairs = dict(part.strip().partition("=")[::2] for part in cookie.split(";"))
    token = pairs[os.environ["COOKIE_NAME"]]
    claims = jwt.decode(token, _jwt_secret, algorithms=["HS256"], options={"require": ["exp", "userId"]})
    return str(claims["userId"])


def submit(body: str, user_id: str) -> dict[str, Any]:
    """Validate, insert, send; the answer's body."""
    request = GenerateRequest.model_validate(json.loads(body))
    job_id, step_id, now = ObjectId(), os.urandom(16).hex(), datetime.now(UTC)
    fields = {"_id": job_id, "userId": ObjectId(user_id), "status": "queued", "videoUrl": None, "errorMessage": None}
    times = {"createdAt": now, "updatedAt": now, "next": {"id": step_id, "step": "start", "dueAt": now}}
    _jobs.insert_one({**fields, **request.model_dump(by_alias=True), **times})
    message = {
        "QueueUrl": os.environ["JOBS_QUEUE_URL"],
        "MessageBody": json.dumps({"jobId": str(job_id), "stepId": step_id}),
    }
    _call("sqs", "AmazonSQS.SendMessage", "1.0", message)
    logger.info("Job queued", extra={"job_id": str(job_id)})
    return {"success": True, "data": {"jobId": str(job_id), "status": "queued"}}


def read(job_id: str, user_id: str) -> dict[str, Any]:
    """Find the user's job; the answer's body."""
    job = _jobs.find_one({"_id": ObjectId(job_id)})
    if job is None or job["userId"] != ObjectId(user_id):
        raise LookupError(job_id)
    logger.info("Job read", extra={"job_id": job_id})
    copied = ("status", "videoUrl", "errorMessage", "prompt", "style", "duration", "aspectRatio")
    times = {name: job[name].isoformat(timespec="milliseconds") for name in ("createdAt", "updatedAt")}
    return {"success": True, "data": {"jobId": job_id, **{name: job[name] for name in copied}, **times}}
