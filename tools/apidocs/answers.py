"""The document's answers: their headers, and every error of the table that a caller may meet."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from tools.apidocs.examples import REQUEST_ID
from tools.apidocs.schemas import Json, refer_to
from videojobs.api.errors import STATUS_OF, answer_error
from videojobs.api.resolver import EXPOSED_HEADERS, JSON, SECURITY_HEADERS
from videojobs.api.schemas import GenerateRequest
from videojobs.domain import errors
from videojobs.domain.errors import ErrorDetail, RateLimited, Unavailable, ValidationFailed, VideoJobsError

_SOMETIMES: Mapping[str, Json] = {
    "Location": {"description": "Where to go from here.", "schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "Idempotent-Replayed": {
        "description": "What you see is an earlier request's of the same key.",
        "schema": {"type": "string", "const": "true"},
    },
    "Link": {
        "description": "The next page, where there is one (RFC 8288).",
        "schema": {"type": "string", "pattern": '^<[^>]+>; rel="next"$'},
    },
    "ETag": {
        "description": "Names what you see, presigned URLs included: send it back in If-None-Match.",
        "schema": {"type": "string", "pattern": '^W/"[0-9a-f]{32}"$'},
    },
    "Polling-Cache-Control": {"schema": {"type": "string", "const": "private, no-cache"}},
}
_ALWAYS: Mapping[str, Json] = {
    "RateLimit-Policy": {
        "description": "On each call that was counted: so many calls (q) in so many seconds (w).",
        "schema": {"type": "string", "pattern": r'^"(generate|read)";q=\d+;w=\d+$'},
    },
    "RateLimit": {
        "description": "On each call that was counted: so many are left (r), and more of them in so many seconds (t).",
        "schema": {"type": "string", "pattern": r'^"(generate|read)";r=\d+;t=\d+$'},
    },
    "Access-Control-Allow-Origin": {
        "description": "The caller's origin, where it is allow-listed.",
        "schema": {"type": "string"},
    },
    "Access-Control-Allow-Credentials": {
        "description": "With an allow-listed origin.",
        "schema": {"type": "string", "const": "true"},
    },
    "Access-Control-Expose-Headers": {
        "description": "With an allow-listed origin.",
        "schema": {"type": "string", "const": EXPOSED_HEADERS},
    },
    **{name: {"schema": {"type": "string", "const": value}} for name, value in SECURITY_HEADERS.items()},
}
HEADERS = {**_SOMETIMES, **_ALWAYS}
"""Those that some answers have, and those that all have or may have."""

_ERRORS: Sequence[VideoJobsError] = (
    ValidationFailed([ErrorDetail("duration", str(GenerateRequest.model_fields["duration"].description))]),
    errors.TokenMissing(),
    errors.TokenInvalid(),
    errors.TokenExpired(),
    errors.CallbackRefused(),
    errors.CrossSiteRequest(),
    errors.JobForbidden(),
    errors.BatchForbidden(),
    errors.PriorityForbidden(),
    errors.JobNotFound(),
    errors.BatchNotFound(),
    errors.JobConflict("This video job has completed already; it can't be cancelled any more."),
    errors.BodyTooLarge(),
    errors.UnsupportedMediaType(),
    errors.IdempotencyMismatch(),
    RateLimited(),
    errors.VideoJobsError(),
    errors.Unavailable(),
)
"""What a caller may be told."""


def answer_with(description: str, schema: str, examples: Mapping[str, object], *headers: str) -> Json:
    """An answer with a body of that schema."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return answer_without_body(description, *headers) | {
        "content": {JSON: {"schema": refer_to(schema), "examples": shown}}
    }


def answer_without_body(description: str, *headers: str) -> Json:
    """An answer that its status and headers say all of."""
    named = {name: name for name in (*headers, *_ALWAYS)}
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{header}"} for name, header in named.items()},
    }


def pollable(answer: Json) -> Json:
    """The same answer, which a browser may keep and ask about again."""
    reference = {"Cache-Control": {"$ref": "#/components/headers/Polling-Cache-Control"}}
    return answer | {"headers": answer["headers"] | reference}


def error_responses(*statuses: int) -> Json:
    """Where these errors are described."""
    named = {status: _name(HTTPStatus(status)) for status in statuses}
    return {str(status): {"$ref": f"#/components/responses/{name}"} for status, name in named.items()}


def error_answers() -> Json:
    """The errors, by their status' name."""
    by_status: dict[HTTPStatus, list[VideoJobsError]] = {}
    for error in _ERRORS:
        by_status.setdefault(STATUS_OF[type(error)], []).append(error)
    return {_name(status): _error_answer(status, alike) for status, alike in sorted(by_status.items())}


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _error_answer(status: HTTPStatus, alike: Iterable[VideoJobsError]) -> Json:
    alike = list(alike)
    codes = sorted({error.code.value for error in alike})
    has_details = any(isinstance(error, ValidationFailed) for error in alike)
    narrowed = {"code": {"enum": codes}, "details": {"minItems": 1} if has_details else {"maxItems": 0}}
    waits = any(isinstance(error, Unavailable | RateLimited) for error in alike)
    examples = {type(error).__name__: answer_error(error, REQUEST_ID).body for error in alike}
    headers = ["Retry-After"] if waits else []
    answer = answer_with(f"{status.phrase}: {', '.join(codes)}.", "ErrorEnvelope", examples, *headers)
    schema = {"allOf": [refer_to("ErrorEnvelope"), {"properties": {"error": {"properties": narrowed}}}]}
    answer["content"][JSON]["schema"] = schema
    return answer
