"""The format of a video."""

from fractions import Fraction
from typing import NamedTuple


class VideoFormat(NamedTuple):
    """The size in pixels and the frame rate of a video."""

    width: int
    height: int
    frames_per_second: int

    @property
    def ratio(self) -> str:
        """The aspect ratio in lowest terms: `16:9`."""
        ratio = Fraction(self.width, self.height)
        return f"{ratio.numerator}:{ratio.denominator}"
