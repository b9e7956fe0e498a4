"""Fields of a request for a video."""

from enum import StrEnum
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


class Priority(StrEnum):
    """Priority of a job. Each priority has its own queues and workers, so that neither waits for the other."""

    NORMAL = "normal"
    HIGH = "high"


class NewJob(NamedTuple):
    """Validated request for a video. `duration` is in seconds, whole or fractional as in the request.

    `provider`: the only provider that may make the video, or None to let the deployment choose.
    """

    prompt: str
    style: Style
    duration: int | float
    aspect_ratio: AspectRatio
    priority: Priority = Priority.NORMAL
    provider: str | None = None
