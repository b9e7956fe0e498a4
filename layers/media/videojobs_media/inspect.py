"""Inspection of video files: size, length, codec and layout, as measured from the file."""

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from videojobs_media.media_file import open_media, unreadable_video
from videojobs_media.mp4_index import index_comes_first


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Measured properties of a video file.

    `width` and `height` are in pixels. `codec` and `pixel_format` are FFmpeg's names. `faststart`: whether the index
    comes before the data, so that playback can start during the download.
    """

    width: int
    height: int
    seconds: float
    frames: int
    codec: str
    pixel_format: str
    faststart: bool
    size_bytes: int


def inspect_video(path: Path) -> VideoFacts:
    """Return the measured properties of a video. Decode only the first frame. `frames` is the number of packets.

    Raises:
        ProviderError: If the file is not a video or is damaged. Transient: another attempt may succeed.
    """
    with open_media(path) as media:
        stream = media.pictures
        first = next(media.decode_pictures(), None)
        if first is None:
            raise unreadable_video()
        media.container.seek(0, stream=stream)
        frames = sum(1 for packet in media.packets() if packet.size and packet.stream_index == stream.index)
        context = stream.codec_context
        return VideoFacts(
            width=first.width,
            height=first.height,
            seconds=seconds_of(media.container, stream),
            frames=frames,
            codec=context.name,
            pixel_format=context.pix_fmt or "",
            faststart=index_comes_first(path),
            size_bytes=path.stat().st_size,
        )


def seconds_of(container: InputContainer, stream: VideoStream) -> float:
    """Return the stated length of the stream in seconds, else that of the whole file, or 0 if neither is stated."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0
