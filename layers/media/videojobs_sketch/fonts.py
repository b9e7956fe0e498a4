"""Typefaces of the media layer, shaped and rasterized by HarfBuzz, so that each machine draws the same pixels.

Pillow's text functions need FriBiDi for other scripts than Latin, and Lambda does not provide it.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from importlib.resources import files

import uharfbuzz  # type: ignore[import-untyped]
from PIL import Image

from videojobs_sketch.canvas import Stencil

JOINERS = "\u200c\u200d"
_SUBPIXELS = 64
_REGULAR = 400


# fmt: off
_NOTO = (
    "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Kannada", "Khmer",
    "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai",
)
# fmt: on
"""Scripts of the typefaces Noto Sans, most of which no other typeface of the layer contains."""


def _fallbacks(weight: int, cjk_weight: int) -> tuple[tuple[str, str, int], ...]:
    return (
        *(("manimgx_fonts", f"NotoSans{script}[wght].ttf", weight) for script in _NOTO),
        ("paperang_p2_fonts_cjk", "fonts/wqy-microhei.ttc", cjk_weight),
        ("manimgx_fonts", "NotoSansSymbols[wght].ttf", weight),
        ("manimgx_fonts", "NotoEmoji[wght].ttf", min(weight, 700)),
    )


class Face(Enum):
    """List of typefaces in order of preference, each with its package, file and weight."""

    DISPLAY = (
        ("fontpkg_rubik", "files/Rubik[wght].ttf", 800),
        ("fontpkg_manrope", "files/Manrope[wght].ttf", 800),
        *_fallbacks(800, 700),
    )
    BOOK = (
        ("fontpkg_eb_garamond", "files/EBGaramond[wght].ttf", 430),
        ("fontpkg_rubik", "files/Rubik[wght].ttf", 300),
        ("fontpkg_manrope", "files/Manrope[wght].ttf", 300),
        *_fallbacks(300, 400),
    )

    def font_for(self, text: str) -> int | None:
        """Return the index of the first typeface that contains all characters of a text, or None."""
        for index in range(len(self.value)):
            if self.covers(index, text):
                return index
        return None

    def covers(self, index: int, text: str) -> bool:
        """Return whether the typeface with this index contains all characters of a text."""
        package, file, _ = self.value[index]
        covered = _covered(package, file)
        return all(ord(character) in covered for character in text)

    def font(self, index: int, size: int) -> uharfbuzz.Font:
        """Return the font of the typeface with this index, at `size` pixels per em."""
        package, file, weight = self.value[index]
        return _font(package, file, weight, size)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters with the same typeface and writing direction; `font` is the index of the typeface."""

    text: str
    font: int
    is_rtl: bool = False


@dataclass(frozen=True, slots=True)
class Lettering:
    """Shaped and rasterized word. `advance` is its width in pixels.

    `left` and `top` are the position of the stencil relative to the start of the baseline, in pixels; `top` is usually
    negative. `stencil` is None if nothing is drawn.
    """

    advance: float
    left: int
    top: int
    stencil: Stencil | None


def script_of(character: str) -> str:
    """Return the first word of the character's name, which is its script: `LATIN`, `HEBREW`; `CJK` includes kana."""
    name = unicodedata.name(character, "").partition(" ")[0]
    return "CJK" if name in {"HIRAGANA", "KATAKANA", "FULLWIDTH", "HALFWIDTH", "BOPOMOFO"} else name


def advance_of(runs: tuple[Run, ...], face: Face, size: int) -> float:
    """Return the width in pixels of the runs at `size` pixels per em."""
    return sum(x for run in runs for _, x, _, _ in _shaped(run, face.font(run.font, size))) / _SUBPIXELS


@lru_cache(maxsize=256)
def set_runs(runs: tuple[Run, ...], face: Face, size: int) -> Lettering:
    """Return the shaped and rasterized runs at `size` pixels per em; the runs are given from left to right."""
    raster = uharfbuzz.RasterDraw()
    raster.scale_factor = (_SUBPIXELS, _SUBPIXELS)
    pen = 0.0
    for run in runs:
        font = face.font(run.font, size)
        for glyph, advance, x, y in _shaped(run, font):
            raster.transform = (1, 0, 0, 1, pen + x, y)
            raster.draw_glyph(font, glyph)
            pen += advance
    image = raster.render()
    extents = image.extents
    stencil = None
    if extents.width and extents.height:
        # HarfBuzz returns the bottom row first. An even size with a margin keeps the chroma planes aligned.
        ink = Image.frombytes("L", (extents.width, extents.height), bytes(image.buffer), "raw", "L", extents.stride, -1)
        paper = Image.new("L", (extents.width + 2 + extents.width % 2, extents.height + 2 + extents.height % 2))
        paper.paste(ink, (1, 1))
        stencil = Stencil.of(paper)
    return Lettering(pen / _SUBPIXELS, extents.x_origin - 1, -(extents.y_origin + extents.height) - 1, stencil)


def _shaped(run: Run, font: uharfbuzz.Font) -> Iterator[tuple[int, float, float, float]]:
    """Yield each glyph with its advance and its offset; characters without a glyph are left out."""
    buffer = uharfbuzz.Buffer()
    buffer.add_str(run.text)
    buffer.direction = "rtl" if run.is_rtl else "ltr"
    buffer.language = "und"  # otherwise the locale of the machine
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    for glyph, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if glyph.codepoint:
            yield glyph.codepoint, position.x_advance, position.x_offset, position.y_offset


@cache
def _face(package: str, file: str) -> uharfbuzz.Face:
    return uharfbuzz.Face(uharfbuzz.Blob(files(package).joinpath(file).read_bytes()))


@cache
def _covered(package: str, file: str) -> frozenset[int]:
    return frozenset(_face(package, file).unicodes)


@lru_cache(maxsize=64)
def _font(package: str, file: str, weight: int, size: int) -> uharfbuzz.Font:
    font = uharfbuzz.Font(_face(package, file))
    font.scale = (size * _SUBPIXELS, size * _SUBPIXELS)
    font.set_variations({"wght": weight})
    if weight > _REGULAR and not font.face.axis_infos:
        font.synthetic_bold = (weight - _REGULAR) / 10_000
    return font
