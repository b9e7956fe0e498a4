"""The schemas of the OpenAPI document: those of the models, refined with descriptions and constraints."""

import sys
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter

from tools.apidocs.examples import BATCH_ID, CURSOR, JOB_ID
from videojobs.api import envelopes, offers
from videojobs.api.body import MAXIMUM_DETAILS
from videojobs.api.errors import ErrorEnvelope
from videojobs.api.query import MAXIMUM_LIMIT
from videojobs.api.schemas import MAXIMUM_ITEMS, MAXIMUM_PROMPT_LENGTH, BatchRequest, GenerateRequest
from videojobs.domain.errors import ErrorCode
from videojobs.domain.job import JobStatus
from videojobs.domain.production import MAXIMUM_PARTS
from videojobs.domain.prompt import is_visible
from videojobs.domain.request import MAXIMUM_SEED, AspectRatio, Priority, Resolution, Style

type Json = dict[str, Any]

ID_PATTERN = "^[0-9a-f]{24}$"
# A time from 1970 to 9997 and an ID, as 20 bytes in base64. `api/query.py` accepts every text of this pattern.
CURSOR_PATTERN = "^AA([A-C][0-9A-Za-z_-]|D[A-Za-l])[0-9A-Za-z_-]{22}[AEIMQUYcgkosw048]$"


UNLISTED = range(0xE0000, 0xE1000)
"""Invisible characters that the pattern of a visible character matches, because they are too many to list."""
_LAST_ESCAPED = 0xFFFF


def _visible_pattern() -> str:
    r"""Return a pattern of a visible character, for Python's `re` and for ECMA-262 with and without the flag `u`.

    All of them understand the escape of a character up to U+FFFF, so characters above are in the pattern themselves.
    Without the flag, each of these is two surrogates. A range between two of them is then a syntax error, so the
    pattern lists them one by one, except those in `UNLISTED`.
    """
    invisible = [code for code in range(sys.maxunicode + 1) if not is_visible(chr(code)) and code not in UNLISTED]
    ranges = [[code for _, code in run] for _, run in groupby(enumerate(invisible), lambda pair: pair[1] - pair[0])]
    shown = ("-".join(map(_escape, dict.fromkeys((run[0], run[-1])))) for run in ranges if run[-1] <= _LAST_ESCAPED)
    listed = (chr(code) for code in invisible if code > _LAST_ESCAPED)
    return f"[^{''.join((*shown, *listed))}]"


def _escape(code: int) -> str:
    return f"\\u{code:04x}"


def _time(description: str) -> Json:
    """Return the schema of a time with a description."""
    return {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "description": f"{description} ISO 8601 in UTC with milliseconds.",
    }


