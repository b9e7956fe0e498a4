"""Estimate of a video that is not requested yet, in a module that few requests import."""

from dataclasses import dataclass

from videojobs.domain.production import Production
from videojobs.domain.request import NewJob


@dataclass(frozen=True, slots=True)
class VideoEstimate:
    """Estimate of a video that is not requested yet.

    `production`: None if the provider makes the whole video in one task. `ignored`: the fields of the request that the
    provider can't honour. `seconds`: the usual duration of similar jobs, or None if none is recorded.
    """

    request: NewJob
    provider: str
    production: Production | None
    ignored: tuple[str, ...]
    seconds: int | None
