"""Properties of a provider's clip, such as size, rotation and length, and the check that the file is complete."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from videojobs_media.media_file import Media, open_media, unreadable_video
from videojobs_media.mp4_index import index_comes_first

_UNSPECIFIED = 2
_HIGH_DEFINITION = 720
"""Number of lines from which players assume BT.709 for an untagged frame. They assume BT.601 for smaller frames."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """Properties of a clip on disk. Properties of its frames are read from the first frame.

    `width`, `height` (in pixels) and `pixel_ratio` (width to height of a pixel): as displayed, after the rotation.
    `quarter_turns`: the clockwise rotation to apply to each frame, in steps of 90 degrees (0 to 3).
    `starts_at` and `seconds`: the start and the length of the video stream in seconds, measured from its packets.
    `codec` and `pixel_format`: of the video stream, with FFmpeg's names.
    `colour_matrix`: the input matrix for FFmpeg's filter `scale`.
    `sound`: the codec of the audio stream, or None if the clip has no sound.
    `sound_ends_at`: the end of the sound in seconds after the start of the video stream, or 0 without sound.
    `is_plain`: whether the file contains only one video stream and at most one audio stream.
    `faststart`: whether the file is an MP4 whose index comes before the data.
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
    """Return the properties of a clip. Read the packets of the whole file and decode the first frame.

    Raises:
        ProviderError: If the file is not a playable video or is truncated. Transient: another attempt may succeed.
    """
    with open_media(path) as media:
        stream = media.pictures
        first = next(media.decode_pictures(), None)
        if first is None:
            raise unreadable_video()
        media.container.seek(0)
        spans = _read_spans(media)
        # `stream.frames` is 0 if the index does not state it
        if stream.index not in spans or spans[stream.index].packets < stream.frames:
            raise unreadable_video()
        pictures = spans[stream.index]
        turns = round(-first.rotation / 90) % 4
        stated_ratio = stream.sample_aspect_ratio
        ratio = Fraction(stated_ratio.numerator, stated_ratio.denominator) if stated_ratio else Fraction(1)
        sound = media.sound if media.sound and media.sound.index in spans else None
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
            is_plain=len(media.container.streams) == 1 + (sound is not None),
            faststart=index_comes_first(path),
        )


def _colour_matrix(picture: av.VideoFrame) -> str:
    """Return the input matrix for FFmpeg's filter `scale`. `auto` means that the frame's own tag applies."""
    if picture.colorspace != _UNSPECIFIED:
        return "auto"
    return "bt709" if min(picture.width, picture.height) >= _HIGH_DEFINITION else "smpte170m"


@dataclass(slots=True)
class _Span:
    """Time between the start and the end of a stream, in seconds, and the number of its packets."""

    begin: Fraction
    end: Fraction
    packets: int = 0


def _read_spans(media: Media) -> dict[int, _Span]:
    """Return the span of each stream by stream index, read from all packets of the file.

    A truncated file raises no error here: its streams only end too early.

    Raises:
        ProviderError: If the packets exceed the limits.
    """
    spans: dict[int, _Span] = {}
    for packet in media.packets():
        if packet.pts is None or packet.time_base is None:
            continue
        begin, end = (Fraction(pts * packet.time_base) for pts in (packet.pts, packet.pts + (packet.duration or 0)))
        span = spans.setdefault(packet.stream_index, _Span(begin, end))
        span.packets += 1
        if not packet.is_discard:
            span.begin, span.end = min(span.begin, begin), max(span.end, end)
    return spans
