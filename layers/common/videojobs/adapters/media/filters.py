"""FFmpeg filter graphs for clips: cropped and scaled video frames, and sound with cross-fades between clips.

A graph opens the files of its clips, and decodes only as much as the next frame needs.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import cast

import av
from av.error import EOFError as EndOfStream
from av.error import FFmpegError
from av.filter import Graph
from av.filter.context import FilterContext

from videojobs.adapters.media.clip_info import ClipInfo
from videojobs.adapters.media.inspect import unreadable_video
from videojobs.domain.plan import CROSS_FADE_FRAMES, FRAMES_PER_SECOND

SAMPLES_PER_SECOND = 48000
SAMPLES_PER_FRAME = SAMPLES_PER_SECOND // FRAMES_PER_SECOND

type _Filter = tuple[str, dict[str, object]]

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
    try:
        graph = _empty_graph()
        _add(
            graph,
            ("movie", {"filename": clip.path}),
            # `movie` does not report the duration of the last frame, and `fps` would drop that frame
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
        while True:
            yield graph.vpull()
    except EndOfStream:
        return
    except FFmpegError as error:
        raise unreadable_video() from error


def join_sounds(clips: Sequence[ClipInfo], lengths: Sequence[int]) -> Iterator[av.AudioFrame]:
    """Yield the sound of each video frame of the joined clips: `s16`, stereo, 48 kHz, 2,000 samples per frame.

    `lengths` is the number of video frames of each clip. A clip without sound is silent, and so is the rest of a clip
    after its sound has ended.

    Raises:
        ProviderError: If a clip cannot be decoded.
    """
    try:
        graph = _empty_graph()
        overlap = CROSS_FADE_FRAMES * SAMPLES_PER_FRAME
        fade = _add(graph, ("acrossfade", {"inputs": len(clips), "nb_samples": overlap}))[0]
        for index, (clip, length) in enumerate(zip(clips, lengths, strict=True)):
            _add(
                graph,
                ("amovie", {"filename": clip.path}) if clip.sound else ("anullsrc", {}),
                # drop sound before the first video frame and fill gaps, so that sound and video stay synchronous
                ("asetpts", {"expr": f"PTS-({clip.starts_at})/TB"}),
                ("aresample", {"sample_rate": SAMPLES_PER_SECOND, "async": 1, "first_pts": 0}),
                ("aformat", {"sample_fmts": "s16", "channel_layouts": "stereo"}),
                ("apad", {}),
                ("atrim", {"end_sample": length * SAMPLES_PER_FRAME}),
            )[-1].link_to(fade, 0, index)
        fade.link_to(_add(graph, ("asetnsamples", {"n": SAMPLES_PER_FRAME}), ("abuffersink", {}))[0])
        while True:
            yield cast("av.AudioFrame", graph.pull())
    except EndOfStream:
        return
    except FFmpegError as error:
        raise unreadable_video() from error


def _empty_graph() -> Graph:
    graph = Graph()
    graph.threads = 1  # each thread of a decoder keeps additional frames in memory
    return graph


def _add(graph: Graph, *filters: _Filter) -> list[FilterContext]:
    """Add the filters to the graph as a chain and return their nodes in order."""
    nodes = [graph.add(name, **{key: str(value) for key, value in options.items()}) for name, options in filters]
    graph.link_nodes(*nodes)
    return nodes
