"""Parsing of request bodies into JSON objects, with error details for the caller."""

import base64
import json
from typing import Any, NoReturn

from videojobs.api.http import OPTIONAL_WHITE_SPACE, SAFE_METHODS, HttpRequest
from videojobs.domain.errors import BodyTooLarge, ErrorDetail, UnsupportedMediaType, ValidationFailed

MAXIMUM_BODY_BYTES = 64 * 1024
MEDIA_TYPE = "application/json"
BYTE_ORDER_MARK = "\ufeff"
"""Clients on Windows put it before UTF-8. A parser may ignore it (RFC 8259, section 8.1)."""
MAXIMUM_DETAILS = 20
"""The maximum number of details in an error response, independent of the size of the request."""
_MAXIMUM_NAME_LENGTH = 64
_UTF_8 = frozenset({"utf-8", "utf8"})
_NOT_UTF_8 = "Is not valid UTF-8. Send the body in UTF-8."
_REPLACEMENT = "\ufffd"


def read_object(request: HttpRequest, *, maximum_bytes: int = MAXIMUM_BODY_BYTES) -> dict[str, Any]:
    """Return the JSON object in the body. Unlike `json.loads`, refuse NaN, infinities and repeated keys.

    Raises:
        UnsupportedMediaType: If there is a body whose `Content-Type` is not JSON, or has a charset other than UTF-8.
        BodyTooLarge: If the body has more than `maximum_bytes` bytes.
        ValidationFailed: If there is no body, or it is not a JSON object in UTF-8, or has NaN, infinities or repeated
            keys.
    """
    if not request.body:
        raise _invalid("Is missing. Send a JSON object.")
    _check_content_type(request.header("content-type") or "")
    return parse_object(_read_text(request.body, is_base64=request.is_base64, maximum_bytes=maximum_bytes))


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object in a text, which may begin with a byte order mark.

    Raises:
        ValidationFailed: If the text is not a JSON object, or has NaN, infinities or repeated keys.
    """
    value = _parse(text.removeprefix(BYTE_ORDER_MARK))
    if not isinstance(value, dict):
        raise _invalid("Must be a JSON object.")
    return value


def read_bytes(request: HttpRequest, *, maximum_bytes: int) -> bytes:
    """Return the raw bytes of the body, over which a signature was computed; b"" for a request without a body.

    Raises:
        BodyTooLarge: If the body has more than `maximum_bytes` bytes.
        ValidationFailed: If the event's body can't be decoded (invalid base64 or invalid Unicode).
    """
    return _read_raw(request.body or "", is_base64=request.is_base64, maximum_bytes=maximum_bytes)


def read_no_fields(request: HttpRequest) -> None:
    """Check that a request that takes no fields has no body or an empty JSON object; ignore the body of a GET.

    Raises:
        UnsupportedMediaType: If there is a body whose `Content-Type` is not JSON in UTF-8.
        BodyTooLarge: If the body has more than `MAXIMUM_BODY_BYTES` bytes.
        ValidationFailed: If the body is not a JSON object in UTF-8, or has fields.
    """
    if request.body and request.method not in SAFE_METHODS:
        names = list(read_object(request))[:MAXIMUM_DETAILS]
        if names:
            rule = "Is not a field of this request. Send no fields."
            raise ValidationFailed([ErrorDetail(printable_name(name), rule) for name in names])


def read_retry(request: HttpRequest) -> bool:
    """Return whether the body of a retry requests a new seed; it may be missing, or an object without fields.

    Raises:
        UnsupportedMediaType: If there is a body whose `Content-Type` is not JSON in UTF-8.
        BodyTooLarge: If the body has more than `MAXIMUM_BODY_BYTES` bytes.
        ValidationFailed: If the body is not a JSON object in UTF-8, or has another field or value than `seed: "new"`.
    """
    fields = read_object(request) if request.body else {}
    rules = {name: "Is not a field of this request. Use only: seed." for name in fields if name != "seed"}
    if "seed" in fields and fields["seed"] != "new":
        rules["seed"] = 'Must be "new". Omit it to keep the seed.'
    if rules:
        problems = list(rules.items())[:MAXIMUM_DETAILS]
        raise ValidationFailed([ErrorDetail(printable_name(name), rule) for name, rule in problems])
    return "seed" in fields


def printable_name(name: str) -> str:
    """Return a field name from a request in a form that is safe to show: at most 64 characters, valid Unicode."""
    return name[:_MAXIMUM_NAME_LENGTH].encode("utf-8", "replace").decode("utf-8")


def _check_content_type(content_type: str) -> None:
    media_type, *parameters = content_type.split(";")
    if media_type.strip(OPTIONAL_WHITE_SPACE).lower() != MEDIA_TYPE:
        raise UnsupportedMediaType
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        charset = value.strip(OPTIONAL_WHITE_SPACE).strip('"').lower()
        if name.strip(OPTIONAL_WHITE_SPACE).lower() == "charset" and charset not in _UTF_8:
            message = (
                "The request body must be in UTF-8. Set the charset in the Content-Type header to utf-8, or omit it."
            )
            raise UnsupportedMediaType(message)


def _read_text(body: str, *, is_base64: bool, maximum_bytes: int) -> str:
    raw = _read_raw(body, is_base64=is_base64, maximum_bytes=maximum_bytes)
    try:
        text = raw.decode("utf-8")
    except ValueError:
        raise _invalid(_NOT_UTF_8) from None
    if _REPLACEMENT in text and not is_base64:
        # A gateway that decodes a body before it calls the function replaces invalid bytes by this character. The
        # template has API Gateway deliver bodies in base64, which keeps the bytes.
        raise _invalid(f"{_NOT_UTF_8} Write the character U+FFFD as \\ufffd.")
    return text


def _read_raw(body: str, *, is_base64: bool, maximum_bytes: int) -> bytes:
    too_large = BodyTooLarge(f"The request body exceeds the limit of {maximum_bytes // 1024} KiB. Send a smaller body.")
    # Four base64 characters encode three bytes. Bodies that are certainly too large are not decoded.
    if len(body) > (maximum_bytes * 4 // 3 + 4 if is_base64 else maximum_bytes):
        raise too_large
    try:
        raw = base64.b64decode(body, validate=True) if is_base64 else body.encode("utf-8")
    except ValueError:  # binascii.Error, UnicodeError, or base64's ValueError for non-ASCII text
        raise _invalid(_NOT_UTF_8) from None
    if len(raw) > maximum_bytes:
        raise too_large
    return raw


def _parse(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _invalid(f"Is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from None
    except RecursionError:
        raise _invalid("Is nested too deeply. Send fewer levels of nesting.") from None
    except ValueError:
        # Python does not parse integers of more than 4,300 digits.
        raise _invalid("Contains a number with too many digits. Send a shorter number.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValidationFailed([ErrorDetail(printable_name(repeated), "Appears more than once. Send it once.")])
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise _invalid(f"Is not valid JSON: {constant} is not a JSON number.")


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed([ErrorDetail("body", message)])
