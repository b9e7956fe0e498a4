"""FFmpeg filter graphs for clips: cropped and scaled video frames, and sound with cross-fades between clips.

A clip is decoded only as far as the next frame needs.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import cast

import av
from av.error import EOFError as EndOfStream
from av.filter import Graph
from av.filter.context import FilterContext

from videojobs.domain.plan import CROSS_FADE_FRAMES, FRAMES_PER_SECOND
from videojobs_media.clip_info import ClipInfo
from videojobs_media.media_file import open_media, unreadable_video

SAMPLES_PER_SECOND = 48000
SAMPLES_PER_FRAME = SAMPLES_PER_SECOND // FRAMES_PER_SECOND

type _Filter = tuple[str, dict[str, object]]
type _Frame = av.VideoFrame | av.AudioFrame

_ROTATIONS: dict[int, list[_Filter]] = {
    0: [],
    1: [("transpose", {"dir": "clock"})],
    2: [("hflip", {}), ("vflip", {})],
    3: [("transpose", {"dir": "cclock"})],
}


def read_pictures(clip: ClipInfo, length: int, width: int, height: int) -> Iterator[av.VideoFrame]:
    """Yield `length` frames of the clip at 24 frames per second, in `yuv420p` and BT.709.

    Each frame is rotated upright, cropped around the middle to the aspect ratio of `width` × `height`, and scaled to
    that size. The last frame of a shorter clip is repeated.

    Raises:
        ProviderError: If the clip cannot be decoded. Transient: another attempt may succeed.
    """
    ratio = Fraction(width, height) / clip.pixel_ratio
    colours = {"in_color_matrix": clip.colour_matrix, "out_color_matrix": "bt709", "out_range": "tv"}
    with open_media(clip.path) as media:
        frames = media.decode_pictures()
        first = next(frames, None)
        if first is None:
            raise unreadable_video()
        graph = _empty_graph()
        _add(
            graph,
            graph.add_buffer(
                width=first.width, height=first.height, format=first.format.name, time_base=first.time_base
            ),
            # `fps` would drop the last frame if its duration is not stated
            ("tpad", {"stop_duration": 1, "stop_mode": "clone"}),
            *_ROTATIONS[clip.quarter_turns],
            ("setpts", {"expr": "PTS-STARTPTS"}),
            ("fps", {"fps": FRAMES_PER_SECOND}),
            ("tpad", {"stop": -1, "stop_mode": "clone"}),
            ("trim", {"end_frame": length}),
            ("crop", {"w": f"min(iw,ih*{ratio})", "h": f"min(ih,iw/({ratio}))"}),
            ("scale", {"w": width, "h": height, "flags": "bicubic", **colours}),
            ("setsar", {"sar": 1}),
            ("format", {"pix_fmts": "yuv420p"}),
            ("buffersink", {}),
        )
        yield from cast("Iterator[av.VideoFrame]", _pass_through(graph, chain([first], frames)))


def join_sounds(clips: Sequence[ClipInfo], lengths: Sequence[int]) -> Iterator[av.AudioFrame]:
    """Yield the sound of each video frame of the joined clips: `s16`, stereo, 48 kHz, 2,000 samples per frame.

    `lengths` is the number of video frames of each clip. A clip without sound is silent, and so is the rest of a clip
    after its sound has ended.

    Raises:
        ProviderError: If a clip cannot be decoded.
    """
    graph = _empty_graph()
    overlap = CROSS_FADE_FRAMES * SAMPLES_PER_FRAME
    fade = _add(graph, ("acrossfade", {"inputs": len(clips), "nb_samples": overlap}))[0]
    for index in range(len(clips)):
        graph.add_abuffer(sample_rate=SAMPLES_PER_SECOND, format="s16", layout="stereo").link_to(fade, 0, index)
    fade.link_to(_add(graph, ("asetnsamples", {"n": SAMPLES_PER_FRAME}), ("abuffersink", {}))[0])
    for index, (clip, length) in enumerate(zip(clips, lengths, strict=True)):
        yield from cast("Iterator[av.AudioFrame]", _pass_through(graph, _read_sound(clip, length), at=index))


def _read_sound(clip: ClipInfo, length: int) -> Iterator[av.AudioFrame]:
    """Yield the sound of the first `length` video frames of the clip: `s16`, stereo, 48 kHz; silence if it has none."""
    with open_media(clip.path) as media:
        frames = media.decode_sound()
        first = next(frames, None) or _silence()
        graph = _empty_graph()
        _add(
            graph,
            graph.add_abuffer(
                sample_rate=first.sample_rate,
                format=first.format.name,
                layout=first.layout.name,
                time_base=first.time_base,
            ),
            # drop sound before the first video frame and fill gaps, so that sound and video stay synchronous
            ("asetpts", {"expr": f"PTS-({clip.starts_at})/TB"}),
            ("aresample", {"sample_rate": SAMPLES_PER_SECOND, "async": 1, "first_pts": 0}),
            ("aformat", {"sample_fmts": "s16", "channel_layouts": "stereo"}),
            ("apad", {}),
            ("atrim", {"end_sample": length * SAMPLES_PER_FRAME}),
            ("abuffersink", {}),
        )
        yield from cast("Iterator[av.AudioFrame]", _pass_through(graph, chain([first], frames)))


def _silence() -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES_PER_FRAME)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts, frame.time_base = SAMPLES_PER_SECOND, 0, Fraction(1, SAMPLES_PER_SECOND)
    return frame


def _pass_through(graph: Graph, frames: Iterable[_Frame], at: int = 0) -> Iterator[_Frame]:
    """Push the frames and then the end into a source of the graph; yield what comes out, until the graph ends."""
    with suppress(EndOfStream):
        for frame in chain(frames, [None]):
            graph.push(frame, at)
            with suppress(BlockingIOError):
                while True:
                    yield graph.pull()


def _empty_graph() -> Graph:
    graph = Graph()
    graph.threads = 1  # each thread of a decoder keeps additional frames in memory
    return graph


def _add(graph: Graph, *filters: _Filter | FilterContext) -> list[FilterContext]:
    """Link the filters as a chain and return their nodes in order. New ones are added to the graph."""
    nodes = [
        given
        if isinstance(given, FilterContext)
        else graph.add(given[0], **{key: str(value) for key, value in given[1].items()})
        for given in filters
    ]
    graph.link_nodes(*nodes)
    return nodes
