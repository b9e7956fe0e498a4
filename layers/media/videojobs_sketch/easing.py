"""How things move: curves from 0 to 1, after Robert Penner's (http://robertpenner.com/easing/)."""

import math


def part(value: float, start: float, length: float) -> float:
    """How much of a stretch of time is over: 0 before it, 1 after it."""
    if length <= 0:
        return 1.0 if value >= start else 0.0
    return min(1.0, max(0.0, (value - start) / length))


def smooth(t: float) -> float:
    """Starts and ends gently."""
    return t * t * t * (t * (6 * t - 15) + 10)


def overshoot(t: float, by: float = 1.5) -> float:
    """Goes past its goal and swings back."""
    return 1 + (by + 1) * (t - 1) ** 3 + by * (t - 1) ** 2


def swing(turn: float) -> float:
    """-1 to 1 and back while `turn` grows by 1; the same at every whole turn."""
    return math.sin(2 * math.pi * turn)


def bounce(turn: float) -> float:
    """The height of a ball, 0–1, that touches the floor at every whole turn."""
    phase = turn % 1
    return 4 * phase * (1 - phase)
