"""One clip as it is played: upright, cut from the middle, of the wanted size, 24 pictures a second, with its sound."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat

import av
from av.error import BlockingIOError as NotYet
from av.error import EOFError as AllDone
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import PictureType

from videojobs.adapters.media.clip_info import ClipInfo, pictures_of
from videojobs.adapters.media.inspect import unreadable_video
from videojobs.domain.plan import FRAMES_PER_SECOND

SAMPLES_PER_SECOND = 48000
CHANNELS = 2
SAMPLES = SAMPLES_PER_SECOND // FRAMES_PER_SECOND
"""Of each channel, that are heard while one picture is seen."""
SILENCE = array("h", bytes(2 * CHANNELS * SAMPLES))

_UNSPECIFIED = 2
_HIGH_DEFINITION = 720
"""From so many lines on an untagged picture is meant in BT.709 colours, below in BT.601: so do players take it."""
_TURNS = {0: (), 1: (("transpose", "clock"),), 2: (("hflip", None), ("vflip", None)), 3: (("transpose", "cclock"),)}


@dataclass(frozen=True, slots=True)
class Moment:
    """A picture (`yuv420p`) and its sound: samples of 16 bits, left and right in turn; None where all is mute."""

    picture: av.VideoFrame
    sound: "array[int] | None"


def play(clip_info: ClipInfo, width: int, height: int, *, has_sound: bool) -> Iterator[Moment]:
    """Without an end: after the last picture it is held, and its sound is silence.

    Raises:
        ProviderError: it can't be decoded.
    """
    sounds: Iterator[array[int] | None] = repeat(None)
    if has_sound:
        sounds = _sounds(clip_info) if clip_info.sound else repeat(SILENCE)
    return map(Moment, _pictures(clip_info, width, height), sounds)


def _pictures(clip_info: ClipInfo, width: int, height: int) -> Iterator[av.VideoFrame]:
    picture: av.VideoFrame | None = None
    graph: Graph | None = None
    try:
        with av.open(str(clip_info.path)) as container:
            for frame in container.decode(pictures_of(container)):
                graph = graph or _picture_graph(frame, clip_info, width, height)
                graph.push(frame)
                for picture in _drain(graph):
                    yield picture
            if graph:
                graph.push(None)
                for picture in _drain(graph):
                    yield picture
    except (FFmpegError, ValueError) as error:
        raise unreadable_video() from error
    if picture is None:
        raise unreadable_video()
    yield from repeat(picture)


def _drain(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            picture = graph.vpull()
        except (NotYet, AllDone):
            return
        picture.pict_type = PictureType.NONE  # or the encoder makes a key frame of what was one
        yield picture


def _picture_graph(frame: av.VideoFrame, clip_info: ClipInfo, width: int, height: int) -> Graph:
    graph = Graph()
    graph.threads = 1
    ratio = Fraction(width, height) / clip_info.pixel_ratio
    matrix = "auto"
    if frame.colorspace == _UNSPECIFIED:
        matrix = "bt709" if min(frame.width, frame.height) >= _HIGH_DEFINITION else "smpte170m"
    nodes = [
        graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
        *(graph.add(name, argument) for name, argument in _TURNS[clip_info.quarter_turns]),
        graph.add("setpts", "PTS-STARTPTS"),
        graph.add("fps", f"{FRAMES_PER_SECOND}"),
        graph.add("crop", w=f"min(iw,ih*{ratio})", h=f"min(ih,iw/({ratio}))"),  # from the middle, unless told
        graph.add(
            "scale",
            w=f"{width}",
            h=f"{height}",
            flags="bicubic",
            in_color_matrix=matrix,
            out_color_matrix="bt709",
            out_range="tv",
        ),
        graph.add("setsar", "1"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _sounds(clip_info: ClipInfo) -> "Iterator[array[int]]":
    graph: Graph | None = None
    try:
        with av.open(str(clip_info.path)) as container:
            for frame in container.decode(container.streams.audio[0]):
                graph = graph or _sound_graph(frame, clip_info.starts_at)
                graph.push(frame)
                yield from _drain_sound(graph)
            if graph:
                graph.push(None)
                yield from _drain_sound(graph)
    except (FFmpegError, ValueError) as error:
        raise unreadable_video() from error
    yield from repeat(SILENCE)


def _drain_sound(graph: Graph) -> "Iterator[array[int]]":
    while True:
        try:
            frame = graph.pull()
        except (NotYet, AllDone):
            return
        yield array("h", bytes(frame.planes[0])[: SILENCE.itemsize * len(SILENCE)])


def _sound_graph(frame: av.AudioFrame, starts_at: Fraction) -> Graph:
    """What is heard before the first picture goes, and gaps are filled: the sound stays with the pictures."""
    graph = Graph()
    graph.threads = 1
    nodes = [
        graph.add_abuffer(
            sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
        ),
        graph.add("asetpts", f"PTS-({starts_at})/TB"),
        graph.add("aresample", f"{SAMPLES_PER_SECOND}:async=1:first_pts=0"),
        graph.add("aformat", "sample_fmts=s16:channel_layouts=stereo"),
        graph.add("asetnsamples", f"n={SAMPLES}:p=1"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph
