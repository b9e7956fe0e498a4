"""Assembly of a provider's clips into the requested video: crop, scale, join and cut as the plan says."""

import gc
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path

import av
from PIL import Image

from videojobs.domain.plan import CROSS_FADE_FRAMES, FRAMES_PER_SECOND, Plan
from videojobs.ports.videos import ReportProgress
from videojobs_media.clip_info import ClipInfo, read_clip_info
from videojobs_media.filters import join_sounds, read_pictures
from videojobs_media.media_file import open_media, unreadable_video
from videojobs_media.mp4_writer import Mp4Writer

_ONE_FRAME = Fraction(1, FRAMES_PER_SECOND)


def assemble_video(clips: Sequence[Path], plan: Plan, path: Path, on_progress: ReportProgress) -> None:
    """Join the clips and write a video of `plan.frames` frames in the plan's size to `path`.

    A single clip that matches the plan is copied without re-encoding. A clip whose size differs from the plan is
    cropped to the plan's aspect ratio and scaled. A clip that is shorter than planned is joined at its own end. If the
    joined clips are too short, the last frame is repeated. `on_progress` is called with the completed part (0 to 1); an
    exception that it raises stops the work and is raised to the caller.

    Raises:
        ProviderError: If a clip is not a playable video. Transient: another attempt may succeed.
        OSError: If the video can't be written.
    """
    clip_infos = []
    for clip in clips:
        on_progress(0.0)
        clip_infos.append(read_clip_info(clip))
    if len(clip_infos) == 1 and _fits(clip_infos[0], plan):
        _copy(clip_infos[0], path)
        on_progress(1.0)
        return
    has_sound = any(clip_info.sound for clip_info in clip_infos)
    lengths = _lengths(clip_infos, plan)
    pictures = _join(
        [
            read_pictures(clip_info, length, plan.width, plan.height)
            for clip_info, length in zip(clip_infos, lengths, strict=True)
        ]
    )
    sounds = join_sounds(clip_infos, lengths) if has_sound else repeat(None)
    number = 0
    with Mp4Writer(path, plan.width, plan.height, has_sound=has_sound) as writer:
        for number, (picture, sound) in enumerate(islice(zip(pictures, sounds, strict=False), plan.frames), 1):
            writer.write(picture, sound)
            on_progress(number / plan.frames)
    if number < plan.frames:
        raise unreadable_video()


def _lengths(clip_infos: Sequence[ClipInfo], plan: Plan) -> list[int]:
    """Return the number of frames to take from each clip.

    Each clip but the last gives at most the planned number. The last clip gives all frames that are still missing,
    which can be more than it has.
    """
    lengths = [
        min(round(clip.seconds * FRAMES_PER_SECOND), max(round(clip_info.seconds / _ONE_FRAME), 2 * CROSS_FADE_FRAMES))
        for clip, clip_info in zip(plan.clips, clip_infos, strict=True)
    ]
    frames_before_last = sum(lengths[:-1]) - CROSS_FADE_FRAMES * (len(lengths) - 1)
    return [*lengths[:-1], max(plan.frames - frames_before_last, CROSS_FADE_FRAMES)]


def _join(clips: Sequence[Iterator[av.VideoFrame]]) -> Iterator[av.VideoFrame]:
    """Yield the frames of the clips in order, with a cross-fade between two clips.

    At most `CROSS_FADE_FRAMES` + 1 frames are kept in memory. FFmpeg's filter `xfade` is not used because it mixes only
    frames with full chroma: it would convert every frame to 4:4:4 and back.
    """
    ending: deque[av.VideoFrame] = deque()
    for clip in clips:
        before, ending = ending, deque()
        for number, picture in enumerate(clip):
            share = (number + 0.5) / CROSS_FADE_FRAMES
            ending.append(_blend(before.popleft(), picture, share) if before else picture)
            if len(ending) > CROSS_FADE_FRAMES:
                yield ending.popleft()
        gc.collect()  # frees the clip's decoder, because PyAV's graphs and filters form reference cycles
    yield from ending


def _blend(before: av.VideoFrame, after: av.VideoFrame, share: float) -> av.VideoFrame:
    """Return a frame that mixes both: `share` (0 to 1) is the weight of `after`."""
    picture = av.VideoFrame(after.width, after.height, "yuv420p")
    for plane, old, new in zip(picture.planes, before.planes, after.planes, strict=True):
        blended = Image.blend(_image(old), _image(new), share)
        plane.update(blended.tobytes("raw", "L", plane.line_size, 1))
    return picture


def _image(plane: av.video.plane.VideoPlane) -> Image.Image:
    return Image.frombuffer("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)


def _fits(clip_info: ClipInfo, plan: Plan) -> bool:
    """Return whether the clip can be used without re-encoding: its codecs, size and length match the plan."""
    planned_seconds = plan.frames * _ONE_FRAME
    return (
        (clip_info.codec, clip_info.pixel_format) == ("h264", "yuv420p")
        and clip_info.sound in {None, "aac"}
        and (clip_info.width, clip_info.height) == (plan.width, plan.height)
        and (clip_info.pixel_ratio, clip_info.quarter_turns) == (Fraction(1), 0)
        and abs(clip_info.seconds - planned_seconds) <= _ONE_FRAME
        and abs(clip_info.starts_at) <= _ONE_FRAME
        and clip_info.sound_ends_at <= planned_seconds + _ONE_FRAME
    )


def _copy(clip_info: ClipInfo, path: Path) -> None:
    """Copy the clip to `path` without re-encoding.

    The bytes are copied if the file contains only video and sound and its index comes first. Otherwise the packets of
    these two streams are copied to a new file.
    """
    if clip_info.is_plain and clip_info.faststart:
        shutil.copyfile(clip_info.path, path)
        return
    with (
        open_media(clip_info.path) as source,
        av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        streams = [stream for stream in (source.pictures, source.sound) if stream]
        output_streams = {stream.index: output.add_stream_from_template(stream) for stream in streams}
        for packet in source.container.demux(*streams):
            if packet.dts is not None:
                packet.stream = output_streams[packet.stream_index]
                output.mux(packet)