_SUCCESS: Json = {"description": "True for every successful response. Errors have false."}
_PRIORITY = "Each priority has its own queues, so that urgent jobs do not wait for others."
_CURRENCY: Json = {"description": "The currency of the amount."}
_REFINEMENTS: Mapping[str, Mapping[str, Json]] = {
    "GenerateRequest": {
        "prompt": {
            "pattern": _visible_pattern(),
            "description": "The content of the video. At least one character must be visible. Code points are counted.",
        },
        "style": {"description": "The style of the video."},
        "duration": {"description": "The length of the video in seconds. Fractions are allowed."},
        "aspectRatio": {"description": "The ratio of width to height."},
        "priority": {
            "description": f"`normal` if omitted. `high` needs a session with the claim `priority`. {_PRIORITY}"
        },
        "provider": {
            "description": "The AI provider. Only the providers that the deployment offers can be chosen; omit it for "
            "the default."
        },
        "seed": {"description": "A number with which a repeated request gives a similar video."},
        "negativePrompt": {"description": "What the video should not show."},
        "sound": {"description": "Whether the video should have sound. No sound if omitted."},
        "resolution": {
            "description": "The resolution of the video. `720p` if omitted. Only providers that make it are used."
        },
    },
    "BatchRequest": {
        "items": {"description": "The requested videos."},
        "priority": {"description": "The priority of the items that have none. `normal` if omitted."},
    },
    "AcceptedEnvelope": {"success": _SUCCESS},
    "AcceptedData": {
        "jobId": {"pattern": ID_PATTERN, "examples": [JOB_ID], "description": "The job ID, for `/api/videos/{jobId}`."},
        "status": {"const": JobStatus.QUEUED.value, "description": "The status of a new job."},
    },
    "BatchAcceptedEnvelope": {"success": _SUCCESS},
    "BatchAcceptedData": {
        "batchId": {
            "pattern": ID_PATTERN,
            "examples": [BATCH_ID],
            "description": "The batch ID, for `/api/batches/{batchId}` and `/api/videos?batchId=`.",
        },
        "items": {"minItems": 1, "maxItems": MAXIMUM_ITEMS, "description": "The jobs, in the order of the request."},
    },
    "VideoJobEnvelope": {"success": _SUCCESS},
    "VideoJobData": {
        "jobId": {"pattern": ID_PATTERN, "examples": [JOB_ID], "description": "The job ID."},
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
        "prompt": {"description": "The prompt of the request."},
        "style": {"description": f"One of {', '.join(Style)}. Old jobs can have other values, or null."},
        "duration": {"description": "The requested length in seconds."},
        "aspectRatio": {"description": f"One of {', '.join(AspectRatio)}. Old jobs can have other values, or null."},
        "createdAt": _time("The time of the request that created the job."),
        "updatedAt": _time("The time of the last change."),
        "progress": {"minimum": 0, "maximum": 1, "description": "The progress from 0 to 1. Null until processing."},
        "posterUrl": {
            "description": "A URL of a still image (JPEG), valid as long as `videoUrl`. Null until completed, and if "
            "the provider renders no images."
        },
        "previewUrl": {
            "description": "A URL of two to three seconds of the video as an animated WebP under 500 kB, valid as long "
            "as `videoUrl`. Null in the same cases as `posterUrl`."
        },
        "priority": {"enum": [priority.value for priority in Priority], "description": "The priority of the job."},
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
        "seed": {
            "minimum": 0,
            "maximum": MAXIMUM_SEED,
            "description": "The seed of the request, else the one that was chosen for a provider that takes seeds, or "
            "null.",
        },
        "negativePrompt": {"description": "What the video should not show. Null if the request named nothing."},
        "sound": {"description": "Whether the request asked for sound."},
        "resolution": {
            "enum": [resolution.value for resolution in Resolution],
            "description": "The resolution of the video.",
        },
        "ignored": {
            "maxItems": 3,
            "description": "The fields of the request that the chosen provider can't honour: `seed`, `negativePrompt` "
            "or `sound`. Empty until a provider is chosen.",
        },
    },
    "OutputData": {
        "seconds": {"description": "The actual length of the video in seconds."},
        "width": {"minimum": 1, "description": "The width in pixels."},
        "height": {"minimum": 1, "description": "The height in pixels."},
        "bytes": {"minimum": 0, "description": "The size of the file in bytes."},
        "segments": {"minimum": 1, "description": "The number of generations that the video is joined from."},
        "missingScripts": {
            "maxItems": MAXIMUM_PROMPT_LENGTH,
            "description": "The scripts of the prompt, such as `Tibetan`, whose text is not in the video, because the "
            "provider `sketch` has no typeface for them. `Emoji` stands for emoji and other symbols.",
        },
    },
    "CostData": {"amount": {"description": "The amount that the provider has reported."}, "currency": _CURRENCY},
    "EstimateData": {
        "amount": {"description": "The expected amount."},
        "currency": _CURRENCY,
        "pricesAsOf": {"format": "date", "description": "The date of the prices. Null if it is not known."},
    },
    "OptionsEnvelope": {"success": _SUCCESS},
    "OptionsData": {
        "styles": {"maxItems": len(Style), "description": "The values of `style`."},
        "aspectRatios": {"maxItems": len(AspectRatio), "description": "The values of `aspectRatio`."},
        "resolutions": {
            "maxItems": len(Resolution),
            "description": "The values of `resolution` for requests that name no provider.",
        },
        "sizes": {
            "maxItems": len(Resolution) * len(AspectRatio),
            "description": "The size of each resolution and aspect ratio.",
        },
        "duration": {"description": "The bounds of `duration` in seconds."},
        "promptLength": {"description": "The bounds of the length of `prompt` in code points."},
        "negativePromptLength": {"description": "The bounds of the length of `negativePrompt` in code points."},
        "seed": {"description": "The bounds of `seed`."},
        "batchItems": {"description": "The bounds of the number of items in a batch."},
        "providers": {
            "maxItems": 20,
            "description": "The providers that a request can get, the default first, and those that it may name.",
        },
    },
    "RangeData": {
        "minimum": {"description": "The lowest value."},
        "maximum": {"description": "The highest value."},
    },
    "SizeData": {
        "resolution": {"description": "The resolution."},
        "aspectRatio": {"description": "The aspect ratio."},
        "width": {"minimum": 2, "description": "The width in pixels."},
        "height": {"minimum": 2, "description": "The height in pixels."},
    },
    "ProviderData": {
        "name": {"description": "The value of `provider`."},
        "selectable": {"description": "Whether a request may name the provider."},
        "resolutions": {"maxItems": len(Resolution), "description": "The resolutions that it makes."},
        "sound": {"description": "Whether it can make sound."},
        "seed": {"description": "Whether it takes a seed."},
        "negativePrompt": {"description": "Whether it takes a negative prompt."},
        "prices": {
            "maxItems": 2 * len(Resolution),
            "description": "The prices by resolution and sound. Empty if it publishes none.",
        },
    },
    "PriceData": {
        "resolution": {"description": "The resolution of the clips."},
        "sound": {"description": "Whether the clips have sound."},
        "minimum": {"minimum": 0, "description": "The lowest price per second."},
        "maximum": {"minimum": 0, "description": "The highest price per second: some lengths cost more."},
        "currency": _CURRENCY,
        "pricesAsOf": {"format": "date", "description": "The date of the prices. Null if it is not known."},
    },
    "VideoEstimateEnvelope": {"success": _SUCCESS},
    "VideoEstimateData": {
        "provider": {"description": "The provider that makes the video."},
        "generations": {"minimum": 1, "description": "The number of generations."},
        "lengths": {"maxItems": MAXIMUM_PARTS, "description": "The seconds of each generation."},
        "width": {"minimum": 2, "description": "The width of the video in pixels."},
        "height": {"minimum": 2, "description": "The height of the video in pixels."},
        "price": {"description": "The price of all generations. Null if the provider publishes none."},
        "expectedSeconds": {
            "minimum": 1,
            "description": "The usual time from the start of similar jobs to their end. Null if it is not known.",
        },
        "promptShortened": {"description": "Whether the end of the prompt would be omitted."},
        "ignored": {"maxItems": 3, "description": "The fields that the provider can't honour."},
    },
    "VideoJobListEnvelope": {"success": _SUCCESS},
    "VideoJobListData": {
        "items": {"maxItems": MAXIMUM_LIMIT, "description": "The jobs of the page, newest first."},
        "nextCursor": {
            "examples": [CURSOR],
            "description": "The value of `cursor` for the next page. Null on the last page.",
        },
    },
    "BatchEnvelope": {"success": _SUCCESS},
    "BatchData": {
        "batchId": {"pattern": ID_PATTERN, "description": "The batch ID."},
        "createdAt": _time("The time of the request that created the batch."),
        "total": {"minimum": 1, "description": "The number of requested jobs."},
        "counts": {"description": "The number of jobs in each status, without deleted jobs."},
    },
    "BatchCounts": {
        status.value: {"minimum": 0, "description": f"The number of jobs with the status `{status}`."}
        for status in JobStatus
    },
    "ErasureEnvelope": {"success": _SUCCESS},
    "ErasureData": {"status": {"description": "Jobs are still being deleted."}},
    "TicketEnvelope": {"success": _SUCCESS},
    "TicketData": {
        "ticket": {"description": "A ticket that opens one live connection: `wss://…?ticket=…`."},
        "expiresAt": _time("The time after which the ticket opens no connection."),
    },
    "CallbackEnvelope": {"success": _SUCCESS},
    "CallbackData": {"accepted": {"description": "True for every callback with a valid signature."}},
    "ErrorEnvelope": {
        "success": {"description": "False for every error."},
        "requestId": {"description": "The request ID. Include it in support requests."},
    },
    "ErrorData": {
        "code": {"enum": [code.value for code in ErrorCode], "description": "A stable code for programs."},
        "message": {"description": "A message for people: what happened, and what to do."},
        "details": {
            "maxItems": MAXIMUM_DETAILS,
            "description": "The fields to correct. Empty unless the code is VALIDATION_ERROR.",
        },
    },
    "DetailData": {
        "field": {
            "description": "The path of a field, the name of a parameter or header, or `body` for the whole body.",
            "examples": ["duration", "items[4].duration"],
        },
        "message": {"description": "What the field must be, for people."},
    },
}
"""The refinements by schema and field."""

_ROOTS = (
    GenerateRequest,
    BatchRequest,
    envelopes.AcceptedEnvelope,
    envelopes.BatchAcceptedEnvelope,
    envelopes.VideoJobEnvelope,
    envelopes.VideoJobListEnvelope,
    offers.OptionsEnvelope,
    offers.VideoEstimateEnvelope,
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
        del schema["title"]
        for field, content in schema.get("properties", {}).items():
            content.pop("title", None)
            content.pop("default", None)  # generators of types take a field with a default for one that is always set
            schema["properties"][field] = _join_types(content) | _REFINEMENTS.get(name, {}).get(field, {})
    return schemas


def _join_types(content: Json) -> Json:
    """Return a schema with a list of types instead of an `anyOf` of types. A number can be an integer."""
    options = content.get("anyOf", [{}])
    if any(option.keys() != {"type"} for option in options):
        return content
    types = [option["type"] for option in options]
    if "number" in types:
        types = [name for name in types if name != "integer"]
    rest = {name: value for name, value in content.items() if name != "anyOf"}
    return {"type": types[0] if len(types) == 1 else types} | rest


def refer_to(schema: str) -> Json:
    """Return a reference to the schema with this name in the document."""
    return {"$ref": f"#/components/schemas/{schema}"}
