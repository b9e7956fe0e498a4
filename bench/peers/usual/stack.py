"""Usual stack as its tutorials write it: clients at import, Logger, Tracer and Metrics, models on the routes."""
# ruff: noqa: N815 - the fields have the names of the API

import os
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import boto3
import jwt
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field
from pymongo import MongoClient

logger = Logger(service="videojobs")
tracer = Tracer(service="videojobs")
metrics = Metrics(namespace="videojobs", service="videojobs")
app = APIGatewayRestResolver(enable_validation=True)

_secrets = boto3.client("secretsmanager")


def _read_secret(arn: str) -> str:
    return str(_secrets.get_secret_value(SecretId=arn)["SecretString"])


_jwt_secret = _read_secret(os.environ["JWT_SECRET_ARN"])
_client: MongoClient[dict[str, Any]] = MongoClient(_read_secret(os.environ["MONGODB_SECRET_ARN"]), tz_aware=True)
_client.admin.command("ping")
jobs = _client.get_default_database("videojobs")["videojobs"]


class GenerateRequest(BaseModel):
    """Request body of POST."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    prompt: str = Field(min_length=1, max_length=1000, pattern=r"\S")
    style: Literal["fun", "calm", "background"]
    duration: int | float = Field(ge=1, le=60)
    aspectRatio: Literal["16:9", "9:16", "1:1", "4:3"]


class Accepted(BaseModel):
    """Job that was just created."""

    jobId: str
    status: str


class AcceptedEnvelope(BaseModel):
    """Response to POST."""

    success: bool = True
    data: Accepted


class Job(BaseModel):
    """Job as returned to its owner."""

    jobId: str
    status: str
    videoUrl: str | None
    errorMessage: str | None
    prompt: str
    style: str
    duration: int | float
    aspectRatio: str
    createdAt: datetime
    updatedAt: datetime


class JobEnvelope(BaseModel):
    """Response to GET."""

    success: bool = True
    data: Job


def admit() -> ObjectId:
    """Return the user's ID from the token in the cookie of the current request.

    Raises:
        KeyError: If the cookie is missing.
        jwt.InvalidTokenError: If the token is invalid or expired.
        bson.errors.InvalidId: If the ID in the token is not an ObjectId.
    """
    pairs = dict(part.strip().partition("=")[::2] for part in app.current_event.headers["cookie"].split(";"))
    token = pairs[os.environ["COOKIE_NAME"]]
    claims = jwt.decode(token, _jwt_secret, algorithms=["HS256"], options={"require": ["exp", "userId"]})
    return ObjectId(claims["userId"])


def new_document(request: GenerateRequest, user_id: ObjectId, step_id: str) -> dict[str, Any]:
    """Return the document of a queued job with a new ID. Nothing is stored."""
    now = datetime.now(UTC)
    fields = {"_id": ObjectId(), "userId": user_id, "status": "queued", "videoUrl": None, "errorMessage": None}
    times = {"createdAt": now, "updatedAt": now, "next": {"id": step_id, "step": "start", "dueAt": now}}
    return {**fields, **request.model_dump(), **times}


def find_job(job_id: str, user_id: ObjectId, store: Any) -> Job:
    """Return the user's job; if its video has an `s3://` URL, with a presigned URL from the S3 client `store`.

    The presigned URL is valid for 15 minutes.

    Raises:
        NotFoundError: If the job does not exist or belongs to another user.
        bson.errors.InvalidId: If `job_id` is not an ObjectId.
        PyMongoError: If MongoDB does not respond.
    """
    document = jobs.find_one({"_id": ObjectId(job_id)})
    if document is None or document["userId"] != user_id:
        raise NotFoundError
    if (document["videoUrl"] or "").startswith("s3://"):
        place = urlsplit(document["videoUrl"])
        parameters = {"Bucket": place.netloc, "Key": place.path[1:]}
        document["videoUrl"] = store.generate_presigned_url("get_object", Params=parameters, ExpiresIn=900)
    return Job.model_validate({**document, "jobId": job_id})
