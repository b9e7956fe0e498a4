"""Request body of POST, in a module of its own so that GET does not import pydantic."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class GenerateRequest(BaseModel):
    """Fields of a request for a video."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(min_length=1, max_length=1000, pattern=r"\S")
    style: str = Field(pattern="^(fun|calm|background)$")
    duration: int | float = Field(ge=1, le=60)
    aspect_ratio: str = Field(alias="aspectRatio", pattern="^(16:9|9:16|1:1|4:3)$")


def validate(body: str) -> dict[str, Any]:
    """Return the request's fields by their names in the API.

    Raises:
        ValueError: If the body is not JSON or violates the schema.
    """
    return GenerateRequest.model_validate(json.loads(body)).model_dump(by_alias=True)
