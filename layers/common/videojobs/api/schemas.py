"""What a request's body may hold; the same models make the API's document."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from videojobs.api.body import MAXIMUM_DETAILS, printable_name
from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.request import AspectRatio, NewJob, Priority, Style

MAXIMUM_PROMPT_LENGTH = 1000
MINIMUM_SECONDS, MAXIMUM_SECONDS = 1, 60
MAXIMUM_ITEMS = 50
MAXIMUM_BATCH_BYTES = 1024 * 1024
NOT_BLANK = r"[^\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""One character that is no Unicode white space, spelt so that Rust, Python and ECMAScript read it alike."""

type _Location = tuple[int | str, ...]


class GenerateRequest(BaseModel):
    """What to make. An unknown field is refused so that a typo can't pass."""

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
    priority: Priority = Field(
        Priority.NORMAL,
        strict=False,
        description=f"Must be one of: {', '.join(Priority)}.",
        examples=["normal"],
    )
    provider: Annotated[str, Field(pattern="^[a-z_]{1,40}$")] = Field(
        "",
        description="Must be the name of a provider that requests may choose here; leave it out for the usual one.",
    )


class BatchRequest(BaseModel):
    """Several to make at once, or none of them; an item's own priority goes before the batch's."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)  # most processes never see a batch

    items: Annotated[list[GenerateRequest], Field(min_length=1, max_length=MAXIMUM_ITEMS)] = Field(
        description=f"Must be a list of 1 to {MAXIMUM_ITEMS} items, each as for a single video.",
    )
    priority: Priority = Field(
        Priority.NORMAL,
        strict=False,
        description=f"Must be one of: {', '.join(Priority)}.",
        examples=["high"],
    )


_ITEM = "Must be a JSON object, as for a single video."


def parse_generate(body: dict[str, Any], *, allowed_providers: Sequence[str] = ()) -> NewJob:
    """The video that a body asks for, of a provider among those allowed if it names one.

    Raises:
        ValidationFailed: with one detail per field that has to change.
    """
    try:
        request = GenerateRequest.model_validate(body)
    except ValidationError as error:
        raise ValidationFailed(_details(error, GenerateRequest)) from None
    _check_providers({"provider": request.provider}, allowed_providers)
    return _new_job(request)


def parse_batch(body: dict[str, Any], *, allowed_providers: Sequence[str] = ()) -> list[NewJob]:
    """The videos that a body asks for, in its order.

    Raises:
        ValidationFailed: with one detail per field that has to change, `items[4].duration` say.
    """
    try:
        batch = BatchRequest.model_validate(body)
    except ValidationError as error:
        raise ValidationFailed(_details(error, BatchRequest)) from None
    named = {f"items[{index}].provider": item.provider for index, item in enumerate(batch.items)}
    _check_providers(named, allowed_providers)
    return [_new_job(item, batch.priority) for item in batch.items]


def _check_providers(named: Mapping[str, str], allowed: Sequence[str]) -> None:
    """Raise `ValidationFailed` for each field that names a provider that is not allowed."""
    rule = f"Must be one of: {', '.join(allowed)}." if allowed else "Can't be chosen here: leave this field out."
    wrong = [field for field, name in named.items() if name and name not in allowed]
    if wrong:
        raise ValidationFailed([ErrorDetail(field, rule) for field in wrong[:MAXIMUM_DETAILS]])


def _new_job(request: GenerateRequest, priority: Priority = Priority.NORMAL) -> NewJob:
    return NewJob(
        prompt=request.prompt,
        style=request.style,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio,
        priority=request.priority if "priority" in request.model_fields_set else priority,
        provider=request.provider or None,
    )


def _details(error: ValidationError, model: type[BaseModel]) -> list[ErrorDetail]:
    details: dict[str, ErrorDetail] = {}
    for problem in error.errors(include_url=False):
        # A union reports each of its members, below the field's own name: one line per field is enough.
        field = _path(problem["loc"])
        if field not in details and len(details) < MAXIMUM_DETAILS:
            details[field] = ErrorDetail(field, _explain(problem["loc"], problem["type"], problem["input"], model))
    return list(details.values())


def _path(location: _Location) -> str:
    match location:
        case (str(field), int(index), str(name), *_):
            return f"{field}[{index}].{printable_name(name)}"
        case (str(field), int(index)):
            return f"{field}[{index}]"
        case (field, *_):
            return printable_name(str(field))
        case _:
            return "body"


def _explain(location: _Location, problem: str, value: object, model: type[BaseModel]) -> str:
    # Says the rule, never the value: what a user typed belongs in no answer that a log or a proxy may keep.
    if problem == "string_unicode":
        return "Contains half of a surrogate pair, which is no character."
    match location:
        case (_, int(), str(name), *_):
            owner, fields = "an item", GenerateRequest.model_fields
        case () | (_, int()):
            return _ITEM
        case (name, *_):
            owner, fields = "this request", model.model_fields
    rules = {field.alias or own_name: field.description for own_name, field in fields.items()}
    match problem:
        case "missing":
            return f"Is missing. {rules[str(name)]}"
        case "extra_forbidden":
            return f"Is not a field of {owner}, which takes: {', '.join(rules)}."
        case "string_too_long":
            return f"Has {len(str(value))} characters. {rules[str(name)]}"
        case _:
            return str(rules[str(name)])
