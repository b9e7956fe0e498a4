"""Planner of the clips to generate, and of how to join and crop them to the requested length and size."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from math import inf
from typing import NamedTuple

from videojobs.domain.request import AspectRatio

FRAMES_PER_SECOND = 24
CROSS_FADE_FRAMES = 8
"""Length of a cross-fade between two clips: a third of a second, in which motion is hardly noticeable."""

SIZES = {
    AspectRatio.LANDSCAPE: (1280, 720),
    AspectRatio.PORTRAIT: (720, 1280),
    AspectRatio.SQUARE: (960, 960),
    AspectRatio.CLASSIC: (960, 720),
}
"""Width and height in pixels of the finished video."""


class Clip(NamedTuple):
    """Clip that a provider makes in one generation. `price_usd` is None if the provider publishes no price."""

    width: int
    height: int
    seconds: float
    price_usd: Decimal | None = None


class Plan(NamedTuple):
    """Clips of one size and how to join them, each with a cross-fade from the clip before.

    `crop`: width and height in pixels of the area in the middle of each frame that is scaled to `width` × `height`.
    `frames`: the length of the video. The joined clips are at least as long and are cut there.
    """

    clips: tuple[Clip, ...]
    crop: tuple[int, int]
    width: int
    height: int
    frames: int

    @property
    def joined_frames(self) -> int:
        """Return the length of the joined clips in frames, less their cross-fades."""
        return sum(map(_frames, self.clips)) - CROSS_FADE_FRAMES * (len(self.clips) - 1)

    @property
    def price_usd(self) -> Decimal | None:
        """Return the price of all clips in US dollars, or None if a price is not known."""
        prices = [clip.price_usd for clip in self.clips]
        return None if None in prices else sum((price for price in prices if price is not None), Decimal(0))


def plan_video(seconds: float, aspect_ratio: AspectRatio, offer: Sequence[Clip], *, maximum_clips: int) -> Plan | None:
    """Return the cheapest plan for a video, or None if at most `maximum_clips` clips of the offer can't make it.

    Plans with the same price are compared by the fewest clips, then by the fewest frames to cut off, then by the most
    pixels kept. Unknown prices count as 0.
    """
    width, height = SIZES[aspect_ratio]
    frames = round(seconds * FRAMES_PER_SECOND)
    best: tuple[tuple[float, ...], Plan] | None = None
    for size in sorted({(clip.width, clip.height) for clip in offer}):
        crop = _crop(*size, (width, height))
        clips = _choose(frames, [clip for clip in offer if (clip.width, clip.height) == size], maximum_clips)
        if clips is None:
            continue
        plan = Plan(clips, crop, width, height, frames)
        rank = (*_rank(clips, frames), -min(crop[0], width) * min(crop[1], height))
        if best is None or rank < best[0]:
            best = (rank, plan)
    return best[1] if best else None


def _frames(clip: Clip) -> int:
    return int(Decimal(str(clip.seconds)) * FRAMES_PER_SECOND)


def _rank(clips: Sequence[Clip], frames: int) -> tuple[float, ...]:
    price = sum(float(clip.price_usd or 0) for clip in clips)
    return (round(price, 6), len(clips), sum(map(_frames, clips)) - CROSS_FADE_FRAMES * len(clips) - frames)


def _choose(frames: int, offer: Sequence[Clip], maximum_clips: int) -> tuple[Clip, ...] | None:
    """Return the cheapest clips that are long enough once joined, the longest first, or None: a covering knapsack."""
    gains = {clip: _frames(clip) - CROSS_FADE_FRAMES for clip in offer if _frames(clip) > CROSS_FADE_FRAMES}

    @cache
    def cover(missing: int, left: int) -> tuple[tuple[float, ...], tuple[Clip, ...]]:
        if missing <= 0:
            return (0.0, 0, -missing), ()
        if left == 0:
            return (inf, inf, inf), ()
        best: tuple[tuple[float, ...], tuple[Clip, ...]] = ((inf, inf, inf), ())
        for clip, gain in gains.items():
            (price, count, surplus), rest = cover(missing - gain, left - 1)
            rank = (round(price + float(clip.price_usd or 0), 6), count + 1, surplus)
            if rank < best[0]:
                best = (rank, (clip, *rest))
        return best

    (price, _, _), clips = cover(frames - CROSS_FADE_FRAMES, maximum_clips)
    return None if price == inf else tuple(sorted(clips, key=_frames, reverse=True))


def _crop(width: int, height: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the largest area with the aspect ratio of `size`, in even numbers of pixels, which `yuv420p` needs."""
    across, down = size
    if width * down > height * across:
        return (height * across // down // 2 * 2, height // 2 * 2)
    return (width // 2 * 2, width * down // across // 2 * 2)
