"""Typefaces of the media layer, shaped and rasterized by HarfBuzz, so that each machine draws the same pixels.

Pillow's text functions need FriBiDi for other scripts than Latin, and Lambda does not provide it.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from importlib.resources import files

import uharfbuzz  # type: ignore[import-untyped]
from PIL import Image

from videojobs_sketch.canvas import Stencil

_SUBPIXELS = 64
_REGULAR = 400


class Face(Enum):
    """List of typefaces in order of preference, each with its package, file, index in the file and weight."""

    DISPLAY = (
        ("fontpkg_rubik", "Rubik[wght].ttf", 0, 800),
        ("fontpkg_manrope", "Manrope[wght].ttf", 0, 800),
        ("fontpkg_noto_sans_arabic", "NotoSansArabic[wdth,wght].ttf", 0, 800),
        ("fontpkg_noto_sans_devanagari", "NotoSansDevanagari[wdth,wght].ttf", 0, 800),
        ("fontpkg_noto_sans_thai", "NotoSansThai[wdth,wght].ttf", 0, 800),
        ("paperang_p2_fonts_cjk", "wqy-microhei.ttc", 0, 700),
    )
    BOOK = (
        ("fontpkg_eb_garamond", "EBGaramond[wght].ttf", 0, 430),
        ("fontpkg_rubik", "Rubik[wght].ttf", 0, 300),
        ("fontpkg_manrope", "Manrope[wght].ttf", 0, 300),
        ("fontpkg_noto_sans_arabic", "NotoSansArabic[wdth,wght].ttf", 0, 300),
        ("fontpkg_noto_sans_devanagari", "NotoSansDevanagari[wdth,wght].ttf", 0, 300),
        ("fontpkg_noto_sans_thai", "NotoSansThai[wdth,wght].ttf", 0, 300),
        ("paperang_p2_fonts_cjk", "wqy-microhei.ttc", 0, 400),
    )

    def font_for(self, character: str) -> int | None:
        """Return the index of the first typeface that contains the character, or None if there is none."""
        for index, (package, file, number, _) in enumerate(self.value):
            if ord(character) in _covered(package, file, number):
                return index
        return None

    def covers(self, index: int, character: str) -> bool:
        """Return whether the typeface with this index contains the character."""
        package, file, number, _ = self.value[index]
        return ord(character) in _covered(package, file, number)

    def font(self, index: int, size: int) -> uharfbuzz.Font:
        """Return the font of the typeface with this index, at `size` pixels per em."""
        package, file, number, weight = self.value[index]
        return _font(package, file, number, weight, size)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters with the same typeface and writing direction; `font` is the index of the typeface."""

    text: str
    font: int


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


@lru_cache(maxsize=256)
def set_runs(runs: tuple[Run, ...], face: Face, size: int) -> Lettering:
    """Return the shaped and rasterized runs at `size` pixels per em; the runs are given from left to right.

    Characters without a glyph are left out.
    """
    raster = uharfbuzz.RasterDraw()
    raster.scale_factor = (_SUBPIXELS, _SUBPIXELS)
    pen = 0.0
    for run in runs:
        font = face.font(run.font, size)
        buffer = uharfbuzz.Buffer()
        buffer.add_str(run.text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(font, buffer)
        for glyph, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            if glyph.codepoint:
                raster.transform = (1, 0, 0, 1, pen + position.x_offset, position.y_offset)
                raster.draw_glyph(font, glyph.codepoint)
                pen += position.x_advance
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


@cache
def _face(package: str, file: str, number: int) -> uharfbuzz.Face:
    data = files(package).joinpath("fonts" if file.endswith(".ttc") else "files", file).read_bytes()
    return uharfbuzz.Face(uharfbuzz.Blob(data), number)


@cache
def _covered(package: str, file: str, number: int) -> frozenset[int]:
    return frozenset(_face(package, file, number).unicodes)


@lru_cache(maxsize=64)
def _font(package: str, file: str, number: int, weight: int, size: int) -> uharfbuzz.Font:
    font = uharfbuzz.Font(_face(package, file, number))
    font.scale = (size * _SUBPIXELS, size * _SUBPIXELS)
    font.set_variations({"wght": weight})
    if weight > _REGULAR and not font.face.axis_infos:
        font.synthetic_bold = (weight - _REGULAR) / 10_000
    return font
