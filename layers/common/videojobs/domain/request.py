"""Fields of a request for a video."""

from enum import StrEnum
from os import urandom
from typing import NamedTuple


class Style(StrEnum):
    """Style of a video."""

    FUN = "fun"
    CALM = "calm"
    BACKGROUND = "background"


class AspectRatio(StrEnum):
    """Ratio of width to height."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"
    CLASSIC = "4:3"


class Resolution(StrEnum):
    """Resolution of a video: the pixels of the shorter side, except that of a square (`domain.plan.size_of`)."""

    P480 = "480p"
    P720 = "720p"
    P1080 = "1080p"


MAXIMUM_SEED = 2**32 - 1
"""The largest seed. Providers document at most 32 bits."""


def new_seed() -> int:
    """Return a random seed."""
    return int.from_bytes(urandom(4))


class Priority(StrEnum):
    """Priority of a job. Each priority has its own queues and workers, so that neither waits for the other."""

    NORMAL = "normal"
    HIGH = "high"


class NewJob(NamedTuple):
    """Validated request for a video. `duration` is in seconds, whole or fractional as in the request.

    `provider`: the only provider that may make the video, or None to let the deployment choose. `seed`: from 0 to
    `MAXIMUM_SEED`, or None. `negative_prompt`: what the video should not show. `sound`: whether it should have sound.
    """

    prompt: str
    style: Style
    duration: int | float
    aspect_ratio: AspectRatio
    priority: Priority = Priority.NORMAL
    provider: str | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    sound: bool = False
    resolution: Resolution = Resolution.P720

    @property
    def needs_capabilities(self) -> bool:
        """Return whether the request has a field that not every provider can honour."""
        has_any = self.seed is not None or self.negative_prompt is not None or self.sound
        return has_any or self.resolution is not Resolution.P720
