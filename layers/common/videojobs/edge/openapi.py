"""The API's document, OpenAPI 3.1, made of the models, the answers and the error table that the functions run on.

`python -m videojobs.edge.openapi > docs/openapi.json`; no function imports it.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

from videojobs.domain import errors
from videojobs.domain.errors import ErrorCode, ErrorDetail, RateLimited, Unavailable, ValidationFailed, VideoJobsError
from videojobs.domain.job import AspectRatio, JobId, JobStatus, Style, UserId, VideoJob
from videojobs.edge.errors import STATUS_OF, ErrorEnvelope, answer_error
from videojobs.edge.idempotency import HEADER, MAXIMUM_LENGTH
from videojobs.edge.resolver import EXPOSED_HEADERS, JSON, SECURITY_HEADERS
from videojobs.edge.schemas import GenerateRequest
from videojobs.edge.views import AcceptedEnvelope, VideoJobEnvelope, show_accepted, show_job

type Json = dict[str, Any]

_REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
_OBJECT_ID: Json = {"type": "string", "pattern": "^[0-9a-f]{24}$", "examples": ["665f1f77bcf86cd799439011"]}
_TIME: Json = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "ISO 8601 in UTC with milliseconds.",
}
_REFINEMENTS: Mapping[str, Mapping[str, Json]] = {
    "AcceptedData": {
        "jobId": {**_OBJECT_ID, "description": "Ask for it at `/api/videos/{jobId}`."},
        "status": {"const": JobStatus.QUEUED.value},
    },
    "VideoJobData": {
        "jobId": _OBJECT_ID,
        "status": {
            "enum": [status.value for status in JobStatus],
            "description": "`queued` → `processing` → `completed` (with `videoUrl`) or `failed` (with `errorMessage`).",
        },
        "videoUrl": {"description": "Plays for some minutes: ask again for a fresh one. Null until completed."},
        "errorMessage": {"description": "Words for the user. Null unless failed."},
        "style": {"description": f"One of {', '.join(Style)}; old jobs may have others, or none."},
        "duration": {"description": "Seconds, as they were asked for."},
        "aspectRatio": {"description": f"One of {', '.join(AspectRatio)}; old jobs may have others, or none."},
        "createdAt": _TIME,
        "updatedAt": _TIME,
        "progress": {"minimum": 0, "maximum": 1, "description": "How much is done, 0 to 1. Null until processing."},
        "posterUrl": {"description": "A still, as JPEG. Null until completed, and where a provider makes no pixels."},
    },
    "ErrorData": {
        "code": {"enum": [code.value for code in ErrorCode], "description": "For programs; stable."},
        "message": {"description": "For people."},
        "details": {"description": "What to change in the request; empty unless the code is VALIDATION_ERROR."},
    },
    "DetailData": {"field": {"description": "The field's name, or `body` for the whole.", "examples": ["duration"]}},
    "ErrorEnvelope": {"requestId": {"description": "Quote it when asking for help."}},
}
"""What the types of the answers can't say, by schema and field."""

