"""Messages to clients of a live connection: updates of jobs, pongs and errors."""

from typing import Literal, TypedDict

from videojobs.api.envelopes import VideoJobData
from videojobs.api.errors import answer_error
from videojobs.api.views import Sign, serialize_job
from videojobs.ports.changes import Change


class JobUpdated(TypedDict):
    """A job as `GET` returns it, but without `queuePosition`. The update with the higher `version` is newer."""

    type: Literal["job.updated"]
    id: str
    jobId: str
    version: int
    data: VideoJobData


class Pong(TypedDict):
    """The response to a ping."""

    type: Literal["pong"]


class ErrorMessage(TypedDict):
    """The reason why a message was refused. The connection stays open."""

    type: Literal["error"]
    code: str
    message: str


PONG: Pong = {"type": "pong"}


def serialize_update(change: Change, *, sign: Sign) -> JobUpdated:
    """Return the change as a message. `sign` makes a presigned URL of an `s3://` URL; its errors are raised."""
    job = change.job
    data = serialize_job(job, sign=sign, estimate=change.estimate)["data"]
    return {"type": "job.updated", "id": change.id, "jobId": job.id, "version": job.version, "data": data}


def serialize_error(error: Exception) -> ErrorMessage:
    """Return the error as a message, with the code and text of the HTTP API; details replace the text."""
    body = answer_error(error, "").body["error"]
    details = " ".join(f"{detail['field']}: {detail['message']}" for detail in body["details"])
    return {"type": "error", "code": body["code"], "message": details or body["message"]}
