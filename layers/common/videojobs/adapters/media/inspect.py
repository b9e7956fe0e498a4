"""What a video file really is: read from the file itself, whoever made it."""

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from videojobs.domain.errors import FailureCode, ProviderError


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Size in pixels, length, number of frames, how they are coded; `faststart`: the index before the data."""

    width: int
    height: int
    seconds: float
    frames: int
    codec: str
    pixel_format: str
    faststart: bool
    size_bytes: int


def inspect_video(path: Path) -> VideoFacts:
    """Read the file's index, decode its first picture, and tell what it is.

    Raises:
        ProviderError: it is no video, or a damaged one; another attempt may bring a whole one.
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
    """How long the video runs: as its stream says, or else the whole file."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def unreadable_video() -> ProviderError:
    """The error for a file that can't be played; it may have been damaged on its way."""
    return ProviderError(FailureCode.PROVIDER_ERROR, "What came back is no video that can be played.", transient=True)


def index_comes_first(path: Path) -> bool:
    """Whether an MP4's `moov` box comes before its `mdat` (ISO/IEC 14496-12, 4.2): then it plays while it loads."""
    with path.open("rb") as file:
        while len(header := file.read(8)) == 8:
            size, kind = int.from_bytes(header[:4]), header[4:]
            if kind in {b"moov", b"mdat"}:
                return kind == b"moov"
            if size == 1:  # the real size follows in 64 bits
                size = int.from_bytes(file.read(8)) - 8
            if size < 8:
                return False
            file.seek(size - 8, 1)
    return False
