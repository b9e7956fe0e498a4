"""The typefaces that ship with the media layer, shaped and rasterised by HarfBuzz, so that every machine draws alike.

Pillow's own text needs FriBiDi from the system for anything beyond Latin, and a Lambda has none.
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
    """A voice to set text in: typefaces in order of preference, each with its package, file, index and weight."""

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
        """Which of its typefaces has the character, or None."""
        for index, (package, file, number, _) in enumerate(self.value):
            if ord(character) in _covered(package, file, number):
                return index
        return None

    def covers(self, index: int, character: str) -> bool:
        """Whether that one of its typefaces has the character."""
        package, file, number, _ = self.value[index]
        return ord(character) in _covered(package, file, number)

    def font(self, index: int, size: int) -> uharfbuzz.Font:
        """That one of its typefaces, ready to shape and draw at `size` pixels an em."""
        package, file, number, weight = self.value[index]
        return _font(package, file, number, weight, size)


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that one typeface sets in one direction."""

    text: str
    font: int


@dataclass(frozen=True, slots=True)
class Lettering:
    """A word set in type: how far it advances, and its ink, placed relative to the pen's start on the base line.

    `top` is above the base line and so mostly negative; `stencil` is None where there is no ink.
    """

    advance: float
    left: int
    top: int
    stencil: Stencil | None


@lru_cache(maxsize=256)
def set_runs(runs: tuple[Run, ...], face: Face, size: int) -> Lettering:
    """Shape and rasterise runs, given from left to right."""
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
        # rows come bottom first; an even size with a margin keeps the chroma half in step
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
