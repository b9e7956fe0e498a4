"""Colours in OKLCH, in which they are chosen, and in BT.709 luma and chroma, in which the video stores them."""

import math
from dataclasses import dataclass

type Rgb = tuple[float, float, float]
"""Red, green and blue in sRGB, each from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Colour in the format of the video: BT.709 luma and chroma in limited range, 8 bits each."""

    luma: int
    blue: int
    red: int


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour in OKLCH: `lightness` from 0 to 1, `chroma` from 0 to 0.37, and `hue` in degrees.

    Colours of equal lightness look equally light for all hues: https://bottosson.github.io/posts/oklab/.
    """

    lightness: float
    chroma: float
    hue: float

    def lighter(self, by: float) -> "Colour":
        """Return the colour with its lightness changed by `by`, within 0 to 1."""
        return Colour(min(1.0, max(0.0, self.lightness + by)), self.chroma, self.hue)

    def turned(self, degrees: float) -> "Colour":
        """Return the colour with its hue rotated."""
        return Colour(self.lightness, self.chroma, (self.hue + degrees) % 360)

    def rgb(self) -> Rgb:
        """Return the colour in sRGB, with the chroma reduced to the sRGB gamut."""
        chroma = min(self.chroma, _most_chroma(self.lightness, self.hue))
        red, green, blue = (_gamma(min(1.0, max(0.0, part))) for part in _linear_rgb(self.lightness, chroma, self.hue))
        return red, green, blue

    def ink(self) -> Ink:
        """Return the colour in BT.709 limited range, the range that the encoder writes to the file."""
        red, green, blue = self.rgb()
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return Ink(
            round(16 + 219 * luma),
            round(128 + 224 * (blue - luma) / 1.8556),
            round(128 + 224 * (red - luma) / 1.5748),
        )


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio (1 to 21) of WCAG 2, which requires 4.5 for text."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def legible_under(background: Colour, text: Colour, ratio: float = 4.5) -> Colour:
    """Return `background`, with its lightness moved away from that of `text` until their contrast is at least `ratio`.

    Only this direction is tried: if its end, black or white, has less contrast, that is returned.
    """
    step = -0.02 if text.lightness > background.lightness else 0.02
    while contrast(background, text) < ratio and 0 < background.lightness < 1:
        background = background.lighter(step)
    return background


def vivid(hue: float, darkest: float, lightest: float) -> Colour:
    """Return a strong colour of a hue, at the lightness within the limits that allows the most chroma.

    Yellow becomes light, and blue dark.
    """
    steps = [darkest + (lightest - darkest) * step / 12 for step in range(13)]
    lightness = max(steps, key=lambda step: _most_chroma(step, hue))
    return Colour(lightness, min(0.2, 0.88 * _most_chroma(lightness, hue)), hue % 360)


def between(one: Colour, other: Colour, share: float) -> Colour:
    """Return the mix of two colours with `share` (0 to 1) of `other`; the hue takes the shorter way, to avoid grey."""
    way = (other.hue - one.hue + 180) % 360 - 180
    return Colour(
        one.lightness + (other.lightness - one.lightness) * share,
        one.chroma + (other.chroma - one.chroma) * share,
        (one.hue + way * share) % 360,
    )


def _luminance(colour: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.rgb())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _most_chroma(lightness: float, hue: float) -> float:
    low, high = 0.0, 0.37
    for _ in range(10):
        middle = (low + high) / 2
        if _in_gamut(_linear_rgb(lightness, middle, hue)):
            low = middle
        else:
            high = middle
    return low


def _linear_rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _in_gamut(rgb: Rgb) -> bool:
    return all(-0.0005 <= part <= 1.0005 for part in rgb)


def _gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
