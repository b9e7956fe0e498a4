"""The parameters of the OpenAPI document's operations."""

from collections.abc import Mapping

from tools.apidocs.schemas import CURSOR_PATTERN, Json
from videojobs.api.idempotency import HEADER, MAXIMUM_LENGTH
from videojobs.api.query import DEFAULT_LIMIT, LIST_PARAMETERS, MAXIMUM_LIMIT
from videojobs.domain.job import JobStatus
from videojobs.ports.callbacks import CALLBACK_PROVIDERS
from videojobs.services.store_once import KEY_LIFETIME

_ANY_ID: Json = {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}
_LIST: Mapping[str, tuple[str, Json]] = {
    "status": (
        "Returns only the jobs with this status.",
        {"type": "string", "enum": [status.value for status in JobStatus]},
    ),
    "limit": (
        "The maximum number of jobs on the page.",
        {"type": "integer", "minimum": 1, "maximum": MAXIMUM_LIMIT, "default": DEFAULT_LIMIT},
    ),
    "cursor": (
        "The `nextCursor` of the previous page. Omit it for the first page.",
        {"type": "string", "pattern": CURSOR_PATTERN},
    ),
    "batchId": ("Returns only the jobs of this batch.", _ANY_ID),
}

IDEMPOTENCY_KEY: Json = {
    "name": HEADER,
    "in": "header",
    "description": f"A unique key for this request, such as a UUID. A repeat of the request with the same key within "
    f"{KEY_LIFETIME.total_seconds() / 3600:.0f} hours creates nothing and returns the first result. A repeat counts "
    "towards the rate limit.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_LENGTH, "pattern": "^[ -~]+$"},
}
IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the response that you have, or several ETags.",
    "schema": {"type": "string"},
}
DOWNLOAD: Json = {
    "name": "download",
    "in": "query",
    "description": "Saves the video under a file name made from the prompt, instead of playing it. Takes no value.",
    "allowEmptyValue": True,
    "schema": {"type": "string", "enum": ["", "1", "true"]},
}
PROVIDER: Json = {
    "name": "provider",
    "in": "path",
    "required": True,
    "description": "The provider that sends the callback.",
    "schema": {"type": "string", "enum": list(CALLBACK_PROVIDERS)},
}
CALLBACK_JOB: Json = {
    "name": "job",
    "in": "query",
    "description": "The job ID, from the callback URL that the provider received with the task.",
    "schema": _ANY_ID,
}


def list_parameters() -> list[Json]:
    """Return the parameters of `listVideos`, which are those that the code reads.

    Raises:
        KeyError: If the code reads a parameter that this module does not describe.
    """
    described = {name: _LIST[name] for name in LIST_PARAMETERS}
    return [
        {"name": name, "in": "query", "description": description, "schema": schema}
        for name, (description, schema) in described.items()
    ]


def id_parameter(name: str, description: str = "The job ID.") -> Json:
    """Return the parameter for an ID in the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": _ANY_ID}
