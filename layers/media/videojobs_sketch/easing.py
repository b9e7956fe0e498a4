"""Easing functions, after Robert Penner (http://robertpenner.com/easing/)."""

import math


def part(value: float, start: float, length: float) -> float:
    """Return the elapsed part (0 to 1) of an interval that begins at `start`: 0 before it and 1 after it."""
    if length <= 0:
        return 1.0 if value >= start else 0.0
    return min(1.0, max(0.0, (value - start) / length))


def smooth(t: float) -> float:
    """Return `t` (0 to 1) eased at both ends."""
    return t * t * t * (t * (6 * t - 15) + 10)


def overshoot(t: float, by: float = 1.5) -> float:
    """Return `t` (0 to 1) eased so that it exceeds 1 before it ends at 1; `by` sets by how much."""
    return 1 + (by + 1) * (t - 1) ** 3 + by * (t - 1) ** 2


def swing(turn: float) -> float:
    """Return a sine wave (-1 to 1) with a period of 1."""
    return math.sin(2 * math.pi * turn)


def bounce(turn: float) -> float:
    """Return the height (0 to 1) of a bouncing ball that touches the floor at each whole `turn`."""
    phase = turn % 1
    return 4 * phase * (1 - phase)