_HEADERS: Mapping[str, Json] = {
    "Location": {"description": "Where to follow the job.", "schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "Idempotent-Replayed": {
        "description": "The job is an earlier one of the same key.",
        "schema": {"type": "string", "const": "true"},
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
_ON_EVERY_ANSWER = [name for name in _HEADERS if name not in {"Location", "Retry-After", "Idempotent-Replayed"}]

_ERRORS: Sequence[VideoJobsError] = (
    ValidationFailed([ErrorDetail("duration", str(GenerateRequest.model_fields["duration"].description))]),
    errors.TokenMissing(),
    errors.TokenInvalid(),
    errors.TokenExpired(),
    errors.CrossSiteRequest(),
    errors.JobForbidden(),
    errors.JobNotFound(),
    errors.BodyTooLarge(),
    errors.UnsupportedMediaType(),
    errors.IdempotencyMismatch(),
    RateLimited(),
    errors.VideoJobsError(),
    errors.Unavailable(),
)
"""What a caller may be told."""
_ON_GENERATE = (400, 401, 403, 413, 415, 422, 429, 500, 503)
_ON_STATUS = (401, 403, 404, 429, 500, 503)


def build_document() -> Json:
    """The whole document; the same at every run."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video Jobs",
            "version": "1.0.0",
            "summary": "A prompt becomes a video, asynchronously.",
            "description": "Post a prompt, get a job's id at once, follow the job, play the video.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"session": []}],
        "tags": [{"name": "videos", "description": "Video jobs, each its owner's alone."}],
        "paths": {"/api/videos/generate": {"post": _generate()}, "/api/videos/{jobId}": {"get": _status()}},
        "components": {
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "token",
                    "description": "The platform's JWT (HS256; claims `userId` and `exp`), in an HTTP-only cookie.",
                }
            },
            "headers": dict(_HEADERS),
            "responses": _error_answers(),
            "schemas": _schemas(),
        },
    }


def _generate() -> Json:
    body = {"schema": _ref("GenerateRequest"), "examples": {"calm": {"value": _example_request()}}}
    examples = {"queued": show_accepted(_example_job(JobStatus.QUEUED))}
    return {
        "operationId": "generateVideo",
        "tags": ["videos"],
        "summary": "Ask for a video",
        "description": "Takes the job on and answers at once. Other origins than our own must be allow-listed.",
        "parameters": [
            {
                "name": HEADER,
                "in": "header",
                "description": "Your own name for this request: a repeat within 24 h makes no second job.",
                "schema": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_LENGTH, "pattern": "^[ -~]+$"},
            }
        ],
        "requestBody": {"required": True, "content": {JSON: body}},
        "responses": {
            "201": {
                **_answer("The job is queued.", "AcceptedEnvelope", examples, "Location", "Idempotent-Replayed"),
                "links": {"follow": {"operationId": "getVideo", "parameters": {"jobId": "$response.body#/data/jobId"}}},
            },
            **_error_refs(_ON_GENERATE),
        },
    }


def _status() -> Json:
    examples = {
        status.value: show_job(_example_job(status), sign=lambda _: "https://videos.example.com/a.mp4?signature=…")
        for status in JobStatus
    }
    return {
        "operationId": "getVideo",
        "tags": ["videos"],
        "summary": "Follow a video job",
        "description": "How the job stands. An id that is no id is an unknown one: 404.",
        "parameters": [
            {
                "name": "jobId",
                "in": "path",
                "required": True,
                "description": "As `generateVideo` gave it.",
                "schema": {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"},
            }
        ],
        "responses": {
            "200": _answer("The job as it stands.", "VideoJobEnvelope", examples),
            **_error_refs(_ON_STATUS),
        },
    }


def _error_refs(statuses: Iterable[int]) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{_name(HTTPStatus(status))}"} for status in statuses}


def _error_answers() -> Json:
    by_status: dict[HTTPStatus, list[VideoJobsError]] = {}
    for error in _ERRORS:
        by_status.setdefault(STATUS_OF[type(error)], []).append(error)
    return {_name(status): _error_answer(status, alike) for status, alike in sorted(by_status.items())}


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _error_answer(status: HTTPStatus, alike: Sequence[VideoJobsError]) -> Json:
    codes = sorted({error.code.value for error in alike})
    has_details = any(isinstance(error, ValidationFailed) for error in alike)
    narrowed = {"code": {"enum": codes}, "details": {"minItems": 1} if has_details else {"maxItems": 0}}
    waits = any(isinstance(error, Unavailable | RateLimited) for error in alike)
    examples = {type(error).__name__: answer_error(error, _REQUEST_ID).body for error in alike}
    answer = _answer(
        f"{status.phrase}: {', '.join(codes)}.", "ErrorEnvelope", examples, *(["Retry-After"] if waits else [])
    )
    schema = {"allOf": [_ref("ErrorEnvelope"), {"properties": {"error": {"properties": narrowed}}}]}
    answer["content"][JSON]["schema"] = schema
    return answer


def _answer(description: str, schema: str, examples: Mapping[str, object], *headers: str) -> Json:
    return {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (*headers, *_ON_EVERY_ANSWER)},
        "content": {
            JSON: {
                "schema": _ref(schema),
                "examples": {name: {"value": value} for name, value in examples.items()},
            }
        },
    }


def _schemas() -> Json:
    roots = (GenerateRequest, AcceptedEnvelope, VideoJobEnvelope, ErrorEnvelope)
    _, made = TypeAdapter.json_schemas(
        [(root.__name__, "validation", TypeAdapter(root)) for root in roots],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = made["$defs"]
    for name, schema in schemas.items():
        for field, content in schema.get("properties", {}).items():
            content.pop("title", None)
            content.update(_REFINEMENTS.get(name, {}).get(field, {}))
    return schemas


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def _example_request() -> Json:
    return {field.alias or name: (field.examples or [None])[0] for name, field in GenerateRequest.model_fields.items()}


def _example_job(status: JobStatus) -> VideoJob:
    request = GenerateRequest.model_validate(_example_request())
    at = datetime(2026, 1, 8, 10, tzinfo=UTC)
    return VideoJob(
        id=JobId(str(_OBJECT_ID["examples"][0])),
        user_id=UserId("507f191e810c19729de860ea"),
        prompt=request.prompt,
        style=request.style,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio,
        status=status,
        created_at=at,
        updated_at=at,
        video_url="s3://videos/a.mp4" if status is JobStatus.COMPLETED else None,
        error_message="The video provider does not answer." if status is JobStatus.FAILED else None,
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(build_document(), indent=2, ensure_ascii=False) + "\n")
