"""The operations of the OpenAPI document: their parameters, bodies and responses."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tools.apidocs import examples
from tools.apidocs.answers import (
    LIMIT_HEADERS,
    answer_with,
    answer_without_body,
    error_responses,
    error_responses_without_body,
)
from tools.apidocs.examples import (
    BATCH,
    COUNTS,
    CURSOR,
    example_jobs,
    example_page,
    show_example,
    show_retried,
    sign_example,
)
from tools.apidocs.links import OF_A_BATCH, OF_A_JOB, with_links
from tools.apidocs.parameters import (
    CALLBACK_JOB,
    DOWNLOAD,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    PROVIDER,
    id_parameter,
    list_parameters,
)
from tools.apidocs.schemas import Json, refer_to
from videojobs.api.offers import serialize_options, serialize_video_estimate
from videojobs.api.resolver import JSON
from videojobs.api.schemas import parse_generate
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
from videojobs.services.estimate_video import estimate_video

_RETRY: Json = {
    "type": "object",
    "properties": {"seed": {"const": "new", "description": "Chooses another seed. Omit it to keep the seed."}},
    "additionalProperties": False,
}
_OUTAGES = (429, 500, 503)
_ON_NEW = (400, 401, 403, 413, 415, 422, *_OUTAGES)
_ON_READ = (401, 403, 404, *_OUTAGES)
_ON_CHANGE = (400, 401, 403, 404, 409, 413, 415, *_OUTAGES)
_ON_201 = ("Location", "Idempotent-Replayed", *LIMIT_HEADERS)


def generate_operation() -> Json:
    """Return the OpenAPI description of `POST /api/videos/generate`."""
    accepted = serialize_accepted(example_jobs()[JobStatus.QUEUED])
    return {
        "description": "Queues a job and returns its ID. If there is no response, or the status is 503, the job may "
        "have been created: repeat the request with the same `Idempotency-Key`.",
        "parameters": [IDEMPOTENCY_KEY],
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
        "description": "Queues all of the jobs, or none. Counts as one request towards the rate limit. Repeat it with "
        "the same `Idempotency-Key` after a 503, or if there is no response.",
        "parameters": [IDEMPOTENCY_KEY],
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
    pages = {
        "first": serialize_jobs(example_page(), CURSOR, sign=sign_example),
        "empty": serialize_jobs([], None, sign=sign_example),
    }
    return {
        "description": (
            "Lists your jobs, newest first. Jobs that are added between two requests do not shift the pages. Unknown "
            "parameters are refused."
        ),
        "parameters": list_parameters(),
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
            "Returns a job. Until the job has ended, `Retry-After` contains the seconds until the next poll. Send the "
            "`ETag` of the last response in `If-None-Match` to get 304 while nothing has changed. A malformed ID is "
            "treated as an unknown one (404)."
        ),
        "parameters": [
            id_parameter("jobId", "The job ID that `generateVideo` returned."),
            IF_NONE_MATCH,
        ],
        "responses": {
            "200": answer_with("The job.", "VideoJobEnvelope", examples_by_name, *headers),
            "304": answer_without_body("The job has not changed, and its presigned URLs are still valid.", *headers),
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
            "200": answer_without_body("The job exists.", *headers),
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
        "parameters": [id_parameter("jobId")],
        "responses": {
            "200": with_links(cancelled, "follow", "retry", "delete"),
            **error_responses(*_ON_CHANGE),
        },
    }


def retry_operation() -> Json:
    """Return the OpenAPI description of `POST /api/videos/{jobId}/retry`."""
    headers = ("Retry-After", *LIMIT_HEADERS)
    queued = answer_with("The job, queued again.", "VideoJobEnvelope", {"queued": show_retried()}, *headers)
    return {
        "description": (
            "Queues a failed or cancelled job again, else returns 409. Counts towards the limit of `generateVideo`. "
            "The rights of the current session apply: returns 403 if the job has high priority and the session lacks "
            "it, and 400 if the request of the job chose a provider that can no longer be chosen. A job that was "
            "cancelled during a step stays queued until that step has ended, for up to 25 s. The job keeps its seed; "
            'the body `{"seed":"new"}` chooses another. Finished parts of a long video are kept.'
        ),
        "parameters": [id_parameter("jobId")],
        "requestBody": {
            "required": False,
            "content": {JSON: {"schema": _RETRY, "examples": {"newSeed": {"value": {"seed": "new"}}}}},
        },
        "responses": {
            "200": with_links(queued, "follow", "cancel"),
            **error_responses(*_ON_CHANGE),
        },
    }


def delete_operation() -> Json:
    """Return the OpenAPI description of `DELETE /api/videos/{jobId}`."""
    return {
        "description": "Deletes an ended job and its files. Returns 409 while the job is queued or processing.",
        "parameters": [id_parameter("jobId")],
        "responses": {"204": answer_without_body("The job is deleted."), **error_responses(*_ON_CHANGE)},
    }


def content_operation() -> Json:
    """Return the OpenAPI description of `GET /api/videos/{jobId}/content`."""
    return {
        "description": (
            "Redirects to a presigned URL of the video that is valid for some minutes. The path itself stays valid: "
            "use it as a link or as the source of a player. Each request counts towards the rate limit. Returns 409 "
            "if there is no video."
        ),
        "parameters": [id_parameter("jobId"), DOWNLOAD],
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


def get_batch_operation() -> Json:
    """Return the OpenAPI description of `GET /api/batches/{batchId}`."""
    return {
        "description": "Returns the number of the batch's jobs in each status.",
        "parameters": [id_parameter("batchId", "The batch ID that `generateBatch` returned.")],
        "responses": {
            "200": answer_with("The batch.", "BatchEnvelope", {"progress": serialize_batch(BATCH, COUNTS)}),
            **error_responses(*_ON_READ),
        },
    }


def delete_all_operation() -> Json:
    """Return the OpenAPI description of `DELETE /api/users/me/videos`."""
    erasing = {"erasing": serialize_erasure()}
    return {
        "description": "Cancels your active jobs, and deletes all of your jobs with their "
        "files and all of your batches. Repeat the request until the response is 204.",
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
    ticket = serialize_ticket("gq1Yk0…", datetime(2026, 1, 8, 10, 0, 30, tzinfo=UTC))
    return {
        "description": "Creates a ticket for clients whose WebSocket can't send the session "
        "cookie. It is valid once, for 30 s.",
        "responses": {
            "201": answer_with("The ticket.", "TicketEnvelope", {"ticket": ticket}),
            **error_responses(400, 401, 403, 413, 415, *_OUTAGES),
        },
    }


def callback_operation() -> Json:
    """Return the OpenAPI description of `POST /api/providers/{provider}/callback`."""
    accepted = answer_with(
        "The callback is accepted. The response is the same if no job waits for it.",
        "CallbackEnvelope",
        {"accepted": serialize_callback()},
    )
    return {
        "description": (
            "Not for clients: AI providers call it. Accepts a callback, authenticated by the provider's signature "
            "instead of a session. It triggers a poll of the provider and may be repeated. A provider that the "
            "deployment does not use is not found (404). The body can have up to 1 MiB."
        ),
        "x-internal": True,
        "security": [],
        "parameters": [PROVIDER, CALLBACK_JOB],
        "requestBody": {
            "required": True,
            "description": "A body in the format of the provider.",
            "content": {JSON: {"schema": {"type": "object"}, "examples": {"task": {"value": {"id": "task-1"}}}}},
        },
        "responses": {
            "200": accepted,
            **error_responses(400, 401, 404, 413, *_OUTAGES),
        },
    }


def _body(schema: str, examples_by_name: Json) -> Json:
    content = {
        "schema": refer_to(schema),
        "examples": {name: {"value": value} for name, value in examples_by_name.items()},
    }
    return {"required": True, "content": {JSON: content}}


def estimate_operation() -> Json:
    """Return the OpenAPI description of `POST /api/videos/estimate`."""
    request = parse_generate(examples.example_request())
    estimated = estimate_video(request, offers=examples.example_offers(), timings=examples.ExampleTimings())
    estimate = serialize_video_estimate(estimated)
    return {
        "description": "Returns the provider, the generations, the price and the expected time for a body of "
        "`generateVideo`. Creates nothing and costs nothing. A job gets another provider if this one is failing.",
        "requestBody": _body("GenerateRequest", {"calm": examples.example_request()}),
        "responses": {
            "200": answer_with("The estimate.", "VideoEstimateEnvelope", {"luma": estimate}),
            **error_responses(*(status for status in _ON_NEW if status != 422)),
        },
    }


def options_operation() -> Json:
    """Return the OpenAPI description of `GET /api/videos/options`."""
    options = serialize_options(examples.example_offers(), ["luma"])
    return {
        "description": "Returns the values that requests can have, and what each provider can honour at what price. "
        "The response changes only with a deployment: browsers use it for 5 minutes, and then send its `ETag`.",
        "parameters": [IF_NONE_MATCH],
        "responses": {
            "200": answer_with("The options.", "OptionsEnvelope", {"options": options}, "ETag"),
            "304": answer_without_body("The options have not changed.", "ETag"),
            **error_responses(*(status for status in _ON_READ if status != 404)),
        },
    }


OPERATIONS: Mapping[str, Callable[[], Json]] = {
    "generateVideo": generate_operation,
    "generateBatch": batch_operation,
    "estimateVideo": estimate_operation,
    "getOptions": options_operation,
    "listVideos": list_operation,
    "getVideo": status_operation,
    "headVideo": head_status_operation,
    "cancelVideo": cancel_operation,
    "retryVideo": retry_operation,
    "deleteVideo": delete_operation,
    "getVideoContent": content_operation,
    "headVideoContent": head_content_operation,
    "getBatch": get_batch_operation,
    "deleteAllVideos": delete_all_operation,
    "createLiveTicket": ticket_operation,
    "receiveProviderCallback": callback_operation,
}
"""The description of each operation by its operation ID; ID, summary and tags come from the route."""
