"""The pictures of a video, where there is something to see: a few seconds that move, and a still for a poster."""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from PIL import Image, ImageChops, ImageStat

from videojobs.adapters.media.inspect import seconds_of, unreadable_video

_PREVIEW_SECONDS = 2.5
_FRAMES_PER_SECOND = 12
_MAXIMUM_BYTES = 500_000
_PREVIEW_PIXELS = 480 * 270
"""At most: whatever the ratio, it takes the same time and about as many bytes."""
_FINE, _COARSE = 85, 70
"""WebP's quality. It takes slow and soft motion for none where it is coarse, and leaves torn edges; in what is busy and
would be too large they are not seen."""
_JUDGED_PIXELS = 160 * 90
_POSTER_EVERY = 3
"""Each how many of the preview's frames one may become the poster."""
_QUICK_LOOKS, _THOROUGH_LOOKS = 8, 12
_QUICK_SECONDS = 2
"""Quick looks are at multiples of it: there a sketch has its key frames, which are decoded alone."""
_SOMETHING_TO_SEE = 1000
"""The worth of a thumb that is not nearly of one colour: white alone is worth 870."""


def write_pictures(video: Path, *, poster: Path, preview: Path) -> None:
    """Write the poster, a JPEG of the video's size, and the preview, an animated WebP under 500 kB that runs in a loop.

    The preview has 2.5 seconds, or all of a shorter video; the poster is the frame of it with the most to see.

    Raises:
        ProviderError: the file is no readable video.
    """
    moments: list[float] = []
    small: list[Image.Image] = []
    full: list[av.VideoFrame] = []  # the poster's candidates alone: all would be 370 MB of a video in 4K
    with _opened(video) as clip:
        start = _choose_start(clip)
        stop = min(start + _PREVIEW_SECONDS, clip.seconds)
        for index, (at, frame) in enumerate(_spaced(clip.frames_from(start), start, stop)):
            moments.append(at)
            small.append(_shrunk_frame(frame, _PREVIEW_PIXELS))
            if index % _POSTER_EVERY == 0:
                full.append(frame)
        if not full:
            raise unreadable_video()
        still = _image(full[_choose_still(small[::_POSTER_EVERY])])
    still.save(poster, "JPEG", quality=86, optimize=True, progressive=True)
    preview.write_bytes(_animate(small, _milliseconds([start, *moments[1:], stop])))


class _Clip:
    """An open video, whose time begins at 0 whatever its file says."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        self._stream = container.streams.video[0]
        self._zero = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        self.seconds = seconds_of(container, self._stream)

    def frames_from(self, seconds: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """The frames from that time on, each with its own time."""
        self._container.seek(int((self._zero + seconds) * av.time_base), backward=True)
        for frame in self._container.decode(self._stream):
            at = (frame.time or 0.0) - self._zero
            if at >= seconds - 0.001:
                yield at, frame


@contextmanager
def _opened(video: Path) -> Iterator[_Clip]:
    try:
        with av.open(str(video)) as container:
            yield _Clip(container)
    except (FFmpegError, IndexError, ValueError) as error:
        raise unreadable_video() from error


def _choose_start(clip: _Clip) -> float:
    """When the preview begins: where there is much to see, rather in the middle than at the ends.

    All of the video is searched only where a few quick looks found nothing.
    """
    latest = clip.seconds - _PREVIEW_SECONDS
    if latest <= 0:
        return 0.0
    every = min(latest, _QUICK_SECONDS * math.ceil(latest / _QUICK_SECONDS / _QUICK_LOOKS))
    quick = [every * look for look in range(int(latest / every) + 1)]
    thorough = [clip.seconds * look / _THOROUGH_LOOKS for look in range(_THOROUGH_LOOKS)]

    def look(at: float) -> float:
        _, frame = next(clip.frames_from(at), (at, None))
        return _worth(_shrunk_frame(frame, _JUDGED_PIXELS)) * (1 - abs(at / clip.seconds - 0.4) / 4) if frame else 0.0

    for places in (quick, thorough):
        worth, best = max((look(place), place) for place in places)
        if worth > _SOMETHING_TO_SEE:
            break
    return min(best, latest)


def _choose_still(images: Sequence[Image.Image]) -> int:
    """The index of the one with the most to see, and least in the middle of changing."""
    thumbs = [_shrunk(image, _JUDGED_PIXELS) for image in images]

    def worth(index: int) -> float:
        beside = thumbs[max(0, index - 1) : index + 2]
        change = max(sum(ImageStat.Stat(ImageChops.difference(thumbs[index], other)).mean) for other in beside)
        return _worth(thumbs[index]) / (1 + change / 18)

    return max(range(len(thumbs)), key=worth)


def _worth(thumb: Image.Image) -> float:
    """How much there is to see: what it weighs as a JPEG; less where it is dark."""
    data = io.BytesIO()
    thumb.save(data, "JPEG", quality=70)
    tones = thumb.convert("L").histogram()
    bright = sum(tones[40:]) / sum(tones)
    return data.tell() * min(1.0, 0.2 + 4 * bright)


def _spaced(
    frames: Iterator[tuple[float, av.VideoFrame]], start: float, stop: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Twelve frames a second, or fewer; their number is bounded, however many the video has."""
    count = 0
    for at, frame in frames:
        if count and at >= stop - 0.001:
            return
        if at >= start + count / _FRAMES_PER_SECOND - 0.001:
            count += 1
            yield at, frame


def _milliseconds(moments: Sequence[float]) -> list[int]:
    """From each to the next, so rounded that no error adds up."""
    return [round(1000 * end) - round(1000 * begin) for begin, end in pairwise(moments)]


def _animate(images: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """An animated WebP of bounded size: as long as it is too large, it is made again, smaller."""
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
        # no key frame but the first: nobody seeks in a loop, and they make it larger and slower to write
        kmin=0,
        kmax=0,
    )
    return data.getvalue()


def _shrunk_frame(frame: av.VideoFrame, pixels: int) -> Image.Image:
    """A small picture of it: FFmpeg shrinks far quicker than Pillow."""
    width, height = _within(pixels, frame.width, frame.height)
    return _image(frame.reformat(width, height, format="rgb24", interpolation="AREA"))


def _shrunk(image: Image.Image, pixels: int) -> Image.Image:
    return image.resize(_within(pixels, *image.size), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _within(pixels: int, width: int, height: int) -> tuple[int, int]:
    """The size of the same ratio that has no more pixels."""
    factor = min(1.0, math.sqrt(pixels / (width * height)))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _image(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image
