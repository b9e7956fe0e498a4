"""Models of the request bodies, from which the OpenAPI document is generated as well."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from videojobs.api.body import MAXIMUM_DETAILS, printable_name
from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.prompt import is_visible
from videojobs.domain.request import MAXIMUM_SEED, AspectRatio, NewJob, Priority, Resolution, Style

if TYPE_CHECKING:
    from videojobs.ports.videos import Offers

MAXIMUM_PROMPT_LENGTH = 1000
MAXIMUM_NEGATIVE_PROMPT_LENGTH = 500
MINIMUM_SECONDS, MAXIMUM_SECONDS = 1, 60
MAXIMUM_ITEMS = 50
MAXIMUM_BATCH_BYTES = 1024 * 1024

type _Location = tuple[int | str, ...]


def _check_visible(prompt: str) -> str:
    if not any(map(is_visible, prompt)):
        raise ValueError("no visible character")
    return prompt


def _to_whole(number: object) -> object:
    """Return 7 for 7.0, which is an integer in JSON Schema, and other values unchanged."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class GenerateRequest(BaseModel):
    """A request for a video. Unknown fields are refused so that typing errors don't go unnoticed."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    prompt: Annotated[str, Field(min_length=1, max_length=MAXIMUM_PROMPT_LENGTH), AfterValidator(_check_visible)] = (
        Field(
            description=f"Must be text of 1 to {MAXIMUM_PROMPT_LENGTH} characters, at least one of them visible.",
            examples=["A paper boat on a rainy street"],
        )
    )
    style: Style = Field(
        strict=False,  # strict mode accepts only enum members, and JSON has strings
        description=f"Must be one of: {', '.join(Style)}.",
        examples=["calm"],
    )
    duration: Annotated[
        int | float,
        Field(ge=MINIMUM_SECONDS, le=MAXIMUM_SECONDS),
        WithJsonSchema({"type": "number", "minimum": MINIMUM_SECONDS, "maximum": MAXIMUM_SECONDS}),
    ] = Field(
        description=f"Must be a number of seconds from {MINIMUM_SECONDS} to {MAXIMUM_SECONDS}. Fractions are allowed.",
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
        description="Must be a provider that requests may choose in this deployment. Omit it for the default.",
    )
    seed: Annotated[int, Field(ge=0, le=MAXIMUM_SEED), BeforeValidator(_to_whole)] = Field(
        0,
        description=f"Must be a whole number from 0 to {MAXIMUM_SEED}.",
        examples=[42],
    )
    negative_prompt: Annotated[str, Field(min_length=1, max_length=MAXIMUM_NEGATIVE_PROMPT_LENGTH)] = Field(
        "",
        alias="negativePrompt",
        description=f"Must be text of 1 to {MAXIMUM_NEGATIVE_PROMPT_LENGTH} characters: what not to show.",
        examples=["rain"],
    )
    sound: bool = Field(default=False, description="Must be true or false.", examples=[True])
    resolution: Resolution = Field(
        Resolution.P720,
        strict=False,
        description=f"Must be one of: {', '.join(Resolution)}.",
        examples=["720p"],
    )


class BatchRequest(BaseModel):
    """A request for several videos, accepted as a whole or refused. An item's priority overrides the batch's."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)  # most environments never parse a batch

    items: Annotated[list[GenerateRequest], Field(min_length=1, max_length=MAXIMUM_ITEMS)] = Field(
        description=f"Must be a list of 1 to {MAXIMUM_ITEMS} items. Each item has the fields of a single video.",
    )
    priority: Priority = Field(
        Priority.NORMAL,
        strict=False,
        description=f"Must be one of: {', '.join(Priority)}.",
        examples=["high"],
    )


_ITEM = "Must be a JSON object with the fields of a single video."


def parse_generate(
    body: dict[str, Any], *, allowed_providers: Sequence[str] = (), offers: "Callable[[], Offers] | None" = None
) -> NewJob:
    """Return the job that a body requests. A provider in the body must be one of `allowed_providers`.

    `offers` is called only for a request that not every provider can honour; see `check_capabilities`.

    Raises:
        ValidationFailed: If fields are missing, unknown or invalid, or the provider is not allowed or can't honour
            them, with one detail per field.
    """
    try:
        request = GenerateRequest.model_validate(body)
    except ValidationError as error:
        raise ValidationFailed(_details(error, GenerateRequest)) from None
    _check_providers({"provider": request.provider}, allowed_providers)
    job = _new_job(request)
    _check_capabilities([job], offers)
    return job


def parse_batch(
    body: dict[str, Any], *, allowed_providers: Sequence[str] = (), offers: "Callable[[], Offers] | None" = None
) -> list[NewJob]:
    """Return the jobs that a body requests, in its order, with the checks of `parse_generate`.

    Raises:
        ValidationFailed: If fields are missing, unknown or invalid, or a provider is not allowed, with one detail per
            field (`items[4].duration`), at most `MAXIMUM_DETAILS`.
    """
    try:
        batch = BatchRequest.model_validate(body)
    except ValidationError as error:
        raise ValidationFailed(_details(error, BatchRequest)) from None
    requested = {f"items[{index}].provider": item.provider for index, item in enumerate(batch.items)}
    _check_providers(requested, allowed_providers)
    jobs = [_new_job(item, batch.priority) for item in batch.items]
    _check_capabilities(jobs, offers, in_batch=True)
    return jobs


def _check_capabilities(
    jobs: Sequence[NewJob], offers: "Callable[[], Offers] | None", *, in_batch: bool = False
) -> None:
    if offers is not None and any(job.needs_capabilities for job in jobs):
        from videojobs.api.capabilities import check_capabilities

        check_capabilities(jobs, offers(), in_batch=in_batch)


def _check_providers(requested: Mapping[str, str], allowed: Sequence[str]) -> None:
    """Raise `ValidationFailed` with a detail for each field that names a provider outside `allowed`."""
    rule = (
        f"Must be one of: {', '.join(allowed)}." if allowed else "Can't be chosen in this deployment. Omit this field."
    )
    wrong = [field for field, name in requested.items() if name and name not in allowed]
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
        seed=request.seed if "seed" in request.model_fields_set else None,
        negative_prompt=request.negative_prompt or None,
        sound=request.sound,
        resolution=request.resolution,
    )


def _details(error: ValidationError, model: type[BaseModel]) -> list[ErrorDetail]:
    details: dict[str, ErrorDetail] = {}
    for problem in error.errors(include_url=False):
        # A union reports an error for each of its members below the field's name; one detail per field is enough.
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
    # Returns the rule and never the value: logs or proxies may keep the response, and the value is a user's text.
    if problem == "string_unicode":
        return "Contains an unpaired surrogate, which is not a valid character. Remove it."
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
            return f"Is not a field of {owner}. Use only: {', '.join(rules)}."
        case "string_too_long":
            return f"Has {len(str(value))} characters. {rules[str(name)]}"
        case _:
            return str(rules[str(name)])
