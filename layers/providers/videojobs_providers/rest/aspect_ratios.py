"""Aspect ratios by the size of a clip, for APIs that take a ratio at 720p instead of a size.

These APIs do not document sizes in pixels. The sizes are those that other APIs use for 720p.
"""

from collections.abc import Mapping

type RatioBySize = Mapping[tuple[int, int], str]

WIDE: RatioBySize = {(1280, 720): "16:9", (720, 1280): "9:16"}
WIDE_AND_SQUARE: RatioBySize = {**WIDE, (960, 960): "1:1"}
RATIOS: RatioBySize = {**WIDE_AND_SQUARE, (960, 720): "4:3"}
