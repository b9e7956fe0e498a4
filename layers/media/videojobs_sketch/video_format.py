"""Format of a video."""

from fractions import Fraction
from typing import NamedTuple


class VideoFormat(NamedTuple):
    """Size in pixels and frame rate of a video."""

    width: int
    height: int
    frames_per_second: int

    @property
    def ratio(self) -> str:
        """Return the nearest aspect ratio in terms of up to 16, such as `16:9` for 854 × 480."""
        ratio = Fraction(self.width, self.height).limit_denominator(16)
        return f"{ratio.numerator}:{ratio.denominator}"
