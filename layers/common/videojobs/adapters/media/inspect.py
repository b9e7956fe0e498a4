"""Inspection of video files: size, length, codec and layout, as measured from the file."""

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from videojobs.domain.errors import FailureCode, ProviderError


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
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise unreadable_video()
            stream = container.streams.video[0]
            first = next(container.decode(stream), None)
            if first is None:
                raise unreadable_video()
            container.seek(0, stream=stream)
            frames = sum(1 for packet in container.demux(stream) if packet.size)
            context = stream.codec_context
            return VideoFacts(
                width=first.width,
                height=first.height,
                seconds=seconds_of(container, stream),
                frames=frames,
                codec=context.name,
                pixel_format=context.pix_fmt or "",
                faststart=index_comes_first(path),
                size_bytes=path.stat().st_size,
            )
    except (FFmpegError, ValueError) as error:
        raise unreadable_video() from error


def seconds_of(container: InputContainer, stream: VideoStream) -> float:
    """Return the stated length of the stream in seconds, else that of the whole file, or 0 if neither is stated."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def unreadable_video() -> ProviderError:
    """Return, without raising it, the error for a file that is not playable.

    It is transient, because the download may have damaged the file.
    """
    return ProviderError(FailureCode.PROVIDER_ERROR, "The provider's file is not a playable video.", transient=True)


def index_comes_first(path: Path) -> bool:
    """Return whether an MP4's index (`moov`) comes before its data (`mdat`), so that it plays while it downloads.

    Return False if the file has neither box. The box layout is defined in ISO/IEC 14496-12, section 4.2.

    Raises:
        OSError: If the file can't be read.
    """
    with path.open("rb") as file:
        while len(header := file.read(8)) == 8:
            size, kind = int.from_bytes(header[:4]), header[4:]
            if kind in {b"moov", b"mdat"}:
                return kind == b"moov"
            if size == 1:  # the size follows as a 64-bit number
                size = int.from_bytes(file.read(8)) - 8
            if size < 8:
                return False
            file.seek(size - 8, 1)
    return False
