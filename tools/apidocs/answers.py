"""The responses of the OpenAPI document: their headers, and the errors that callers can receive."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus

from tools.apidocs.examples import REQUEST_ID
from tools.apidocs.schemas import Json, refer_to
from videojobs.api.errors import STATUS_OF, answer_error
from videojobs.api.resolver import JSON
from videojobs.api.schemas import GenerateRequest
from videojobs.domain import errors
from videojobs.domain.errors import ErrorDetail, RateLimited, Unavailable, ValidationFailed, VideoJobsError

_SOMETIMES: Mapping[str, Json] = {
    "Location": {
        "description": "The created job or batch, relative to the URL of the request, or the URL of the video.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "The number of seconds to wait before the next request.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Idempotent-Replayed": {
        "description": "Present if the response repeats that of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
    },
    "Link": {
        "description": "The next page, if there is one, relative to the URL of the request (RFC 8288).",
        "schema": {"type": "string", "pattern": '^<[^>]+>; rel="next"$'},
    },
    "ETag": {
        "description": "The version of the response, including its presigned URLs. Send it in If-None-Match.",
        "schema": {"type": "string", "pattern": '^W/"[0-9a-f]{32}"$'},
    },
}
_COUNTED: Mapping[str, Json] = {
    "RateLimit-Policy": {
        "description": "The rate limit: q requests in w seconds. Present if a request to create or retry "
        "jobs was counted.",
        "schema": {"type": "string", "pattern": r'^"generate";q=\d+;w=\d+$'},
    },
    "RateLimit": {
        "description": "The remaining requests (r), and the seconds until more are available (t). Present if a "
        "request to create or retry jobs was counted.",
        "schema": {"type": "string", "pattern": r'^"generate";r=\d+;t=\d+$'},
    },
}
HEADERS = {**_SOMETIMES, **_COUNTED}
"""The response headers that clients use."""
LIMIT_HEADERS = tuple(_COUNTED)
"""The headers of any response to a counted request that creates or retries jobs."""

_ERRORS: Sequence[VideoJobsError] = (
    ValidationFailed([ErrorDetail("duration", str(GenerateRequest.model_fields["duration"].description))]),
    errors.TokenMissing(),
    errors.TokenInvalid(),
    errors.TokenExpired(),
    errors.CallbackRefused(),
    errors.CrossSiteRequest("https://app.example.com"),
    errors.JobForbidden(),
    errors.BatchForbidden(),
    errors.PriorityForbidden(),
    errors.JobNotFound(),
    errors.BatchNotFound(),
    errors.JobConflict("This video job has already completed. It can't be cancelled any more."),
    errors.BodyTooLarge(),
    errors.UnsupportedMediaType(),
    errors.IdempotencyMismatch(),
    RateLimited(),
    errors.VideoJobsError(),
    errors.Unavailable(),
)
"""The errors that the document shows as examples."""


def answer_with(description: str, schema: str, examples: Mapping[str, object], *headers: str) -> Json:
    """Return an OpenAPI response with a JSON body of a schema, examples by their names, and the named headers."""
    named_examples = {name: {"value": value} for name, value in examples.items()}
    return answer_without_body(description, *headers) | {
        "content": {JSON: {"schema": refer_to(schema), "examples": named_examples}}
    }


def answer_without_body(description: str, *headers: str) -> Json:
    """Return an OpenAPI response that has no body, with the named headers."""
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
    }


def error_responses(*statuses: int) -> Json:
    """Return references to the error responses of these statuses, by status as text.

    Raises:
        ValueError: If a number is not an HTTP status.
    """
    names = {status: _name(HTTPStatus(status)) for status in statuses}
    return {str(status): {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}


def error_responses_without_body(*statuses: int) -> Json:
    """Return the error responses of these statuses to a HEAD request."""
    waits = {type(error) for error in _ERRORS if isinstance(error, Unavailable | RateLimited)}
    waiting = {STATUS_OF[error] for error in waits}
    return {
        str(status): answer_without_body(
            f"{HTTPStatus(status).phrase}.", *(["Retry-After"] if status in waiting else [])
        )
        for status in statuses
    }


def error_answers() -> Json:
    """Return all error responses of the document, by the names of their statuses, such as `NotFound`."""
    by_status: dict[HTTPStatus, list[VideoJobsError]] = {}
    for error in _ERRORS:
        by_status.setdefault(STATUS_OF[type(error)], []).append(error)
    return {_name(status): _error_answer(status, group) for status, group in sorted(by_status.items())}


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _error_answer(status: HTTPStatus, group: Collection[VideoJobsError]) -> Json:
    codes = ", ".join(sorted({error.code.value for error in group}))
    waits = any(isinstance(error, Unavailable | RateLimited) for error in group)
    examples = {type(error).__name__: answer_error(error, REQUEST_ID).body for error in group}
    headers = [*(["Retry-After"] if waits else []), *LIMIT_HEADERS]
    return answer_with(f"{status.phrase}, with the code {codes}.", "ErrorEnvelope", examples, *headers)
