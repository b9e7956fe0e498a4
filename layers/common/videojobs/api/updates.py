"""What goes out over a live connection, and to webhooks: a change, a sign of life, or what was wrong."""

from collections.abc import Callable
from typing import Literal, TypedDict

from videojobs.api.envelopes import VideoJobData
from videojobs.api.errors import answer_error
from videojobs.api.views import serialize_job
from videojobs.ports.changes import Change


class JobUpdated(TypedDict):
    """A job as `GET` shows it. Of two updates of one job the one with the higher `version` is newer."""

    type: Literal["job.updated"]
    id: str
    jobId: str
    version: int
    data: VideoJobData


class Pong(TypedDict):
    """The answer to a ping."""

    type: Literal["pong"]


class ErrorMessage(TypedDict):
    """Why a message was not understood or not heeded; the connection lives on."""

    type: Literal["error"]
    code: str
    message: str


PONG: Pong = {"type": "pong"}


def serialize_update(change: Change, *, sign: Callable[[str], str]) -> JobUpdated:
    """The change as a message; `sign` as in `serialize_job`."""
    job = change.job
    data = serialize_job(job, sign=sign)["data"]
    return {"type": "job.updated", "id": change.id, "jobId": job.id, "version": job.version, "data": data}


def serialize_error(error: Exception) -> ErrorMessage:
    """An error in the words that HTTP would have for it."""
    told = answer_error(error, "").body["error"]
    details = " ".join(f"{detail['field']}: {detail['message']}" for detail in told["details"])
    return {"type": "error", "code": told["code"], "message": details or told["message"]}
