"""Pictures of a video: a still for its poster, a few moving seconds for a preview."""

import io
from collections.abc import Iterator
from pathlib import Path

import av
from av.error import FFmpegError
from PIL import Image, ImageChops, ImageStat

from videojobs.adapters.media.inspect import seconds_of, unreadable_video

_CANDIDATES = (0.62, 0.78, 0.45, 0.9, 0.3, 0.15, 0.99, 0.0)
"""Where in the video to look for a poster, the likeliest place first."""
_SOON_SECONDS = 0.25
_PREVIEW_SECONDS = 2.5
_PREVIEW_FRAMES_PER_SECOND = 12
_PREVIEW_BYTES = 500_000
_PREVIEW_TRIES = ((480, 70), (480, 45), (360, 40), (270, 30), (180, 20))
"""Longest side in pixels and WebP quality, to be tried until the preview is small enough."""


def write_poster(video: Path, poster: Path) -> None:
    """Write the JPEG still in which there is most to see, and least in the middle of changing.

    Raises:
        ProviderError: the file is no readable video.
    """
    best: Image.Image | None = None
    most = -1.0
    for rank, place in enumerate(_CANDIDATES):
        image, soon = _frames_at(video, place)
        worth = _worth(image, soon) * (1 - 0.03 * rank)
        if worth > most:
            best, most = image, worth
    if best is not None:
        best.save(poster, "JPEG", quality=86, optimize=True, progressive=True)


def write_preview(video: Path, preview: Path) -> None:
    """Write an animated WebP of 2.5 seconds (or all of a shorter video), under 500 KB, that runs in a loop.

    Raises:
        ProviderError: the file is no readable video.
    """
    frames = list(_preview_frames(video, _PREVIEW_TRIES[0][0]))
    for longest, quality in _PREVIEW_TRIES:
        small = [_shrunk(frame, longest) for frame in frames]
        data = io.BytesIO()
        small[0].save(
            data,
            "WEBP",
            save_all=True,
            append_images=small[1:],
            duration=round(1000 / _PREVIEW_FRAMES_PER_SECOND),
            loop=0,
            quality=quality,
            method=2,
        )
        if data.tell() < _PREVIEW_BYTES:
            break
    preview.write_bytes(data.getvalue())


def _worth(image: Image.Image, soon: Image.Image) -> float:
    """How much there is to see: what a small copy weighs as a JPEG; less where it is dark or about to change."""
    small, later = _shrunk(image, 160), _shrunk(soon, 160)
    data = io.BytesIO()
    small.save(data, "JPEG", quality=70)
    tones = small.convert("L").histogram()
    bright = sum(tones[40:]) / sum(tones)
    change = sum(ImageStat.Stat(ImageChops.difference(small, later)).mean) / 3
    return data.tell() * min(1.0, 0.2 + 4 * bright) / (1 + change / 6)


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    small = image.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return small


def _frames_at(video: Path, place: float) -> tuple[Image.Image, Image.Image]:
    """The frame at that part (0–1) of the video, or the last one before it; and one that comes a little later."""
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            at = place * seconds_of(container, stream) - 0.05
            container.seek(max(0, int(at * av.time_base)), backward=True)
            found: av.VideoFrame | None = None
            latest: av.VideoFrame | None = None
            for frame in container.decode(stream):
                latest = frame
                if found is None and (frame.time or 0.0) >= at:
                    found = frame
                if (frame.time or 0.0) >= at + _SOON_SECONDS:
                    break
            if latest is None:
                raise unreadable_video()
            return _image(found or latest), _image(latest)
    except (FFmpegError, IndexError, ValueError) as error:
        raise unreadable_video() from error


def _image(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image


def _preview_frames(video: Path, longest: int) -> Iterator[Image.Image]:
    """Frames from the middle of the video, evenly spaced, made small by FFmpeg, which is much quicker at it."""
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            length = seconds_of(container, stream)
            start = max(0.0, (length - _PREVIEW_SECONDS) * 0.4)
            container.seek(int(start * av.time_base), backward=True)
            wanted = 0
            for frame in container.decode(stream):
                at = (frame.time or 0.0) - start
                if at >= _PREVIEW_SECONDS - 0.001:
                    return
                if at >= wanted / _PREVIEW_FRAMES_PER_SECOND - 0.001:
                    wanted += 1
                    factor = min(1.0, longest / max(frame.width, frame.height))
                    yield _image(frame.reformat(round(frame.width * factor), round(frame.height * factor)))
            if not wanted:
                raise unreadable_video()
    except (FFmpegError, IndexError, ValueError) as error:
        raise unreadable_video() from error
