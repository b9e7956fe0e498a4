"""The schemas of the OpenAPI document: those of the models, refined with descriptions and constraints."""

import sys
from collections.abc import Mapping
from itertools import groupby
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
from videojobs.domain.prompt import is_visible
from videojobs.domain.request import AspectRatio, Priority, Style

type Json = dict[str, Any]

ID_PATTERN = "^[0-9a-f]{24}$"
# A time from 1970 to 9997 and an ID, as 20 bytes in base64. `api/query.py` accepts every text of this pattern.
CURSOR_PATTERN = "^AA([A-C][0-9A-Za-z_-]|D[A-Za-l])[0-9A-Za-z_-]{22}[AEIMQUYcgkosw048]$"


def _visible_pattern() -> str:
    """Return a pattern of a visible character, for ECMA-262 with the flag `u` and for Python's `re`.

    Both understand the escape of a character up to U+FFFF only; characters above are in the pattern themselves.
    """
    invisible = (code for code in range(sys.maxunicode + 1) if not is_visible(chr(code)))
    ranges = [[code for _, code in run] for _, run in groupby(enumerate(invisible), lambda pair: pair[1] - pair[0])]
    shown = ("-".join(_escape(code) for code in dict.fromkeys((run[0], run[-1]))) for run in ranges)
    return f"[^{''.join(shown)}]"


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else chr(code)


_TIME: Json = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "ISO 8601 in UTC with milliseconds.",
}
_REFINEMENTS: Mapping[str, Mapping[str, Json]] = {
    "GenerateRequest": {"prompt": {"pattern": _visible_pattern()}},
    "AcceptedData": {
        "jobId": {"pattern": ID_PATTERN, "examples": [JOB_ID], "description": "The job ID, for `/api/videos/{jobId}`."},
        "status": {"const": JobStatus.QUEUED.value},
    },
    "BatchAcceptedData": {
        "batchId": {
            "pattern": ID_PATTERN,
            "examples": [BATCH_ID],
            "description": "The batch ID, for `/api/batches/{batchId}` and `/api/videos?batchId=`.",
        },
        "items": {"minItems": 1, "maxItems": MAXIMUM_ITEMS, "description": "The jobs, in the order of the request."},
    },
    "VideoJobData": {
        "jobId": {"pattern": ID_PATTERN, "examples": [JOB_ID]},
        "status": {
            "enum": [status.value for status in JobStatus],
            "description": "`queued` → `processing` → `completed` (with `videoUrl`) or `failed` (with `errorMessage`); "
            "`cancelled` after a cancellation. A retry moves a `failed` or `cancelled` job back to `queued`.",
        },
        "videoUrl": {
            "description": "A URL of the video, valid for some minutes. Get the job again for a "
            "fresh URL. Null until completed."
        },
        "errorMessage": {"description": "The reason of the failure, for the user. Null unless failed."},
        "style": {"description": f"One of {', '.join(Style)}. Old jobs can have other values, or null."},
        "duration": {"description": "The requested length in seconds."},
        "aspectRatio": {"description": f"One of {', '.join(AspectRatio)}. Old jobs can have other values, or null."},
        "createdAt": _TIME,
        "updatedAt": _TIME,
        "progress": {"minimum": 0, "maximum": 1, "description": "The progress from 0 to 1. Null until processing."},
        "posterUrl": {
            "description": "A still image as JPEG. Null until completed, and if the provider renders no images."
        },
        "previewUrl": {
            "description": "Two to three seconds of the video as an animated WebP under 500 kB. Null like `posterUrl`."
        },
        "priority": {"enum": [priority.value for priority in Priority]},
        "batchId": {"description": "The batch of the job. Null for a single video."},
        "estimatedSecondsLeft": {
            "minimum": 1,
            "description": "An estimate from the durations of similar jobs. Null unless processing, if unknown, and in "
            "lists.",
        },
        "queuePosition": {
            "minimum": 1,
            "description": "The approximate position in the queue; 1 is next. Null unless queued, "
            "and in lists and live messages.",
        },
        "version": {
            "minimum": 0,
            "description": "Increases with each change. Of two responses or messages, the one "
            "with the higher version is newer.",
        },
        "provider": {"description": "The provider that the request chose. Null if the request chose none."},
        "promptShortened": {
            "description": "True if the provider limits prompts to fewer characters, so that the "
            "end of the prompt was omitted.",
        },
        "output": {
            "description": "The properties of the video. Null until completed, and if the provider renders no images."
        },
        "estimatedCost": {
            "description": "The cost by the provider's published prices. Null until a "
            "provider is chosen, or if unknown."
        },
        "actualCost": {"description": "The cost that the provider has reported so far. Null if it reports none."},
    },
    "OutputData": {
        "seconds": {"description": "The actual length of the video."},
        "segments": {"minimum": 1, "description": "The number of generations that the video is joined from."},
    },
    "EstimateData": {
        "pricesAsOf": {"format": "date", "description": "The date of the prices."},
    },
    "VideoJobListData": {
        "items": {"maxItems": MAXIMUM_LIMIT},
        "nextCursor": {
            "examples": [CURSOR],
            "description": "The value of `cursor` for the next page. Null on the last page.",
        },
    },
    "BatchData": {
        "batchId": {"pattern": ID_PATTERN},
        "createdAt": _TIME,
        "total": {"minimum": 1, "description": "The number of requested jobs."},
        "counts": {"description": "The number of jobs in each status, without deleted jobs."},
    },
    "ErrorData": {
        "code": {"enum": [code.value for code in ErrorCode], "description": "A stable code for programs."},
        "message": {"description": "A message for people."},
        "details": {
            "maxItems": MAXIMUM_DETAILS,
            "description": "The fields to correct. Empty unless the code is VALIDATION_ERROR.",
        },
    },
    "DetailData": {
        "field": {
            "description": "The path of a field, the name of a parameter or header, or `body` for the whole body.",
            "examples": ["duration", "items[4].duration"],
        }
    },
    "TicketData": {
        "ticket": {"description": "A ticket that opens one live connection: `wss://…?ticket=…`."},
        "expiresAt": _TIME,
    },
    "ErrorEnvelope": {"requestId": {"description": "The request ID. Include it in support requests."}},
}
"""The refinements by schema and field."""

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
    """Return the JSON schemas of all models by the names of the models, with the descriptions and constraints added."""
    _, definitions = TypeAdapter.json_schemas(
        [(root.__name__, "validation", TypeAdapter(root)) for root in _ROOTS],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = definitions["$defs"]
    for name, schema in schemas.items():
        for field, content in schema.get("properties", {}).items():
            content.pop("title", None)
            if content.get("default") == "":
                del content["default"]  # an internal default for an omitted field, not a valid value
            content.update(_REFINEMENTS.get(name, {}).get(field, {}))
    return schemas


def refer_to(schema: str) -> Json:
    """Return a reference to the schema with this name in the document."""
    return {"$ref": f"#/components/schemas/{schema}"}
