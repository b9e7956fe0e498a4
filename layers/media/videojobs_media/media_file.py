"""The one way to open a media file that came from outside, such as a provider's result.

FFmpeg would open more than 400 formats, of which some open further files and URLs, with more than 300 decoders. Here
the format is recognized by its first bytes, and only the demuxers and decoders of `MediaRules` are used. All limits are
checked before the first frame is decoded. The limit of pixels applies to each frame, because sizes can change within a
file.
"""

import errno
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.production import MAXIMUM_RESULT_BYTES
from videojobs_media.mp4_index import MAXIMUM_SAMPLES, is_index_small

logger = logging.getLogger(__name__)

_HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """File format: FFmpeg's demuxer, the first bytes of each file, and whether it consists of boxes as an MP4 does."""

    demuxer: str
    first_bytes: re.Pattern[bytes]
    has_boxes: bool = False


@dataclass(frozen=True, slots=True)
class MediaRules:
    """Formats, decoders (with FFmpeg's names) and limits of files from one origin."""

    formats: tuple[MediaFormat, ...]
    decoders: frozenset[str]
    maximum_bytes: int
    maximum_pixels: int
    maximum_side: int
    maximum_seconds: int
    maximum_streams: int
    maximum_packets: int


VIDEO = MediaRules(
    formats=(
        MediaFormat("mov", re.compile(rb".{4}(ftyp|moov|mdat|free|skip|wide)", re.DOTALL), has_boxes=True),
        MediaFormat("matroska", re.compile(rb"\x1aE\xdf\xa3.{1,48}webm", re.DOTALL)),
    ),
    decoders=frozenset(
        {"h264", "hevc", "libdav1d", "mpeg4", "vp8", "vp9"} | {"aac", "mp3float", "opus", "libopus", "vorbis"}
    ),
    maximum_bytes=MAXIMUM_RESULT_BYTES,
    # 17 frames in 4K with 10 bits and full chroma, which a decoder can hold, have 850 MB
    maximum_pixels=4096 * 2304,
    maximum_side=4096,
    maximum_seconds=600,
    maximum_streams=8,
    maximum_packets=MAXIMUM_SAMPLES,
)
"""Clips of providers. The limits are several times what a provider creates in one generation."""


@dataclass(frozen=True, slots=True)
class Media:
    """Open file. `pictures` is its main video stream, and `sound` its main audio stream, or None."""

    container: InputContainer
    pictures: VideoStream
    sound: AudioStream | None
    rules: MediaRules

    def packets(self) -> "Iterator[Packet[Stream]]":
        """Yield the packets of all streams.

        Raises:
            ProviderError: If their number, size or time exceeds a limit; headers can state less.
        """
        used = {stream.index for stream in (self.pictures, self.sound) if stream}
        size_bytes = 0
        ends: list[Fraction] = []
        for count, packet in enumerate(self.container.demux(), 1):
            size_bytes += packet.size
            if count > self.rules.maximum_packets or size_bytes > self.rules.maximum_bytes:
                raise _refused("packets", _TOO_LARGE)
            if packet.pts is not None and packet.time_base is not None and packet.stream_index in used:
                begin = packet.pts * packet.time_base
                ends = [min([begin, *ends]), max([begin + (packet.duration or 0) * packet.time_base, *ends])]
                if ends[1] - ends[0] > self.rules.maximum_seconds:
                    raise _refused("seconds", _TOO_LARGE)
            yield packet

    def decode_pictures(self) -> Iterator[av.VideoFrame]:
        """Yield the video frames from the current position. Skip damaged packets."""
        return (frame for frame in self._decode(self.pictures) if isinstance(frame, av.VideoFrame))

    def decode_sound(self) -> Iterator[av.AudioFrame]:
        """Yield the audio frames from the current position; none without sound. Skip damaged packets."""
        return (frame for frame in self._decode(self.sound) if isinstance(frame, av.AudioFrame))

    def _decode(self, stream: VideoStream | AudioStream | None) -> Iterator[object]:
        for packet in self.container.demux(stream) if stream else ():
            try:
                yield from packet.decode()
            except InvalidDataError:
                continue


@contextmanager
def open_media(path: Path, rules: MediaRules = VIDEO) -> Iterator[Media]:
    """Open a file that came from outside, if it follows the rules. Decoding and reading may happen in the block only.

    Raises:
        ProviderError: If the file has another format or is damaged, also if that is found in the block. Transient:
            another attempt may succeed. Not transient if it exceeds a limit or has another codec.
        OSError: If the disk is full.
    """
    try:
        demuxer = _recognize(path, rules)
        options = {
            "protocol_whitelist": "file",
            "codec_whitelist": ",".join(sorted(rules.decoders)),
            "max_streams": str(rules.maximum_streams),
            "max_pixels": str(rules.maximum_pixels),
        }
        with av.open(str(path), format=demuxer, options=options) as container:
            yield _check(container, rules)
    except (FFmpegError, ValueError, ArithmeticError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise unreadable_video() from error


def unreadable_video() -> ProviderError:
    """Return, without raising it, the error for a file that is not playable.

    It is transient, because the download may have damaged the file.
    """
    return ProviderError(FailureCode.PROVIDER_ERROR, "The provider's file is not a playable video.", transient=True)


_TOO_LARGE = "The provider's video is too large. Change the request and try again."
_OTHER_FORMAT = "The provider's video has a format that is not supported. Change the request and try again."


def _recognize(path: Path, rules: MediaRules) -> str:
    """Return the demuxer for the file, after checking its size and its index."""
    if path.stat().st_size > rules.maximum_bytes:
        raise _refused("bytes", _TOO_LARGE)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    media_format = next((known for known in rules.formats if known.first_bytes.match(head)), None)
    if media_format is None:
        raise unreadable_video()
    if media_format.has_boxes and not is_index_small(path):
        raise _refused("index", _TOO_LARGE)
    return media_format.demuxer


def _check(container: InputContainer, rules: MediaRules) -> Media:
    """Return the open file, after checking what its headers state. Limit the decoders."""
    pictures, sound = container.streams.best("video"), container.streams.best("audio")
    if not isinstance(pictures, VideoStream):
        raise unreadable_video()
    streams = [pictures, *([sound] if isinstance(sound, AudioStream) else [])]
    for stream in streams:
        context = stream.codec_context
        if context is None or context.name not in rules.decoders:
            raise _refused("codec", _OTHER_FORMAT)
        context.options = {"max_pixels": str(rules.maximum_pixels)} if stream is pictures else {}
        context.thread_count = 1  # each thread keeps additional frames in memory
    width, height = pictures.codec_context.width, pictures.codec_context.height
    if max(width, height) > rules.maximum_side or width * height > rules.maximum_pixels:
        raise _refused("pixels", _TOO_LARGE)
    seconds = [float(stream.duration * stream.time_base) for stream in streams if stream.duration and stream.time_base]
    if max([*seconds, (container.duration or 0) / av.time_base]) > rules.maximum_seconds:
        raise _refused("seconds", _TOO_LARGE)
    return Media(container, pictures, sound if isinstance(sound, AudioStream) else None, rules)


def _refused(limit: str, message: str) -> ProviderError:
    """Log the limit for operators and return the error. Not transient: another attempt gives a similar file."""
    logger.warning("Media file refused", extra={"action": "media_refused", "reason": limit})
    return ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
