"""What a provider's clip is: how it has to be turned and cut, how long it runs, and whether all of it is there."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from videojobs.adapters.media.inspect import index_comes_first, unreadable_video

_UNSPECIFIED = 2
_HIGH_DEFINITION = 720
"""Players take an untagged picture of at least this many lines as BT.709, and a smaller one as BT.601."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A clip on disk; what is said of its pictures is said of its first.

    `width`, `height` and `pixel_ratio` are as shown, after `quarter_turns` clockwise; `starts_at` and `seconds` are its
    pictures', whatever the index says. `sound`: the codec, None where there is nothing to hear. `sound_ends_at` is
    counted from the first picture. `is_plain`: an MP4 of nothing but a picture and a sound track.
    """

    path: Path
    width: int
    height: int
    pixel_ratio: Fraction
    quarter_turns: int
    starts_at: Fraction
    seconds: Fraction
    codec: str
    pixel_format: str
    colour_matrix: str
    sound: str | None
    sound_ends_at: Fraction
    is_plain: bool
    faststart: bool


def read_clip_info(path: Path) -> ClipInfo:
    """Read all of the file, and decode its first picture.

    Raises:
        ProviderError: it is no video, or not all of it is there; another attempt may bring a whole one.
    """
    try:
        with av.open(str(path)) as container:
            stream = pictures_of(container)
            first = next(container.decode(stream), None)
            if first is None:
                raise unreadable_video()
            container.seek(0)
            spans = _read_spans(container)
            if stream.index not in spans or spans[stream.index].packets < stream.frames:  # 0 where the index has none
                raise unreadable_video()
            pictures = spans[stream.index]
            turns = round(-first.rotation / 90) % 4
            told = stream.sample_aspect_ratio
            ratio = Fraction(told.numerator, told.denominator) if told else Fraction(1)
            sound = next((track for track in container.streams.audio if track.index in spans), None)
            return ClipInfo(
                path=path,
                width=first.height if turns % 2 else first.width,
                height=first.width if turns % 2 else first.height,
                pixel_ratio=1 / ratio if turns % 2 else ratio,
                quarter_turns=turns,
                starts_at=pictures.begin,
                seconds=pictures.end - pictures.begin,
                codec=stream.codec_context.name,
                pixel_format=first.format.name,
                colour_matrix=_colour_matrix(first),
                sound=sound.codec_context.name if sound else None,
                sound_ends_at=spans[sound.index].end - pictures.begin if sound else Fraction(0),
                is_plain="mp4" in container.format.name.split(",")
                and len(container.streams) == 1 + (sound is not None),
                faststart=index_comes_first(path),
            )
    except (FFmpegError, ValueError) as error:
        raise unreadable_video() from error


def _colour_matrix(picture: av.VideoFrame) -> str:
    """Return the matrix for the filter `scale`; `auto`: as the picture is tagged."""
    if picture.colorspace != _UNSPECIFIED:
        return "auto"
    return "bt709" if min(picture.width, picture.height) >= _HIGH_DEFINITION else "smpte170m"


def pictures_of(container: InputContainer) -> VideoStream:
    """The video track: not a cover picture, where there is one beside it. One thread, as few pictures wait in it.

    Raises:
        ProviderError: there is none.
    """
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise unreadable_video()
    stream.codec_context.thread_count = 1
    return stream


@dataclass(slots=True)
class _Span:
    """The time that a track fills, in seconds, and the number of its packets."""

    begin: Fraction
    end: Fraction
    packets: int = 0


def _read_spans(container: InputContainer) -> dict[int, _Span]:
    """By the index of the track. A file that was cut off says nothing: it just ends too soon."""
    spans: dict[int, _Span] = {}
    for packet in container.demux():
        if packet.pts is None or packet.time_base is None:
            continue
        begin, end = (Fraction(at * packet.time_base) for at in (packet.pts, packet.pts + (packet.duration or 0)))
        span = spans.setdefault(packet.stream_index, _Span(begin, end))
        span.packets += 1
        if not packet.is_discard:
            span.begin, span.end = min(span.begin, begin), max(span.end, end)
    return spans
