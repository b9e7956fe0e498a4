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
        """Return the aspect ratio in lowest terms, such as `16:9`."""
        ratio = Fraction(self.width, self.height)
        return f"{ratio.numerator}:{ratio.denominator}"
