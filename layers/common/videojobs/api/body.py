"""A request's body, from bytes to a JSON object, or to words that say what is wrong with it."""

import base64
import json
from typing import Any, NoReturn

from videojobs.api.http import SAFE_METHODS, HttpRequest
from videojobs.domain.errors import BodyTooLarge, ErrorDetail, UnsupportedMediaType, ValidationFailed

MAXIMUM_BODY_BYTES = 64 * 1024
MEDIA_TYPE = "application/json"
MAXIMUM_DETAILS = 20
"""A request of ten thousand unknown fields gets no answer of ten thousand lines."""
_MAXIMUM_NAME_LENGTH = 64


def read_object(request: HttpRequest, *, maximum_bytes: int = MAXIMUM_BODY_BYTES) -> dict[str, Any]:
    """The body's JSON object; stricter than `json.loads`, which lets NaN and repeated keys through.

    Raises:
        UnsupportedMediaType: there is a body and it is not declared as JSON.
        BodyTooLarge: it has more bytes than `maximum_bytes`.
        ValidationFailed: there is none, or it is no JSON object in UTF-8.
    """
    if not request.body:
        raise _invalid("Is missing. Send a JSON object.")
    if (request.header("content-type") or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise UnsupportedMediaType
    return parse_object(_read_text(request.body, is_base64=request.is_base64, maximum_bytes=maximum_bytes))


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object that a text is.

    Raises:
        ValidationFailed: it is none.
    """
    value = _parse(text)
    if not isinstance(value, dict):
        raise _invalid("Must be a JSON object.")
    return value


def read_bytes(request: HttpRequest, *, maximum_bytes: int) -> bytes:
    """The body as it was sent, whatever it is: what a signature was made of.

    Raises:
        BodyTooLarge: it has more bytes than `maximum_bytes`.
        ValidationFailed: what API Gateway made of it is no bytes.
    """
    return _read_raw(request.body or "", is_base64=request.is_base64, maximum_bytes=maximum_bytes)


def read_no_fields(request: HttpRequest) -> None:
    """Make sure that a request without fields has no body, or an empty JSON object. That of a GET is passed over.

    Raises:
        UnsupportedMediaType, BodyTooLarge: as `read_object` says.
        ValidationFailed: there is more than that.
    """
    if request.body and request.method not in SAFE_METHODS:
        names = list(read_object(request))[:MAXIMUM_DETAILS]
        if names:
            rule = "Is not a field of this request, which takes none."
            raise ValidationFailed([ErrorDetail(printable_name(name), rule) for name in names])


def printable_name(name: str) -> str:
    """A field's name as it came from outside, fit to be shown in an answer: short, and valid Unicode."""
    return name[:_MAXIMUM_NAME_LENGTH].encode("utf-8", "replace").decode("utf-8")


def _read_text(body: str, *, is_base64: bool, maximum_bytes: int) -> str:
    raw = _read_raw(body, is_base64=is_base64, maximum_bytes=maximum_bytes)
    try:
        return raw.decode("utf-8") if is_base64 else body
    except ValueError:
        raise _invalid("Is not valid UTF-8.") from None


def _read_raw(body: str, *, is_base64: bool, maximum_bytes: int) -> bytes:
    too_large = BodyTooLarge(f"The body is too large: {maximum_bytes // 1024} KiB are the most.")
    # Four base64 characters carry three bytes: what is certainly too large is not even decoded.
    if len(body) > (maximum_bytes * 4 // 3 + 4 if is_base64 else maximum_bytes):
        raise too_large
    try:
        raw = base64.b64decode(body, validate=True) if is_base64 else body.encode("utf-8")
    except ValueError:  # binascii.Error, UnicodeError, and base64's own for what is not ASCII
        raise _invalid("Is not valid UTF-8.") from None
    if len(raw) > maximum_bytes:
        raise too_large
    return raw


def _parse(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _invalid(f"Is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise _invalid("Is nested too deeply.") from None
    except ValueError:
        # Python reads no whole number of more than 4,300 digits.
        raise _invalid("Contains a number of too many digits.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValidationFailed([ErrorDetail(printable_name(repeated), "Appears more than once.")])
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise _invalid(f"Is not valid JSON: {constant} is no JSON number.")


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed([ErrorDetail("body", message)])
