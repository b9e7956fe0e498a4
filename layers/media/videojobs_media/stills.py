"""Poster and animated preview of a video, taken from a part that shows much detail."""

import io
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import av
from PIL import Image, ImageChops, ImageStat

from videojobs_media.inspect import seconds_of
from videojobs_media.media_file import Media, open_media, unreadable_video

_PREVIEW_SECONDS = 2.5
_FRAMES_PER_SECOND = 12
_MAXIMUM_BYTES = 500_000
_PREVIEW_PIXELS = 480 * 270
"""Maximum number of pixels of a preview frame. A limit on pixels gives every aspect ratio a similar cost and size."""
_FINE, _COARSE = 85, 70
"""WebP quality, from 0 to 100.

At the coarse quality, WebP drops slow and soft motion, which leaves torn edges. They are not visible in a busy video,
for which the fine quality gives a file that is too large.
"""
_THUMB_PIXELS = 160 * 90
"""Maximum number of pixels of the thumbs whose detail is measured."""
_POSTER_EVERY = 3
"""Interval of the poster candidates, in frames of the preview."""
_QUICK_SAMPLES, _THOROUGH_SAMPLES = 8, 12
_QUICK_SECONDS = 2
"""Quick samples are taken at multiples of this time, where a sketch has key frames, which decode alone."""
_MINIMUM_DETAIL = 1000
"""Detail of a thumb that is not nearly of one colour. A white thumb has 870."""


def write_pictures(video: Path, *, poster: Path, preview: Path, moment: float | None = None) -> None:
    """Write the poster, a JPEG in the video's size, and the preview, a looping animated WebP under 500 kB.

    The preview lasts 2.5 seconds, or as long as a shorter video. The poster is the frame of the preview that is shown
    at `moment`, a time in seconds, or without it a frame of the preview with much detail.

    Raises:
        ProviderError: If the file is not a readable video. Transient: another attempt may succeed.
        OSError: If a picture can't be written.
    """
    times: list[float] = []
    preview_frames: list[Image.Image] = []
    poster_candidates: list[av.VideoFrame] = []  # in full size, at which all frames of a 4K video would take 370 MB
    with open_media(video) as media:
        clip = _Clip(media)
        start = _choose_start(clip) if moment is None else _start_around(moment, clip.seconds)
        stop = min(start + _PREVIEW_SECONDS, clip.seconds)
        for index, (at, frame) in enumerate(_spaced(clip.frames_from(start), start, stop)):
            times.append(at)
            preview_frames.append(_shrunk_frame(frame, _PREVIEW_PIXELS))
            if moment is not None and (at <= moment + 0.001 or not poster_candidates):
                poster_candidates = [frame]
            elif moment is None and index % _POSTER_EVERY == 0:
                poster_candidates.append(frame)
        if not poster_candidates:
            raise unreadable_video()
        chosen = _choose_still(preview_frames[::_POSTER_EVERY]) if moment is None else 0
        still = _image(poster_candidates[chosen])
    still.save(poster, "JPEG", quality=86, optimize=True, progressive=True)
    preview.write_bytes(_animate(preview_frames, _milliseconds([start, *times[1:], stop])))


class _Clip:
    """Open video file. Times are in seconds and start at 0, even if the timestamps in the file start later."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._zero = float((media.pictures.start_time or 0) * (media.pictures.time_base or 0))
        self.seconds = seconds_of(media.container, media.pictures)

    def frames_from(self, seconds: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield the frames from that time on, each with its time."""
        self._media.container.seek(int((self._zero + seconds) * av.time_base), backward=True)
        for frame in self._media.decode_pictures():
            at = (frame.time or 0.0) - self._zero
            if at >= seconds - 0.001:
                yield at, frame


def _start_around(moment: float, seconds: float) -> float:
    """Return the start of a preview that shows `moment` near its end, after the text has appeared."""
    return max(0.0, min(moment - 0.8 * _PREVIEW_SECONDS, seconds - _PREVIEW_SECONDS))


