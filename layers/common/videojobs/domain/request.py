"""What a user can ask for."""

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How the video should feel."""

    FUN = "fun"
    CALM = "calm"
    BACKGROUND = "background"


class AspectRatio(StrEnum):
    """Width to height."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"
    CLASSIC = "4:3"


class Priority(StrEnum):
    """The lane that a job runs in: each has queues and workers of its own, so that neither waits for the other."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a user asked for, already validated. `duration` is in seconds, a whole or fractional number as it came.

    `provider`: the one that is to make it, and no other; None: whichever the deployment chooses.
    """

    prompt: str
    style: Style
    duration: int | float
    aspect_ratio: AspectRatio
    priority: Priority = Priority.NORMAL
    provider: str | None = None
