"""Calls that every hand-written peer makes, with this project's libraries but none of its code.

Importing the module reads both secrets and connects to MongoDB. The first message opens the connection to the queue.
"""

import hmac
import json
import os
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import jwt
import urllib3
from aws_lambda_powertools.logging import Logger
from bson import ObjectId
from pymongo import MongoClient

logger = Logger(service="videojobs")
_pool = urllib3.PoolManager()
_region, _endpoint = os.environ["AWS_REGION"], os.environ["AWS_ENDPOINT_URL"]


def _call(service: str, target: str, version: str, arguments: dict[str, Any]) -> dict[str, Any]:
    body, at = json.dumps(arguments).encode(), datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": f"application/x-amz-json-{version}",
        "host": urlsplit(_endpoint).netloc,
        "x-amz-date": at,
        "x-amz-target": target,
    }
    names, scope = ";".join(headers), f"{at[:8]}/{_region}/{service}/aws4_request"
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, sha256(body).hexdigest()])
    to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    headers["authorization"] = f"{credential}, SignedHeaders={names}, Signature={signature}"
    answer = _pool.request("POST", _endpoint + "/", body=body, headers=headers)
    if answer.status != 200:
        raise RuntimeError(f"{target}: HTTP {answer.status}")
    result: dict[str, Any] = json.loads(answer.data)
    return result


def _read_secret(arn: str) -> str:
    answer = _call("secretsmanager", "secretsmanager.GetSecretValue", "1.1", {"SecretId": arn})
    return str(answer["SecretString"])


_jwt_secret = _read_secret(os.environ["JWT_SECRET_ARN"])
_client: MongoClient[dict[str, Any]] = MongoClient(_read_secret(os.environ["MONGODB_SECRET_ARN"]), tz_aware=True)
_client.admin.command("ping")
_jobs = _client.get_default_database("videojobs")["videojobs"]


def admit(cookie: str) -> str:
    """Return the user's ID from the token in the `Cookie` header.

    Raises:
        KeyError: If the cookie is missing.
        jwt.InvalidTokenError: If the token is invalid or expired.
    """
    pairs = dict(part.strip().partition("=")[::2] for part in cookie.split(";"))
    token = pairs[os.environ["COOKIE_NAME"]]
    claims = jwt.decode(token, _jwt_secret, algorithms=["HS256"], options={"require": ["exp", "userId"]})
    return str(claims["userId"])


def submit(request: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Insert a job for a validated request, send its message and return the response's body.

    Raises:
        PyMongoError: If MongoDB does not confirm.
        bson.errors.InvalidId: If `user_id` is not an ObjectId.
        RuntimeError, urllib3.exceptions.HTTPError: If SQS rejects the message or does not respond. The job is stored.
    """
    job_id, step_id, now = ObjectId(), os.urandom(16).hex(), datetime.now(UTC)
    fields = {"_id": job_id, "userId": ObjectId(user_id), "status": "queued", "videoUrl": None, "errorMessage": None}
    times = {"createdAt": now, "updatedAt": now, "next": {"id": step_id, "step": "start", "dueAt": now}}
    _jobs.insert_one({**fields, **request, **times})
    message = {
        "QueueUrl": os.environ["JOBS_QUEUE_URL"],
        "MessageBody": json.dumps({"jobId": str(job_id), "stepId": step_id}),
    }
    _call("sqs", "AmazonSQS.SendMessage", "1.0", message)
    logger.info("Job queued", extra={"job_id": str(job_id)})
    return {"success": True, "data": {"jobId": str(job_id), "status": "queued"}}


def read(job_id: str, user_id: str) -> dict[str, Any]:
    """Return the response's body for a user's job.

    Raises:
        LookupError: If the job does not exist or belongs to another user.
        bson.errors.InvalidId: If an ID is not an ObjectId.
        PyMongoError: If MongoDB does not respond.
    """
    job = _jobs.find_one({"_id": ObjectId(job_id)})
    if job is None or job["userId"] != ObjectId(user_id):
        raise LookupError(job_id)
    logger.info("Job read", extra={"job_id": job_id})
    copied = ("status", "videoUrl", "errorMessage", "prompt", "style", "duration", "aspectRatio")
    times = {name: job[name].isoformat(timespec="milliseconds") for name in ("createdAt", "updatedAt")}
    return {"success": True, "data": {"jobId": job_id, **{name: job[name] for name in copied}, **times}}
