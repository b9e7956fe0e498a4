"""The operations of the OpenAPI document: their parameters, bodies and responses."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tools.apidocs import examples
from tools.apidocs.answers import (
    answer_with,
    answer_without_body,
    error_responses,
    error_responses_without_body,
    pollable,
)
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
    """Return the OpenAPI description of `POST /api/videos/generate`."""
    accepted = serialize_accepted(example_jobs()[JobStatus.QUEUED])
    return {
        "description": "Queues a job and returns its ID. Requests of pages on other origins are refused unless the "
        "origin is allowed.",
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
    """Return the OpenAPI description of `POST /api/videos/batch`."""
    accepted = serialize_accepted_batch(BATCH)
    return {
        "description": "Queues all of the jobs, or none. Counts as one request. The body can have up to 1 MiB.",
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
    """Return the OpenAPI description of `GET /api/videos`."""
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
            "Lists your jobs, newest first. Jobs that are added between two requests do not shift the pages. Unknown "
            "parameters are refused."
        ),
        "parameters": [
            {"name": name, "in": "query", "description": rule, "schema": schemas[name]}
            for name, rule in LIST_PARAMETERS.items()
        ],
        "responses": {
            "200": answer_with("A page of jobs.", "VideoJobListEnvelope", pages, "Link"),
            **error_responses(400, 401, *_OUTAGES),
        },
    }


def status_operation() -> Json:
    """Return the OpenAPI description of `GET /api/videos/{jobId}`."""
    examples_by_name = {status.value: show_example(status) for status in JobStatus}
    headers = ("ETag", "Retry-After")
    return {
        "description": (
            "Returns a job. Until the job has ended, Retry-After contains the polling interval. A malformed ID is "
            "treated as an unknown one (404)."
        ),
        "parameters": [
            _id("jobId", "The job ID that `generateVideo` returned."),
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of the response that you have, or several ETags.",
                "schema": {"type": "string"},
            },
        ],
        "responses": {
            "200": pollable(answer_with("The job.", "VideoJobEnvelope", examples_by_name, *headers)),
            "304": pollable(
                answer_without_body("The job has not changed, and its presigned URLs are still valid.", *headers)
            ),
            **error_responses(*_ON_READ),
        },
    }


def head_status_operation() -> Json:
    """Return the description of `HEAD /api/videos/{jobId}`."""
    headers = ("ETag", "Retry-After")
    return {
        "description": "Returns the headers of `getVideo`.",
        "parameters": status_operation()["parameters"],
        "responses": {
            "200": pollable(answer_without_body("The job exists.", *headers)),
            "304": status_operation()["responses"]["304"],
            **error_responses_without_body(*_ON_READ),
        },
    }


def cancel_operation() -> Json:
    """Return the OpenAPI description of `POST /api/videos/{jobId}/cancel`."""
    examples_by_name = {"cancelled": show_example(JobStatus.CANCELLED)}
    cancelled = answer_with("The cancelled job.", "VideoJobEnvelope", examples_by_name)
    return {
        "description": (
            "Cancels a queued or processing job. Idempotent. Returns 409 if the job has completed or failed, also if "
            "that happens at the same moment."
        ),
        "parameters": [_id("jobId")],
        "responses": {
            "200": with_links(cancelled, "follow", "retry", "delete"),
            **error_responses(*_ON_CHANGE),
        },
    }


def retry_operation() -> Json:
    """Return the OpenAPI description of `POST /api/videos/{jobId}/retry`."""
    queued = answer_with(
        "The job, queued again.", "VideoJobEnvelope", {"queued": show_example(JobStatus.QUEUED)}, "Retry-After"
    )
    return {
        "description": (
            "Queues a failed or cancelled job again, else returns 409. Counts towards the limit of `generateVideo`. "
            "The rights of the current session apply: returns 403 if the job has high priority and the session lacks "
            "it, and 400 if the request of the job chose a provider that can no longer be chosen."
        ),
        "parameters": [_id("jobId")],
        "responses": {
            "200": with_links(queued, "follow", "cancel"),
            **error_responses(*_ON_CHANGE),
        },
    }


def delete_operation() -> Json:
    """Return the OpenAPI description of `DELETE /api/videos/{jobId}`."""
    return {
        "description": "Deletes an ended job and its files. Returns 409 while the job is queued or processing.",
        "parameters": [_id("jobId")],
        "responses": {"204": answer_without_body("The job is deleted."), **error_responses(*_ON_CHANGE)},
    }


def content_operation() -> Json:
    """Return the OpenAPI description of `GET /api/videos/{jobId}/content`."""
    return {
        "description": (
            "Redirects to a presigned URL of the video that is valid for some minutes. Use it as a link or as the "
            "source of a player. Returns 409 if there is no video."
        ),
        "parameters": [
            _id("jobId"),
            {
                "name": "download",
                "in": "query",
                "description": "Saves the video under a file name made from the prompt. Takes no value.",
                "allowEmptyValue": True,
                "schema": {"enum": ["", "1", "true"]},
            },
        ],
        "responses": {
            "302": answer_without_body("A redirect to the video.", "Location"),
            **error_responses(400, 401, 403, 404, 409, *_OUTAGES),
        },
    }


def head_content_operation() -> Json:
    """Return the description of `HEAD /api/videos/{jobId}/content`."""
    return {
        "description": "Redirects to a presigned URL that is valid for HEAD only and returns the size of the video.",
        "parameters": content_operation()["parameters"],
        "responses": {
            "302": content_operation()["responses"]["302"],
            **error_responses_without_body(400, 401, 403, 404, 409, *_OUTAGES),
        },
    }


def count_operation() -> Json:
    """Return the OpenAPI description of `GET /api/batches/{batchId}`."""
    return {
        "description": "Returns the number of the batch's jobs in each status.",
        "parameters": [_id("batchId", "The batch ID that `generateBatch` returned.")],
        "responses": {
            "200": answer_with("The batch.", "BatchEnvelope", {"half": serialize_batch(BATCH, COUNTS)}),
            **error_responses(*_ON_READ),
        },
    }


def erase_operation() -> Json:
    """Return the OpenAPI description of `DELETE /api/users/me/videos`."""
    erasing = {"erasing": serialize_erasure()}
    return {
        "description": "Cancels your active jobs, and deletes all of your jobs with their "
        "files and all of your batches.",
        "responses": {
            "202": answer_with(
                "The erasure continues in the background and takes some minutes.", "ErasureEnvelope", erasing
            ),
            "204": answer_without_body("Everything is deleted."),
            **error_responses(400, 401, 403, 413, 415, *_OUTAGES),
        },
    }


def ticket_operation() -> Json:
    """Return the OpenAPI description of `POST /api/realtime/ticket`."""
    fresh = serialize_ticket("gq1Yk0…", datetime(2026, 1, 8, 10, 0, 30, tzinfo=UTC))
    return {
        "description": "Creates a ticket for clients whose WebSocket can't send the session "
        "cookie. It is valid once, for 30 s.",
        "responses": {
            "201": answer_with("The ticket.", "TicketEnvelope", {"fresh": fresh}),
            **error_responses(400, 401, 403, 413, 415, *_OUTAGES),
        },
    }


def callback_operation() -> Json:
    """Return the OpenAPI description of `POST /api/providers/{provider}/callback`."""
    provider = {
        "name": "provider",
        "in": "path",
        "required": True,
        "description": "The provider that sends the callback.",
    }
    job = {"name": "job", "in": "query", "description": "The job ID from the callback URL of the submit."}
    return {
        "description": (
            "Accepts a callback of an AI provider, authenticated by the provider's signature instead of a session. It "
            "triggers a poll of the provider and may be repeated. A provider that the deployment does not use is not "
            "found (404). The body can have up to 1 MiB."
        ),
        "security": [],
        "parameters": [
            provider | {"schema": {"enum": list(CALLBACK_PROVIDERS)}},
            job | {"schema": {"type": "string", "pattern": _ANY_ID}},
        ],
        "requestBody": {
            "required": True,
            "description": "A body in the format of the provider.",
            "content": {JSON: {"schema": {"type": "object"}, "examples": {"any": {"value": {"id": "of-a-task"}}}}},
        },
        "responses": {
            "200": answer_with(
                "The callback is accepted. The response is the same if no job waits for it.",
                "CallbackEnvelope",
                {"heard": serialize_callback()},
            ),
            **error_responses(400, 401, 404, 413, *_OUTAGES),
        },
    }


def _id(name: str, description: str = "The ID of the job.") -> Json:
    schema = {"type": "string", "pattern": _ANY_ID}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _idempotency_key() -> Json:
    return {
        "name": HEADER,
        "in": "header",
        "description": "A unique key for this request. A repeat with the same key within 24 "
        "hours creates nothing twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_LENGTH, "pattern": "^[ -~]+$"},
    }


def _body(schema: str, examples_by_name: Json) -> Json:
    content = {
        "schema": refer_to(schema),
        "examples": {name: {"value": value} for name, value in examples_by_name.items()},
    }
    return {"required": True, "content": {JSON: content}}


OPERATIONS: Mapping[str, Callable[[], Json]] = {
    "generateVideo": generate_operation,
    "generateBatch": batch_operation,
    "listVideos": list_operation,
    "getVideo": status_operation,
    "headVideo": head_status_operation,
    "cancelVideo": cancel_operation,
    "retryVideo": retry_operation,
    "deleteVideo": delete_operation,
    "getContent": content_operation,
    "headContent": head_content_operation,
    "countBatch": count_operation,
    "eraseVideos": erase_operation,
    "makeTicket": ticket_operation,
    "noteCallback": callback_operation,
}
"""The description of each operation by its operation ID; ID, summary and tags come from the route."""
