"""What a request may hold; the same models make the API's document."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.job import AspectRatio, NewJob, Style
from videojobs.edge.body import printable_name

MAXIMUM_PROMPT_LENGTH = 1000
MINIMUM_SECONDS, MAXIMUM_SECONDS = 1, 60
MAXIMUM_DETAILS = 20
"""A body of ten thousand unknown fields gets no answer of ten thousand lines."""
NOT_BLANK = r"[^\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""One character that is no Unicode white space, spelt so that Rust, Python and ECMAScript read it alike."""


class GenerateRequest(BaseModel):
    """What to make. Every field is required, and an unknown one is refused so that a typo can't pass."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    prompt: Annotated[str, Field(min_length=1, max_length=MAXIMUM_PROMPT_LENGTH, pattern=NOT_BLANK)] = Field(
        description=f"Must be text of 1 to {MAXIMUM_PROMPT_LENGTH} characters (code points), not only white space.",
        examples=["A paper boat on a rainy street"],
    )
    style: Style = Field(
        strict=False,  # in strict mode only a member passes, and JSON has strings
        description=f"Must be one of: {', '.join(Style)}.",
        examples=["calm"],
    )
    duration: Annotated[
        int | float,
        Field(ge=MINIMUM_SECONDS, le=MAXIMUM_SECONDS),
        WithJsonSchema({"type": "number", "minimum": MINIMUM_SECONDS, "maximum": MAXIMUM_SECONDS}),
    ] = Field(
        description=f"Must be a number from {MINIMUM_SECONDS} to {MAXIMUM_SECONDS}, whole or fractional: seconds.",
        examples=[8],
    )
    aspect_ratio: AspectRatio = Field(
        strict=False,
        alias="aspectRatio",
        description=f"Must be one of: {', '.join(AspectRatio)}.",
        examples=["16:9"],
    )


_RULES = {field.alias or name: field.description for name, field in GenerateRequest.model_fields.items()}


def parse_generate(body: dict[str, Any]) -> NewJob:
    """The video that a body asks for.

    Raises:
        ValidationFailed: with one detail per field that has to change.
    """
    try:
        request = GenerateRequest.model_validate(body)
    except ValidationError as error:
        raise ValidationFailed(_details(error)) from None
    return NewJob(
        prompt=request.prompt, style=request.style, duration=request.duration, aspect_ratio=request.aspect_ratio
    )


def _details(error: ValidationError) -> list[ErrorDetail]:
    details: dict[str, ErrorDetail] = {}
    for problem in error.errors(include_url=False):
        # A union reports each of its members, below the field's own name: one line per field is enough.
        field = printable_name(str(problem["loc"][0])) if problem["loc"] else "body"
        if field not in details and len(details) < MAXIMUM_DETAILS:
            details[field] = ErrorDetail(field, _explain(field, problem["type"], problem["input"]))
    return list(details.values())


def _explain(field: str, problem: str, value: object) -> str:
    # Says the rule, never the value: what a user typed belongs in no answer that a log or a proxy may keep.
    rule = _RULES.get(field)
    match problem:
        case "missing":
            return f"Is missing. {rule}"
        case "extra_forbidden":
            return f"Is not a field of this request, which takes: {', '.join(_RULES)}."
        case "string_too_long":
            return f"Has {len(str(value))} characters. {rule}"
        case "string_unicode":
            return "Contains half of a surrogate pair, which is no character."
        case _:
            return str(rule)
