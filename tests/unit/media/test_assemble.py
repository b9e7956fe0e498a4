"""Assembly: the video has the planned frames, size and sound for every kind of clip."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from tests.unit.media.clips import (
    BLUE,
    GREEN,
    GREY,
    RED,
    Colour,
    bars,
    colour_at,
    loudness_in,
    packets_in,
    pictures_in,
    write_clip,
)
from videojobs.domain.errors import LeaseLost, ProviderError
from videojobs.domain.plan import CROSS_FADE_FRAMES, Clip, Plan
from videojobs_media.inspect import inspect_video
from videojobs_media.renderer import PyAvRenderer

WIDE, TALL, SQUARE, CLASSIC = (128, 72), (72, 128), (96, 96), (96, 72)
NEARLY = 12
"""The tolerance for coding in a plain area, of 255."""


def a_plan(frames: int, *seconds: float, size: tuple[int, int] = WIDE, made: tuple[int, int] = WIDE) -> Plan:
    """Return a plan with clips of these durations in seconds and of the size `made`."""
    return Plan(tuple(Clip(*made, length) for length in seconds), size, *size, frames)


def stills(colour: Colour, count: int, size: tuple[int, int] = WIDE) -> list[Image.Image]:
    return [Image.new("RGB", size, colour)] * count


def steps(count: int, size: tuple[int, int] = WIDE) -> list[Image.Image]:
    """Return pictures of which each is a little brighter than the one before."""
    return [Image.new("RGB", size, (20 + 4 * number,) * 3) for number in range(count)]


def assemble(tmp_path: Path, plan: Plan, *clips: Path) -> Path:
    """Assemble the clips and return the video, after checking the files, the size and the progress."""
    folder = tmp_path / "made"
    folder.mkdir()
    progress: list[float] = []
    rendered = PyAvRenderer().assemble(clips, plan, folder, progress.append)
    assert {path.name for path in folder.iterdir()} == {"video.mp4", "poster.jpg", "preview.webp"}
    assert (rendered.width, rendered.height) == (plan.width, plan.height)
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 1)
    return rendered.video


def is_as_planned(video: Path, plan: Plan) -> list[av.VideoFrame]:
    """Return the frames of the video, after checking its format and its frames against the plan."""
    facts, pictures = inspect_video(video), pictures_in(video)
    assert (facts.codec, facts.pixel_format, facts.faststart) == ("h264", "yuv420p", True)
    assert [picture.time for picture in pictures] == pytest.approx([number / 24 for number in range(plan.frames)])
    assert {(picture.width, picture.height) for picture in pictures} == {(plan.width, plan.height)}
    assert facts.seconds == pytest.approx(plan.frames / 24)
    with av.open(str(video)) as container:
        assert container.streams.video[0].sample_aspect_ratio in {None, 0, 1}
        assert container.streams.video[0].average_rate == 24
    return pictures


def is_nearly(actual: Sequence[int], expected: Sequence[int], tolerance: int = NEARLY) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(actual, expected, strict=True))


# ---------------------------------------------------------------- formats

UNEVEN = [Fraction(at, 1000) for at in (0, 20, 40, 300, 310, 500, 700, 720, 900)]
CLIPS: dict[str, dict[str, Any]] = {
    "30 pictures a second": {"rate": 30, "count": 30},
    "16 pictures a second": {"rate": 16, "count": 16},
    "60 pictures a second": {"rate": 60, "count": 60},
    "uneven times": {"times": UNEVEN, "count": len(UNEVEN)},
    "begins late": {"times": [2 + Fraction(number, 24) for number in range(24)]},
    "B-frames": {"options": {"preset": "medium", "bf": "3"}},
    "much larger": {"size": (512, 288)},
    "smaller": {"size": (64, 36)},
    "odd size": {"size": (131, 75), "pixel_format": "yuv444p"},
    "upright": {"size": (72, 128)},
    "HEVC, 10 bits": {"codec": "libx265", "pixel_format": "yuv420p10le", "options": {"x265-params": "log-level=none"}},
    "H.264, 10 bits": {"pixel_format": "yuv420p10le"},
    "VP9": {"codec": "libvpx-vp9", "suffix": ".webm", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "AV1": {"codec": "libsvtav1", "options": {"preset": "12"}},
    "QuickTime": {"suffix": ".mov"},
}


@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize("size", [WIDE, SQUARE], ids=["16:9", "1:1"])
def test_a_clip_of_any_format_becomes_the_planned_video(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    options = dict(CLIPS[kind])
    count, clip_size, suffix = options.pop("count", 24), options.pop("size", WIDE), options.pop("suffix", ".mp4")
    clip = write_clip(tmp_path / f"clip{suffix}", stills(GREEN, count, clip_size), **options)
    plan = a_plan(20, 1, size=size)
    pictures = is_as_planned(assemble(tmp_path, plan, clip), plan)
    for picture in (pictures[0], pictures[-1]):
        assert all(is_nearly(colour_at(picture, x, y), GREEN) for x in (0, 0.5, 1) for y in (0, 1))


@pytest.mark.parametrize("size", [WIDE, TALL, SQUARE, CLASSIC])
@pytest.mark.parametrize("made", [(256, 144), (144, 256), (160, 160), (210, 90)])
def test_a_clip_is_cropped_to_its_centre(tmp_path: Path, size: tuple[int, int], made: tuple[int, int]) -> None:
    # The edges of bars show which part of the picture was kept.
    clip = write_clip(tmp_path / "clip.mp4", [bars(*made, RED, GREEN, GREEN, BLUE)] * 6)
    plan = a_plan(6, 0.25, size=size, made=made)
    picture = is_as_planned(assemble(tmp_path, plan, clip), plan)[0]
    kept_share = min(1.0, made[1] * size[0] / size[1] / made[0])  # share of the width
    edge = (kept_share - 0.5) / 2 / kept_share  # boundary between red and green
    for place, colour in ((edge - 0.06, RED), (edge + 0.06, GREEN), (1 - edge - 0.06, GREEN), (1 - edge + 0.06, BLUE)):
        if 0 <= place <= 1:
            assert is_nearly(colour_at(picture, place), colour, 25)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_rotated_clip_is_turned_upright(tmp_path: Path, degrees: int) -> None:
    upright = bars(128, 128, RED, GREEN, BLUE).resize(TALL if degrees % 180 else WIDE)
    clip = write_clip(tmp_path / "clip.mp4", [upright.rotate(-degrees, expand=True)] * 6, rotation=degrees)
    plan = a_plan(6, 0.25, size=upright.size)
    picture = is_as_planned(assemble(tmp_path, plan, clip), plan)[0]
    assert [is_nearly(colour_at(picture, x), c, 25) for x, c in ((0.15, RED), (0.5, GREEN), (0.85, BLUE))] == [True] * 3


def test_pixels_that_are_not_square_are_shown_at_their_true_width(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [bars(72, 72, RED, GREEN, GREEN, BLUE)] * 6, pixel_ratio=Fraction(16, 9))
    wide, square = a_plan(6, 0.25), a_plan(6, 0.25, size=SQUARE)
    picture = is_as_planned(assemble(tmp_path, wide, clip), wide)[0]
    assert is_nearly(colour_at(picture, 0.1), RED, 25)
    (tmp_path / "more").mkdir()
    picture = is_as_planned(assemble(tmp_path / "more", square, clip), square)[0]
    assert is_nearly(colour_at(picture, 0), RED, 25)
    assert is_nearly(colour_at(picture, 0.25), GREEN, 25), (
        "red is a quarter of 16:9, of which a square keeps nine sixteenths"
    )


@pytest.mark.parametrize("space", [1, 5, 6], ids=["BT.709", "BT.601, 625 lines", "BT.601, 525 lines"])
@pytest.mark.parametrize("levels", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("colour", [RED, GREEN, BLUE], ids=["red", "green", "blue"])
def test_colours_are_preserved_across_colour_spaces(tmp_path: Path, space: int, levels: int, colour: Colour) -> None:
    clip = write_clip(tmp_path / "clip.mp4", stills(colour, 6, (256, 144)), colours=(space, levels))
    plan = a_plan(6, 0.25)
    picture = is_as_planned(assemble(tmp_path, plan, clip), plan)[3]
    assert (picture.colorspace, picture.color_range) == (1, 1)
    assert is_nearly(colour_at(picture, 0.5), colour)


# ---------------------------------------------------------------- duration


def test_a_clip_that_is_too_long_is_trimmed_to_the_frame(tmp_path: Path) -> None:
    clip, plan = write_clip(tmp_path / "clip.mp4", steps(48)), a_plan(29, 2)
    pictures = is_as_planned(assemble(tmp_path, plan, clip), plan)
    assert is_nearly(colour_at(pictures[0], 0.5), (20,) * 3)
    assert is_nearly(colour_at(pictures[-1], 0.5), (20 + 4 * 28,) * 3)


def test_a_clip_that_is_too_short_holds_its_last_picture(tmp_path: Path) -> None:
    clip, plan = write_clip(tmp_path / "clip.mp4", steps(24), hum_seconds=2), a_plan(48, 2)
    video = assemble(tmp_path, plan, clip)
    pictures = is_as_planned(video, plan)
    assert all(is_nearly(colour_at(picture, 0.5), (20 + 4 * 23,) * 3) for picture in pictures[24:])
    assert min(loudness_in(video)[4:44]) > 0.3, "the sound continues while the last picture is held"


@pytest.mark.parametrize("end", [Fraction(23, 24), Fraction(949, 1000), Fraction(970, 1000)])
def test_last_picture_is_held_wherever_it_begins(tmp_path: Path, end: Fraction) -> None:
    times = [*(Fraction(number, 24) for number in range(23)), end]
    clip = write_clip(tmp_path / "clip.mp4", [*stills(RED, 23), *stills(BLUE, 1)], times=times)
    plan = a_plan(48, 2)
    pictures = is_as_planned(assemble(tmp_path, plan, clip), plan)
    assert is_nearly(colour_at(pictures[22], 0.5), RED)
    assert all(is_nearly(colour_at(picture, 0.5), BLUE) for picture in pictures[24:])


def test_a_short_clip_is_joined_at_its_end_and_the_last_picture_of_the_video_is_held(tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{n}.mp4", stills(colour, 20)) for n, colour in enumerate((RED, BLUE))]
    plan = a_plan(40, 1, 1)
    pictures = is_as_planned(assemble(tmp_path, plan, *clips), plan)
    assert is_nearly(colour_at(pictures[11], 0.5), RED)
    assert all(is_nearly(colour_at(picture, 0.5), BLUE) for picture in pictures[20:])


def test_a_clip_that_is_longer_than_planned_does_not_shorten_the_others(tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{n}.mp4", stills(colour, 72)) for n, colour in enumerate((RED, BLUE))]
    plan = a_plan(40, 1, 1)
    pictures = is_as_planned(assemble(tmp_path, plan, *clips), plan)
    assert is_nearly(colour_at(pictures[15], 0.5), RED)
    assert is_nearly(colour_at(pictures[24], 0.5), BLUE)


@pytest.mark.parametrize("count", [1, 3])
def test_clips_of_a_few_frames_still_fill_the_planned_time(tmp_path: Path, count: int) -> None:
    clips = [write_clip(tmp_path / f"{n}.mp4", stills(GREY, count)) for n in range(3)]
    plan = a_plan(56, 1, 1, 1)
    is_as_planned(assemble(tmp_path, plan, *clips), plan)


# ---------------------------------------------------------------- joins


def test_clips_cross_fade_into_each_other(tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{n}.mp4", stills(c, 24)) for n, c in enumerate((RED, BLUE, GREEN))]
    plan = a_plan(56, 1, 1, 1)
    assert plan.frames == plan.joined_frames
    pictures = is_as_planned(assemble(tmp_path, plan, *clips), plan)
    colours = [colour_at(picture, 0.5) for picture in pictures]
    for begin, old, new in ((16, RED, BLUE), (32, BLUE, GREEN)):
        middle = [(one + other) / 2 for one, other in zip(colours[begin + 3], colours[begin + 4], strict=True)]
        mean = [(one + other) / 2 for one, other in zip(old, new, strict=True)]
        assert is_nearly(middle, mean)
        assert is_nearly(colours[begin - 1], old)
        assert is_nearly(colours[begin + CROSS_FADE_FRAMES], new)
        reds = [red for red, _, _ in colours[begin - 1 : begin + CROSS_FADE_FRAMES + 1]]
        assert is_nearly(reds, sorted(reds, reverse=old[0] > new[0]), 3)
        assert len(set(reds)) > CROSS_FADE_FRAMES // 2


def test_clips_of_several_formats_are_joined(tmp_path: Path) -> None:
    clips = [
        write_clip(tmp_path / "0.webm", stills(RED, 30, (320, 180)), codec="libvpx-vp9", rate=30),
        write_clip(tmp_path / "1.mp4", stills(BLUE, 25, (180, 180)), rate=25, hum_seconds=1, sound_rate=44100),
    ]
    plan = a_plan(40, 1, 1, size=CLASSIC, made=(320, 180))
    is_as_planned(assemble(tmp_path, plan, *clips), plan)


# ---------------------------------------------------------------- sound


@pytest.mark.parametrize("frames", [37, 40])
def test_the_sound_is_as_long_as_the_pictures(tmp_path: Path, frames: int) -> None:
    clips = [
        write_clip(tmp_path / f"{n}.mp4", stills(GREY, 24), hum_seconds=seconds, sound_rate=rate, layout=layout)
        for n, (seconds, rate, layout) in enumerate([(0.9, 44100, "mono"), (1.4, 48000, "5.1")])
    ]
    plan = a_plan(frames, 1, 1)
    video = assemble(tmp_path, plan, *clips)
    is_as_planned(video, plan)
    with av.open(str(video)) as container:
        [track] = container.streams.audio
        assert (track.codec_context.name, track.layout.name, track.rate) == ("aac", "stereo", 48000)
        assert track.start_time == 0
        assert track.duration == frames * 2000
    assert len(loudness_in(video)) == frames


def test_a_clip_without_sound_is_silent_next_to_a_clip_with_sound(tmp_path: Path) -> None:
    clips = [
        write_clip(tmp_path / "0.mp4", stills(GREY, 24), hum_seconds=1),
        write_clip(tmp_path / "1.mp4", stills(GREY, 24)),
    ]
    levels = loudness_in(assemble(tmp_path, a_plan(40, 1, 1), *clips))
    assert all(0.4 < level < 0.6 for level in levels[3:15])
    assert levels[16] > levels[18] > levels[20] > levels[22] > 0.01
    assert levels[19] + levels[20] == pytest.approx(0.5, abs=0.1)
    assert max(levels[26:]) < 0.01


def test_a_video_of_clips_without_sound_has_no_sound_track(tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{n}.mp4", stills(GREY, 24)) for n in range(2)]
    with av.open(str(assemble(tmp_path, a_plan(40, 1, 1), *clips))) as container:
        assert [track.type for track in container.streams] == ["video"]


def test_sound_that_begins_later_than_the_pictures_stays_in_sync(tmp_path: Path) -> None:
    times = [1 + Fraction(number, 24) for number in range(24)]
    clip = write_clip(tmp_path / "clip.mp4", stills(GREY, 24), times=times, hum_seconds=0.4, hum_from=1.5)
    levels = loudness_in(assemble(tmp_path, a_plan(24, 1, size=SQUARE), clip))
    assert max(levels[:10]) < 0.05
    assert min(levels[13:20]) > 0.4


# ---------------------------------------------------------------- copies

FITTING: dict[str, dict[str, Any]] = {
    "mute": {},
    "with sound": {"hum_seconds": 0.99},
    "a frame shorter": {"count": 23},
    "a frame longer": {"count": 25},
}


@pytest.mark.parametrize("kind", FITTING)
def test_a_clip_that_meets_the_plan_is_copied_byte_for_byte(tmp_path: Path, kind: str) -> None:
    options = dict(FITTING[kind])
    clip = write_clip(tmp_path / "clip.mp4", stills(GREEN, options.pop("count", 24)), **options)
    assert assemble(tmp_path, a_plan(24, 1), clip).read_bytes() == clip.read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_clip_that_meets_the_plan_without_faststart_keeps_its_packets(tmp_path: Path, suffix: str) -> None:
    options = {"preset": "medium", "bf": "2"}
    clip = write_clip(tmp_path / f"clip{suffix}", steps(24), faststart=False, hum_seconds=0.99, options=options)
    plan = a_plan(24, 1)
    video = assemble(tmp_path, plan, clip)
    is_as_planned(video, plan)
    assert packets_in(video) == packets_in(clip)
    assert video.read_bytes() != clip.read_bytes()


NOT_FITTING: dict[str, dict[str, Any]] = {
    "two frames longer": {"count": 26},
    "two frames shorter": {"count": 22},
    "larger": {"size": (130, 74)},
    "not square": {"pixel_ratio": Fraction(4, 3)},
    "turned": {"rotation": 180},
    "another codec": {"codec": "mpeg4"},
    "more colours": {"pixel_format": "yuv444p"},
    "other sound": {"hum_seconds": 0.9, "sound_codec": "libmp3lame"},
    "longer sound": {"hum_seconds": 1.3},
}


@pytest.mark.parametrize("kind", NOT_FITTING)
def test_a_clip_that_does_not_meet_the_plan_is_encoded_again(tmp_path: Path, kind: str) -> None:
    options = dict(NOT_FITTING[kind])
    pictures = stills(GREEN, options.pop("count", 24), options.pop("size", WIDE))
    clip = write_clip(tmp_path / "clip.mp4", pictures, **options)
    plan = a_plan(24, 1)
    video = assemble(tmp_path, plan, clip)
    is_as_planned(video, plan)
    assert video.read_bytes() != clip.read_bytes()


# ---------------------------------------------------------------- invalid clips


def broken_clips(folder: Path) -> dict[str, Path]:
    """Write files that a provider might send instead of a video; return their paths by kind."""
    whole = write_clip(folder / "whole.mp4", [image.effect_spread(9) for image in steps(24)]).read_bytes()
    late = write_clip(folder / "late.mp4", steps(24), faststart=False).read_bytes()
    contents = {
        "empty": b"",
        "a page": b"<html><body>Welcome to nginx!</body></html>",
        "cut off": whole[: len(whole) * 3 // 4],
        "without its index": late[: len(late) * 3 // 4],
        "zeros": whole[:1200] + bytes(len(whole) - 1200),
    }
    for name, content in contents.items():
        (folder / f"{name}.mp4").write_bytes(content)
    with av.open(str(folder / "sound alone.mp4"), "w") as container:
        track: Any = container.add_stream("aac", rate=48000, layout="mono")
        piece = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        piece.sample_rate = 48000
        piece.planes[0].update(bytes(piece.planes[0].buffer_size))
        container.mux(track.encode(piece))
        container.mux(track.encode())
    return {name: folder / f"{name}.mp4" for name in (*contents, "sound alone")}


@pytest.mark.parametrize("kind", ["empty", "a page", "cut off", "without its index", "zeros", "sound alone"])
def test_a_file_that_cannot_be_played_is_refused(tmp_path: Path, kind: str) -> None:
    clip = broken_clips(tmp_path)[kind]
    good = write_clip(tmp_path / "good.mp4", stills(GREY, 24))
    (tmp_path / "made").mkdir()
    with pytest.raises(ProviderError) as caught:
        PyAvRenderer().assemble([good, clip], a_plan(40, 1, 1), tmp_path / "made", lambda _: None)
    assert caught.value.transient
    with pytest.raises(ProviderError):
        PyAvRenderer().verify(clip)


def test_a_valid_clip_passes_the_check(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", stills(GREY, 24), hum_seconds=1)
    PyAvRenderer().verify(clip)
    assert inspect_video(clip).frames == 24


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_the_assembly_stops_if_the_progress_callback_raises(tmp_path: Path, at: float) -> None:
    clips = [write_clip(tmp_path / f"{n}.mp4", stills(GREY, 24)) for n in range(2)]
    progress: list[float] = []

    def stop(part: float) -> None:
        progress.append(part)
        if part >= at:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        PyAvRenderer().assemble(clips, a_plan(40, 1, 1), tmp_path, stop)
    assert progress[-1] == pytest.approx(at, abs=1 / 40)
