"""Carries out a plan: a provider's clips, cut, joined and trimmed, become exactly the video that was asked for."""

import gc
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path

import av
from PIL import Image

from videojobs.adapters.media.clip_info import ClipInfo, read_clip_info
from videojobs.adapters.media.filters import join_sounds, read_pictures
from videojobs.adapters.media.inspect import unreadable_video
from videojobs.adapters.media.mp4_writer import Mp4Writer
from videojobs.domain.plan import CROSS_FADE_FRAMES, FRAMES_PER_SECOND, Plan
from videojobs.ports.videos import ReportProgress

_ONE_FRAME = Fraction(1, FRAMES_PER_SECOND)


def assemble_video(clips: Sequence[Path], plan: Plan, path: Path, on_progress: ReportProgress) -> None:
    """Write `plan.frames` pictures of the plan's size. What fits already is copied, and not coded again.

    A clip that came in another size than the plan says is cut to the plan's ratio all the same. One that is shorter is
    joined where it ends; only what is then missing in all is made up for by holding the last picture.

    Raises:
        ProviderError: a clip is no video that can be played.
    """
    footages = []
    for clip in clips:
        on_progress(0.0)
        footages.append(read_clip_info(clip))
    if len(footages) == 1 and _fits(footages[0], plan):
        _copy(footages[0], path)
        on_progress(1.0)
        return
    has_sound = any(clip_info.sound for clip_info in footages)
    lengths = _lengths(footages, plan)
    pictures = _join(
        [read_pictures(clip, length, plan.width, plan.height) for clip, length in zip(footages, lengths, strict=True)]
    )
    sounds = join_sounds(footages, lengths) if has_sound else repeat(None)
    number = 0
    with Mp4Writer(path, plan.width, plan.height, has_sound=has_sound) as writer:
        for number, (picture, sound) in enumerate(islice(zip(pictures, sounds, strict=False), plan.frames), 1):
            writer.write(picture, sound)
            on_progress(number / plan.frames)
    if number < plan.frames:
        raise unreadable_video()


def _lengths(footages: Sequence[ClipInfo], plan: Plan) -> list[int]:
    """How many pictures each clip gives: no more than it was planned for, and the last one all that are missing."""
    lengths = [
        min(round(clip.seconds * FRAMES_PER_SECOND), max(round(clip_info.seconds / _ONE_FRAME), 2 * CROSS_FADE_FRAMES))
        for clip, clip_info in zip(plan.clips, footages, strict=True)
    ]
    before = sum(lengths[:-1]) - CROSS_FADE_FRAMES * (len(lengths) - 1)
    return [*lengths[:-1], max(plan.frames - before, CROSS_FADE_FRAMES)]


def _join(clips: Sequence[Iterator[av.VideoFrame]]) -> Iterator[av.VideoFrame]:
    """Yield the pictures of one clip after the other, cross-faded. At most `CROSS_FADE_FRAMES` + 1 are in memory.

    FFmpeg's `xfade` mixes only pictures with full chroma: it would convert each picture of a clip to 4:4:4 and back.
    """
    ending: deque[av.VideoFrame] = deque()
    for clip in clips:
        before, ending = ending, deque()
        for number, picture in enumerate(clip):
            share = (number + 0.5) / CROSS_FADE_FRAMES
            ending.append(_blend(before.popleft(), picture, share) if before else picture)
            if len(ending) > CROSS_FADE_FRAMES:
                yield ending.popleft()
        gc.collect()  # frees the clip's decoder: PyAV's graphs and filters refer to each other
    yield from ending


def _blend(before: av.VideoFrame, after: av.VideoFrame, share: float) -> av.VideoFrame:
    """Return a picture that has this share of the second, and the rest of the first."""
    picture = av.VideoFrame(after.width, after.height, "yuv420p")
    for plane, old, new in zip(picture.planes, before.planes, after.planes, strict=True):
        blended = Image.blend(_image(old), _image(new), share)
        plane.update(blended.tobytes("raw", "L", plane.line_size, 1))
    return picture


def _image(plane: av.video.plane.VideoPlane) -> Image.Image:
    return Image.frombuffer("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)


def _fits(clip_info: ClipInfo, plan: Plan) -> bool:
    """Whether it is what was asked for as it is, to the frame."""
    wanted = plan.frames * _ONE_FRAME
    return (
        (clip_info.codec, clip_info.pixel_format) == ("h264", "yuv420p")
        and clip_info.sound in {None, "aac"}
        and (clip_info.width, clip_info.height) == (plan.width, plan.height)
        and (clip_info.pixel_ratio, clip_info.quarter_turns) == (Fraction(1), 0)
        and abs(clip_info.seconds - wanted) <= _ONE_FRAME
        and abs(clip_info.starts_at) <= _ONE_FRAME
        and clip_info.sound_ends_at <= wanted + _ONE_FRAME
    )


def _copy(clip_info: ClipInfo, path: Path) -> None:
    """The same bytes; or, where its index is at the end or there is more in it, the same packets."""
    if clip_info.is_plain and clip_info.faststart:
        shutil.copyfile(clip_info.path, path)
        return
    with (
        av.open(str(clip_info.path)) as source,
        av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as film,
    ):
        kept = [source.streams.best("video"), source.streams.best("audio")]
        tracks = {stream.index: film.add_stream_from_template(stream) for stream in kept if stream}
        for packet in source.demux(*(stream for stream in kept if stream)):
            if packet.dts is not None:
                packet.stream = tracks[packet.stream_index]
                film.mux(packet)
