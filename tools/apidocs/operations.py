"""The document's operations: what each call takes, and how it is answered."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tools.apidocs import examples
from tools.apidocs.answers import answer_with, answer_without_body, error_responses, pollable
from tools.apidocs.examples import BATCH, COUNTS, CURSOR, example_jobs, show_example, sign_example
from tools.apidocs.links import OF_A_BATCH, OF_A_JOB, with_links
from tools.apidocs.schemas import CURSOR_PATTERN, Json, refer_to
from videojobs.api.idempotency import HEADER, MAXIMUM_LENGTH
from videojobs.api.query import DEFAULT_LIMIT, LIST_PARAMETERS, MAXIMUM_LIMIT
from videojobs.api.resolver import JSON
from videojobs.api.views import (
    serialize_accepted,
    serialize_accepted_batch,
    serialize_batch,
    serialize_callback,
    serialize_erasure,
    serialize_jobs,
    serialize_ticket,
)
from videojobs.domain.job import JobStatus
from videojobs.ports.callbacks import CALLBACK_PROVIDERS

_OUTAGES = (429, 500, 503)
_ON_NEW = (400, 401, 403, 413, 415, 422, *_OUTAGES)
_ON_READ = (401, 403, 404, *_OUTAGES)
_ON_CHANGE = (400, 401, 403, 404, 409, 413, 415, *_OUTAGES)
_ON_201 = ("Location", "Idempotent-Replayed")
_ANY_ID = "^[0-9a-fA-F]{24}$"


def generate_operation() -> Json:
    """`POST /api/videos/generate`."""
    accepted = serialize_accepted(example_jobs()[JobStatus.QUEUED])
    return {
        "description": "Takes the job on and answers at once. Other origins than our own must be allow-listed.",
        "parameters": [_idempotency_key()],
        "requestBody": _body("GenerateRequest", {"calm": examples.example_request()}),
        "responses": {
            "201": with_links(
                answer_with("The job is queued.", "AcceptedEnvelope", {"queued": accepted}, *_ON_201), *OF_A_JOB
            ),
            **error_responses(*_ON_NEW),
        },
    }


def batch_operation() -> Json:
    """`POST /api/videos/batch`."""
    accepted = serialize_accepted_batch(BATCH)
    return {
        "description": "Takes all of the jobs on, or none. It counts as one call. A body of up to 1 MiB.",
        "parameters": [_idempotency_key()],
        "requestBody": _body("BatchRequest", {"two": examples.example_batch()}),
        "responses": {
            "201": with_links(
                answer_with("The jobs are queued.", "BatchAcceptedEnvelope", {"queued": accepted}, *_ON_201),
                *OF_A_BATCH,
            ),
            **error_responses(*_ON_NEW),
        },
    }


def list_operation() -> Json:
    """`GET /api/videos`."""
    schemas: dict[str, Json] = {
        "status": {"enum": [status.value for status in JobStatus]},
        "limit": {"type": "integer", "minimum": 1, "maximum": MAXIMUM_LIMIT, "default": DEFAULT_LIMIT},
        "cursor": {"type": "string", "pattern": CURSOR_PATTERN},
        "batchId": {"type": "string", "pattern": _ANY_ID},
    }
    pages = {
        "first": serialize_jobs(list(example_jobs().values()), CURSOR, sign=sign_example),
        "nothing": serialize_jobs([], None, sign=sign_example),
    }
    return {
        "description": (
            "Your jobs, the newest first. Jobs that are added meanwhile move none from one page to another. An "
            "unknown parameter is refused."
        ),
        "parameters": [
            {"name": name, "in": "query", "description": rule, "schema": schemas[name]}
            for name, rule in LIST_PARAMETERS.items()
        ],
        "responses": {
            "200": answer_with("A page of them.", "VideoJobListEnvelope", pages, "Link"),
            **error_responses(400, 401, *_OUTAGES),
        },
    }


def status_operation() -> Json:
    """`GET /api/videos/{jobId}`."""
    shown = {status.value: show_example(status) for status in JobStatus}
    headers = ("ETag", "Retry-After")
    return {
        "description": (
            "How the job stands. Until it has ended, Retry-After says when to ask again. An id that is no id is "
            "an unknown one: 404."
        ),
        "parameters": [
            _id("jobId", "As `generateVideo` gave it."),
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of what you have, or several.",
                "schema": {"type": "string"},
            },
        ],
        "responses": {
            "200": pollable(answer_with("The job as it stands.", "VideoJobEnvelope", shown, *headers)),
            "304": pollable(answer_without_body("What you have is how it stands; its URLs still work.", *headers)),
            **error_responses(*_ON_READ),
        },
    }


def cancel_operation() -> Json:
    """`POST /api/videos/{jobId}/cancel`."""
    shown = {"cancelled": show_example(JobStatus.CANCELLED)}
    cancelled = answer_with("The job, cancelled.", "VideoJobEnvelope", shown)
    return {
        "description": (
            "Ends a job that is queued or processing; one that is cancelled already is answered alike. 409 when "
            "it has ended otherwise: of a cancellation and an end at the same moment one wins, and the answer "
            "says which."
        ),
        "parameters": [_id("jobId")],
        "responses": {
            "200": with_links(cancelled, "follow", "retry", "delete"),
            **error_responses(*_ON_CHANGE),
        },
    }


def retry_operation() -> Json:
    """`POST /api/videos/{jobId}/retry`."""
    queued = answer_with(
        "The job, queued again.", "VideoJobEnvelope", {"queued": show_example(JobStatus.QUEUED)}, "Retry-After"
    )
    return {
        "description": ("Queues a job anew that failed or was cancelled; 409 otherwise. Counts like `generateVideo`."),
        "parameters": [_id("jobId")],
        "responses": {
            "200": with_links(queued, "follow", "cancel"),
            **error_responses(*_ON_CHANGE),
        },
    }


def delete_operation() -> Json:
    """`DELETE /api/videos/{jobId}`."""
    return {
        "description": "Removes an ended job and its files; 409 while it runs.",
        "parameters": [_id("jobId")],
        "responses": {"204": answer_without_body("It is gone."), **error_responses(*_ON_CHANGE)},
    }


def content_operation() -> Json:
    """`GET /api/videos/{jobId}/content`."""
    return {
        "description": (
            "Leads to the video itself, at an address that works for some minutes: fit for a link, or a player's "
            "source. 409 while there is none."
        ),
        "parameters": [
            _id("jobId"),
            {
                "name": "download",
                "in": "query",
                "description": "Save it, under a name made of the prompt. Takes no value.",
                "allowEmptyValue": True,
                "schema": {"enum": ["", "1", "true"]},
            },
        ],
        "responses": {
            "302": answer_without_body("There it is.", "Location"),
            **error_responses(400, 401, 403, 404, 409, *_OUTAGES),
        },
    }


def count_operation() -> Json:
    """`GET /api/batches/{batchId}`."""
    return {
        "description": "How many of its jobs have each status.",
        "parameters": [_id("batchId", "As `generateBatch` gave it.")],
        "responses": {
            "200": answer_with("The batch, counted.", "BatchEnvelope", {"half": serialize_batch(BATCH, COUNTS)}),
            **error_responses(*_ON_READ),
        },
    }


def erase_operation() -> Json:
    """`DELETE /api/users/me/videos`."""
    going_on = {"erasing": serialize_erasure()}
    return {
        "description": "Cancels what runs, and removes every job of yours with its files, and every batch.",
        "responses": {
            "202": answer_with("It is much: the rest is removed within minutes.", "ErasureEnvelope", going_on),
            "204": answer_without_body("All is gone."),
            **error_responses(400, 401, 403, 413, 415, *_OUTAGES),
        },
    }


def ticket_operation() -> Json:
    """`POST /api/realtime/ticket`."""
    fresh = serialize_ticket("gq1Yk0…", datetime(2026, 1, 8, 10, 0, 30, tzinfo=UTC))
    return {
        "description": "For clients whose WebSocket the session cookie doesn't reach. It works once, within 30 s.",
        "responses": {
            "201": answer_with("A ticket.", "TicketEnvelope", {"fresh": fresh}),
            **error_responses(400, 401, 403, 413, 415, *_OUTAGES),
        },
    }


def callback_operation() -> Json:
    """`POST /api/providers/{provider}/callback`."""
    named = {"name": "provider", "in": "path", "required": True, "description": "Who calls."}
    job = {"name": "job", "in": "query", "description": "The job that it is about, as its submit said."}
    return {
        "description": (
            "For AI providers that call back, with a signature of their own; no session. It is a hint to ask the "
            "provider, and may be repeated. A body of up to 1 MiB."
        ),
        "security": [],
        "parameters": [
            named | {"schema": {"enum": list(CALLBACK_PROVIDERS)}},
            job | {"schema": {"type": "string", "pattern": _ANY_ID}},
        ],
        "requestBody": {
            "required": True,
            "description": "As the provider says it.",
            "content": {JSON: {"schema": {"type": "object"}, "examples": {"any": {"value": {"id": "of-a-task"}}}}},
        },
        "responses": {
            "200": answer_with(
                "Heard, though no job may wait for it.", "CallbackEnvelope", {"heard": serialize_callback()}
            ),
            **error_responses(400, 401, 404, 413, *_OUTAGES),
        },
    }


def _id(name: str, description: str = "Of the job.") -> Json:
    schema = {"type": "string", "pattern": _ANY_ID}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _idempotency_key() -> Json:
    return {
        "name": HEADER,
        "in": "header",
        "description": "Your own name for this request: a repeat within 24 h makes nothing twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_LENGTH, "pattern": "^[ -~]+$"},
    }


def _body(schema: str, shown: Json) -> Json:
    content = {"schema": refer_to(schema), "examples": {name: {"value": value} for name, value in shown.items()}}
    return {"required": True, "content": {JSON: content}}


OPERATIONS: Mapping[str, Callable[[], Json]] = {
    "generateVideo": generate_operation,
    "generateBatch": batch_operation,
    "listVideos": list_operation,
    "getVideo": status_operation,
    "cancelVideo": cancel_operation,
    "retryVideo": retry_operation,
    "deleteVideo": delete_operation,
    "getContent": content_operation,
    "countBatch": count_operation,
    "eraseVideos": erase_operation,
    "makeTicket": ticket_operation,
    "noteCallback": callback_operation,
}
"""What the document says of each operation beside its route: by operation ID."""
