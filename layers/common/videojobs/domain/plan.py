"""Planner of the clips to generate, and of how to join and crop them to the requested length and size."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from math import inf
from typing import NamedTuple

from videojobs.domain.request import AspectRatio, Resolution

FRAMES_PER_SECOND = 24
CROSS_FADE_FRAMES = 8
"""Length of a cross-fade between two clips: a third of a second, in which motion is hardly noticeable."""

SIZES = {
    Resolution.P480: {
        AspectRatio.LANDSCAPE: (854, 480),
        AspectRatio.PORTRAIT: (480, 854),
        AspectRatio.SQUARE: (640, 640),
        AspectRatio.CLASSIC: (640, 480),
    },
    Resolution.P720: {
        AspectRatio.LANDSCAPE: (1280, 720),
        AspectRatio.PORTRAIT: (720, 1280),
        AspectRatio.SQUARE: (960, 960),
        AspectRatio.CLASSIC: (960, 720),
    },
    Resolution.P1080: {
        AspectRatio.LANDSCAPE: (1920, 1080),
        AspectRatio.PORTRAIT: (1080, 1920),
        AspectRatio.SQUARE: (1440, 1440),
        AspectRatio.CLASSIC: (1440, 1080),
    },
}
"""Width and height in pixels of the finished video, in even numbers, which `yuv420p` needs.

A square has the pixels of about 4:3. 854 is the even number next to 16:9 of 480 lines; the clip is cropped to it.
"""


class Clip(NamedTuple):
    """Clip that a provider makes in one generation. `price_usd` is None if the provider publishes no price.

    `resolution`: the resolution of the videos for which the clip is used. `has_sound`: whether it is made with sound.
    """

    width: int
    height: int
    seconds: float
    price_usd: Decimal | None = None
    resolution: Resolution = Resolution.P720
    has_sound: bool = False


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


def plan_video(
    seconds: float,
    aspect_ratio: AspectRatio,
    offer: Sequence[Clip],
    *,
    maximum_clips: int,
    resolution: Resolution = Resolution.P720,
    has_sound: bool = False,
) -> Plan | None:
    """Return the cheapest plan for a video, or None if at most `maximum_clips` clips of the offer can't make it.

    Only the clips of `select_clips` are used, and the result is scaled to the size of the resolution. Plans with the
    same price are compared by the fewest clips, then by the fewest frames to cut off, then by the most pixels kept.
    Unknown prices count as 0.
    """
    width, height = SIZES[resolution][aspect_ratio]
    frames = round(seconds * FRAMES_PER_SECOND)
    best: tuple[tuple[float, ...], Plan] | None = None
    suitable = select_clips(offer, resolution, has_sound=has_sound)
    for size in sorted({(clip.width, clip.height) for clip in suitable}):
        crop = _crop(*size, (width, height))
        clips = _choose(frames, [clip for clip in suitable if (clip.width, clip.height) == size], maximum_clips)
        if clips is None:
            continue
        plan = Plan(clips, crop, width, height, frames)
        rank = (*_rank(clips, frames), -min(crop[0], width) * min(crop[1], height))
        if best is None or rank < best[0]:
            best = (rank, plan)
    return best[1] if best else None


def select_clips(offer: Sequence[Clip], resolution: Resolution, *, has_sound: bool) -> list[Clip]:
    """Return the clips of a resolution; for the default resolution, all clips if the offer has none of it.

    Of these, the clips with sound, or without it, are returned; if there are none, the others.
    """
    clips = [clip for clip in offer if clip.resolution is resolution]
    if not clips and resolution is Resolution.P720:
        clips = list(offer)
    return [clip for clip in clips if clip.has_sound is has_sound] or clips


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
