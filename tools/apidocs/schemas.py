"""The document's schemas: those of the models, with what their types can't say."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from tools.apidocs.examples import BATCH_ID, CURSOR, JOB_ID
from videojobs.api import envelopes
from videojobs.api.body import MAXIMUM_DETAILS
from videojobs.api.errors import ErrorEnvelope
from videojobs.api.query import MAXIMUM_LIMIT
from videojobs.api.schemas import MAXIMUM_ITEMS, BatchRequest, GenerateRequest
from videojobs.domain.errors import ErrorCode
from videojobs.domain.job import JobStatus
from videojobs.domain.request import AspectRatio, Priority, Style

type Json = dict[str, Any]

ID_PATTERN = "^[0-9a-f]{24}$"
# A time from 1970 to the year 9997 and an id, as 20 bytes in base64: `api/query.py` takes each that is spelled so.
CURSOR_PATTERN = "^AA([A-C][0-9A-Za-z_-]|D[A-Za-l])[0-9A-Za-z_-]{22}[AEIMQUYcgkosw048]$"
_TIME: Json = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "ISO 8601 in UTC with milliseconds.",
}
_REFINEMENTS: Mapping[str, Mapping[str, Json]] = {
    "AcceptedData": {
        "jobId": {"pattern": ID_PATTERN, "examples": [JOB_ID], "description": "Ask for it at `/api/videos/{jobId}`."},
        "status": {"const": JobStatus.QUEUED.value},
    },
    "BatchAcceptedData": {
        "batchId": {
            "pattern": ID_PATTERN,
            "examples": [BATCH_ID],
            "description": "Ask for it at `/api/batches/{batchId}`, for its jobs at `/api/videos?batchId=`.",
        },
        "items": {"minItems": 1, "maxItems": MAXIMUM_ITEMS, "description": "The jobs, in the order of the request."},
    },
    "VideoJobData": {
        "jobId": {"pattern": ID_PATTERN, "examples": [JOB_ID]},
        "status": {
            "enum": [status.value for status in JobStatus],
            "description": "`queued` → `processing` → `completed` (with `videoUrl`) or `failed` (with `errorMessage`); "
            "`cancelled` when its owner says so; from `failed` and `cancelled` back to `queued` by a retry.",
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
        "previewUrl": {
            "description": "Two or three seconds that move, as an animated WebP under 500 kB. Null as well."
        },
        "priority": {"enum": [priority.value for priority in Priority]},
        "batchId": {"description": "The batch that it was asked for in. Null for a single video."},
        "estimatedSecondsLeft": {
            "minimum": 1,
            "description": "About, from what such jobs usually take. Null unless processing, where it is not known, "
            "and in lists.",
        },
        "queuePosition": {
            "minimum": 1,
            "description": "About how many jobs it is from its turn; 1 is next. Null unless queued, and in lists.",
        },
        "version": {
            "minimum": 0,
            "description": "Grows with each change: of two answers, or an answer and a message, the higher is newer.",
        },
        "provider": {"description": "The one that the request asked for. Null where it named none."},
        "promptShortened": {
            "description": "The provider takes shorter prompts: some of the words at the end it was not told.",
        },
        "output": {"description": "What was made. Null until completed, and where a provider makes no pixels."},
        "estimatedCost": {"description": "By the provider's published prices, from when it has been chosen; or null."},
        "actualCost": {"description": "As far as the provider has told. Null where it tells nothing."},
    },
    "OutputData": {
        "seconds": {"description": "Its true length."},
        "segments": {"minimum": 1, "description": "Of how many of the provider's generations it is joined."},
    },
    "EstimateData": {
        "pricesAsOf": {"format": "date", "description": "When the prices were read."},
    },
    "VideoJobListData": {
        "items": {"maxItems": MAXIMUM_LIMIT},
        "nextCursor": {"examples": [CURSOR], "description": "Goes into `cursor`. Null on the last page."},
    },
    "BatchData": {
        "batchId": {"pattern": ID_PATTERN},
        "createdAt": _TIME,
        "total": {"minimum": 1, "description": "How many jobs were asked for."},
        "counts": {"description": "How many have each status; those that were deleted since are counted nowhere."},
    },
    "ErrorData": {
        "code": {"enum": [code.value for code in ErrorCode], "description": "For programs; stable."},
        "message": {"description": "For people."},
        "details": {
            "maxItems": MAXIMUM_DETAILS,
            "description": "What to change in the request; empty unless the code is VALIDATION_ERROR.",
        },
    },
    "DetailData": {
        "field": {
            "description": "The field's path, or a parameter's or header's name; `body` for the whole.",
            "examples": ["duration", "items[4].duration"],
        }
    },
    "TicketData": {"ticket": {"description": "Opens one live connection: `wss://…?ticket=…`."}, "expiresAt": _TIME},
    "ErrorEnvelope": {"requestId": {"description": "Quote it when asking for help."}},
}
"""By schema and field."""

_ROOTS = (
    GenerateRequest,
    BatchRequest,
    envelopes.AcceptedEnvelope,
    envelopes.BatchAcceptedEnvelope,
    envelopes.VideoJobEnvelope,
    envelopes.VideoJobListEnvelope,
    envelopes.BatchEnvelope,
    envelopes.ErasureEnvelope,
    envelopes.TicketEnvelope,
    envelopes.CallbackEnvelope,
    ErrorEnvelope,
)


def all_schemas() -> Json:
    """Each by its model's name."""
    _, made = TypeAdapter.json_schemas(
        [(root.__name__, "validation", TypeAdapter(root)) for root in _ROOTS],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = made["$defs"]
    for name, schema in schemas.items():
        for field, content in schema.get("properties", {}).items():
            content.pop("title", None)
            if content.get("default") == "":
                del content["default"]  # what stands for a field that was left out is nothing to be sent
            content.update(_REFINEMENTS.get(name, {}).get(field, {}))
    return schemas


def refer_to(schema: str) -> Json:
    """A reference to one of them."""
    return {"$ref": f"#/components/schemas/{schema}"}
