"""Parsing of query parameters and list cursors, without pydantic to keep cold starts short."""

import base64
import struct
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from videojobs.api.body import MAXIMUM_DETAILS, printable_name
from videojobs.api.http import HttpRequest
from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.job import BatchId, JobId, JobStatus, is_object_id
from videojobs.ports.jobs import JobQuery, Position

DEFAULT_LIMIT, MAXIMUM_LIMIT = 20, 100
LIST_PARAMETERS = {
    "status": f"Must be one of: {', '.join(JobStatus)}.",
    "limit": f"Must be a whole number from 1 to {MAXIMUM_LIMIT}.",
    "cursor": "Must be the nextCursor of another page. Omit it for the first page.",
    "batchId": "Must be a batch ID: 24 hexadecimal digits.",
}
"""The parameters of the list operation, each with its rule."""
DOWNLOAD_RULE = "Takes no value. Use ?download without a value."

_CURSOR = struct.Struct(">q12s")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def parse_list_query(request: HttpRequest) -> JobQuery:
    """Return the requested page of the job list.

    Raises:
        ValidationFailed: If parameters are unknown, repeated or invalid, with one detail for each.
    """
    values_by_name = _read_parameters(request, LIST_PARAMETERS)
    query, problems = JobQuery(DEFAULT_LIMIT), []
    for name, text in values_by_name.items():
        try:
            query = _with_parameter(query, name, text)
        except ValueError:
            problems.append(ErrorDetail(name, LIST_PARAMETERS[name]))
    if problems:
        raise ValidationFailed(problems)
    return query


def parse_content_query(request: HttpRequest) -> bool:
    """Return whether the query has `download`, which saves the video instead of playing it.

    Raises:
        ValidationFailed: If there is another parameter, or a value other than `1` or `true`.
    """
    values_by_name = _read_parameters(request, ("download",))
    if values_by_name.get("download", "").lower() not in {"", "1", "true"}:
        raise ValidationFailed([ErrorDetail("download", DOWNLOAD_RULE)])
    return "download" in values_by_name


def encode_cursor(position: Position) -> str:
    """Return a position in the list as an opaque, URL-safe text."""
    milliseconds = (position.created_at - _EPOCH) // _MILLISECOND
    packed = _CURSOR.pack(milliseconds, bytes.fromhex(position.job_id))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def link_next(query: JobQuery, cursor: str) -> str:
    """Return the value of the `Link` header (RFC 8288) for the next page, relative to the URL of this page."""
    parameters = {"status": query.status, "batchId": query.batch_id, "limit": query.limit, "cursor": cursor}
    present = {name: value for name, value in parameters.items() if value is not None}
    return f'<?{urlencode(present)}>; rel="next"'


def _read_parameters(request: HttpRequest, known: Collection[str]) -> dict[str, str]:
    # Unknown parameters are refused: a misspelled filter would otherwise return an unfiltered list.
    rule = f"Is not a parameter of this request. Use only: {', '.join(known)}."
    problems = []
    for name, values in request.query.items():
        if name not in known:
            problems.append(ErrorDetail(printable_name(name), rule))
        elif len(values) > 1:
            problems.append(ErrorDetail(name, "Appears more than once. Send it once."))
    if problems:
        raise ValidationFailed(problems[:MAXIMUM_DETAILS])
    return {name: values[0] for name, values in request.query.items()}


def _with_parameter(query: JobQuery, name: str, text: str) -> JobQuery:
    match name:
        case "status":
            return query._replace(status=JobStatus(text))
        case "limit":
            return query._replace(limit=_parse_limit(text))
        case "cursor":
            return query._replace(after=_decode_cursor(text))
        case _:
            return query._replace(batch_id=_parse_batch_id(text))


def _parse_limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(MAXIMUM_LIMIT)):
        raise ValueError
    limit = int(text)
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise ValueError
    return limit


def _parse_batch_id(text: str) -> BatchId:
    if not is_object_id(text):
        raise ValueError
    return BatchId(text.lower())


def _decode_cursor(text: str) -> Position:
    try:
        milliseconds, job_id = _CURSOR.unpack(base64.b64decode(f"{text}=", altchars=b"-_", validate=True))
        position = Position(_EPOCH + milliseconds * _MILLISECOND, JobId(job_id.hex()))
    except (struct.error, OverflowError) as error:
        raise ValueError from error
    if encode_cursor(position) != text:  # only the canonical encoding is valid
        raise ValueError
    return position