def _choose_start(clip: _Clip) -> float:
    """Return the start of the preview in seconds: a time with much detail, preferably near 40 % of the video.

    A few times that are fast to decode are tried first. More times, spread over the whole video, are tried only if none
    of these shows enough detail.
    """
    latest = clip.seconds - _PREVIEW_SECONDS
    if latest <= 0:
        return 0.0
    every = min(latest, _QUICK_SECONDS * math.ceil(latest / _QUICK_SECONDS / _QUICK_SAMPLES))
    quick_times = [every * index for index in range(int(latest / every) + 1)]
    thorough_times = [clip.seconds * index / _THOROUGH_SAMPLES for index in range(_THOROUGH_SAMPLES)]

    def score(at: float) -> float:
        _, frame = next(clip.frames_from(at), (at, None))
        return _detail(_shrunk_frame(frame, _THUMB_PIXELS)) * (1 - abs(at / clip.seconds - 0.4) / 4) if frame else 0.0

    for times in (quick_times, thorough_times):
        best_score, best_time = max((score(at), at) for at in times)
        if best_score > _MINIMUM_DETAIL:
            break
    return min(best_time, latest)


def _choose_still(images: Sequence[Image.Image]) -> int:
    """Return the index of the image with the best ratio of detail to change from its neighbours.

    An image that differs much from its neighbours is probably part of a transition.
    """
    thumbs = [_shrunk(image, _THUMB_PIXELS) for image in images]

    def score(index: int) -> float:
        neighbours = thumbs[max(0, index - 1) : index + 2]
        change = max(
            sum(ImageStat.Stat(ImageChops.difference(thumbs[index], neighbour)).mean) for neighbour in neighbours
        )
        return _detail(thumbs[index]) / (1 + change / 18)

    return max(range(len(thumbs)), key=score)


def _detail(thumb: Image.Image) -> float:
    """Return a measure of the detail of an image: its size as a JPEG in bytes, reduced for dark images."""
    data = io.BytesIO()
    thumb.save(data, "JPEG", quality=70)
    tones = thumb.convert("L").histogram()
    bright = sum(tones[40:]) / sum(tones)
    return data.tell() * min(1.0, 0.2 + 4 * bright)


def _spaced(
    frames: Iterator[tuple[float, av.VideoFrame]], start: float, stop: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield at most 12 frames per second from `start` to `stop`, each with its time. At least the first is yielded."""
    count = 0
    for at, frame in frames:
        if count and at >= stop - 0.001:
            return
        if at >= start + count / _FRAMES_PER_SECOND - 0.001:
            count += 1
            yield at, frame


def _milliseconds(times: Sequence[float]) -> list[int]:
    """Return the time from each entry to the next, in milliseconds. Rounding errors do not add up."""
    return [round(1000 * end) - round(1000 * begin) for begin, end in pairwise(times)]


def _animate(images: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """Return an animated WebP under 500 kB. While the result is too large, encode it again with fewer pixels."""
    middle = len(images) // 2
    busy = len(images) * len(_webp(images[middle : middle + 1], [0], _FINE)) > 1.1 * _MAXIMUM_BYTES
    pixels, quality = _PREVIEW_PIXELS, _COARSE if busy else _FINE
    while True:
        data = _webp([_shrunk(image, pixels) for image in images], milliseconds, quality)
        if len(data) < _MAXIMUM_BYTES:
            return data
        pixels, quality = int(pixels * min(0.8, _MAXIMUM_BYTES / len(data))), _COARSE


def _webp(images: Sequence[Image.Image], milliseconds: Sequence[int], quality: int) -> bytes:
    data = io.BytesIO()
    images[0].save(
        data,
        "WEBP",
        save_all=True,
        append_images=images[1:],
        duration=list(milliseconds),
        loop=0,
        quality=quality,
        method=2,
        # only the first frame is a key frame: a loop needs no seeking, and key frames cost size and encoding time
        kmin=0,
        kmax=0,
    )
    return data.getvalue()


def _shrunk_frame(frame: av.VideoFrame, pixels: int) -> Image.Image:
    """Return the frame as an image of at most `pixels` pixels. FFmpeg scales it, which is much faster than Pillow."""
    width, height = _within(pixels, frame.width, frame.height)
    return _image(frame.reformat(width, height, format="rgb24", interpolation="AREA"))


def _shrunk(image: Image.Image, pixels: int) -> Image.Image:
    return image.resize(_within(pixels, *image.size), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _within(pixels: int, width: int, height: int) -> tuple[int, int]:
    """Return the largest size with that aspect ratio and at most `pixels` pixels. A smaller size is unchanged."""
    factor = min(1.0, math.sqrt(pixels / (width * height)))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _image(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image
