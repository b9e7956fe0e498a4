"""Posters and previews, of sketches and of other videos."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageSequence, ImageStat

from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.request import Style
from videojobs_media.inspect import inspect_video
from videojobs_media.stills import write_pictures
from videojobs_sketch.backgrounds.choice import BackgroundMaker
from videojobs_sketch.backgrounds.patterned import Dots, Tiles
from videojobs_sketch.backgrounds.scene import Scene
from videojobs_sketch.backgrounds.soft import Bokeh
from videojobs_sketch.canvas import Canvas
from videojobs_sketch.encoder import Mp4Writer
from videojobs_sketch.palette import make_palette, rng_for
from videojobs_sketch.sketch import draw_sketch
from videojobs_sketch.video_format import VideoFormat


@pytest.fixture(scope="module", params=Style)
def video(request, tmp_path_factory) -> Path:
    """Return a sketch of four seconds, once per style."""
    path = tmp_path_factory.mktemp("stills") / "video.mp4"
    draw_sketch(
        prompt="Neon city at night",
        style=request.param,
        seconds=4,
        video_format=VideoFormat(1280, 720, 24),
        path=path,
        on_progress=lambda _: None,
    )
    return path


def write_frames(
    path: Path,
    frames: list[Image.Image],
    *,
    rate: int = 10,
    options: dict[str, str] | None = None,
    first: int = 0,
) -> Path:
    """Write the frames as a video and return its path; its time starts at the frame number `first`."""
    with av.open(str(path), "w", format="mp4", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *frames[0].size, "yuv420p"
        for index, image in enumerate(frames, first):
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


BLACK = Image.new("RGB", (64, 48))
BRIGHT = Image.radial_gradient("L").resize((64, 48)).convert("RGB")


def moving(length: int, size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """Return `length` different frames."""
    gradient = Image.radial_gradient("L").resize(size).convert("RGB")
    return [ImageChops.offset(gradient, index * 3, 0) for index in range(length)]


@dataclass(frozen=True)
class Pictures:
    """The pictures made of a video: its poster, and the frames of its preview with their durations in milliseconds."""

    poster: Image.Image
    frames: list[Image.Image]
    milliseconds: list[int]
    loop: int
    size_bytes: int

    @property
    def seconds(self) -> float:
        """Return the duration of one loop of the preview."""
        return sum(self.milliseconds) / 1000


def pictures_of(video: Path) -> Pictures:
    """Write the poster and the preview of the video, and read them back."""
    poster, preview = video.with_suffix(".jpg"), video.with_suffix(".webp")
    write_pictures(video, poster=poster, preview=preview)
    with Image.open(poster) as image:
        assert image.format == "JPEG"
        still = image.convert("RGB")
    frames: list[Image.Image] = []
    milliseconds: list[int] = []
    with Image.open(preview) as image:
        assert image.format == "WEBP"
        for frame in ImageSequence.Iterator(image):
            frames.append(frame.convert("RGB"))
            milliseconds.append(image.info["duration"])
        return Pictures(still, frames, milliseconds, image.info["loop"], preview.stat().st_size)


def brightness(image: Image.Image) -> float:
    """Return the mean of all bands, 0-255."""
    return sum(ImageStat.Stat(image).mean) / 3


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures of one size, 0-255."""
    return brightness(ImageChops.difference(one, other))


def test_a_poster_is_a_jpeg_of_full_size_that_is_not_plain(video):
    poster = pictures_of(video).poster
    assert poster.size == (1280, 720)
    assert brightness(poster) > 10
    assert max(ImageStat.Stat(poster).stddev) > 4


@pytest.mark.parametrize("black_before", [9, 15, 30, 60])
@pytest.mark.parametrize("black_after", [0, 5])
def test_a_poster_is_not_taken_from_black_frames_at_the_start_or_end(tmp_path, black_before, black_after):
    frames = [BLACK] * black_before + [BRIGHT] * 10 + [BLACK] * black_after
    poster = pictures_of(write_frames(tmp_path / "video.mp4", frames)).poster
    assert difference(poster, BRIGHT) < 10


@pytest.mark.parametrize("number", [0, 1, 12, 33, 59])
def test_a_poster_is_the_frame_at_the_given_moment_and_the_preview_shows_it(tmp_path, number):
    frames = [Image.new("RGB", (64, 48), (4 * index, 0, 0)) for index in range(60)]
    video = write_frames(tmp_path / "video.mp4", frames)
    poster, preview = tmp_path / "poster.jpg", tmp_path / "preview.webp"
    write_pictures(video, poster=poster, preview=preview, moment=number / 10)
    with Image.open(poster) as image:
        assert difference(image.convert("RGB"), frames[number]) < 1.2
    with Image.open(preview) as image:
        shown = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
    assert min(difference(frame, frames[number]) for frame in shown) < 1.2


@pytest.mark.parametrize("length", [5, 15, 25, 50])
def test_the_preview_of_a_video_that_begins_black_does_not_begin_black(tmp_path, length):
    frames = pictures_of(write_frames(tmp_path / "video.mp4", [BLACK] * length + moving(30))).frames
    assert brightness(frames[0]) > 40


def test_a_poster_is_not_taken_in_the_middle_of_a_cut(tmp_path):
    noisy = [Image.effect_noise((64, 48), spread).convert("RGB") for spread in range(100, 114)]
    poster = pictures_of(write_frames(tmp_path / "video.mp4", [*noisy, *[BRIGHT] * 10])).poster
    assert difference(poster, BRIGHT) < 10


@pytest.mark.parametrize("length", [1, 3, 80])
def test_a_black_video_has_a_poster_and_a_preview(tmp_path, length):
    pictures = pictures_of(write_frames(tmp_path / "video.mp4", [BLACK] * length))
    assert pictures.poster.size == pictures.frames[0].size == (64, 48)


def test_a_preview_is_a_small_looping_animation_of_two_and_a_half_seconds(video):
    pictures = pictures_of(video)
    assert pictures.size_bytes < 500_000
    assert pictures.seconds == 2.5
    assert pictures.loop == 0
    assert {frame.size for frame in pictures.frames} == {(480, 270)}
    assert 20 < len(pictures.frames) <= 30  # equal consecutive frames are stored as one
    assert all(difference(one, other) > 0 for one, other in pairwise(pictures.frames))


@pytest.mark.parametrize(("rate", "frame_count"), [(1, 3), (5, 12), (12, 30), (24, 30), (25, 30), (30, 30), (60, 30)])
def test_a_preview_lasts_two_and_a_half_seconds_at_every_frame_rate(tmp_path, rate, frame_count):
    pictures = pictures_of(write_frames(tmp_path / "video.mp4", moving(6 * rate), rate=rate))
    assert pictures.seconds == 2.5
    assert len(pictures.frames) == pytest.approx(frame_count, abs=1)


@pytest.mark.parametrize("length", [2, 10, 19, 24])
def test_the_preview_of_a_shorter_video_shows_all_of_it(tmp_path, length):
    frames = moving(length)
    pictures = pictures_of(write_frames(tmp_path / "video.mp4", frames))
    assert pictures.seconds == length / 10
    assert difference(pictures.frames[0], frames[0]) < 10
    assert difference(pictures.frames[-1], frames[-1]) < 10


def test_a_video_whose_time_starts_later_has_a_poster_and_a_preview(tmp_path):
    pictures = pictures_of(write_frames(tmp_path / "video.mp4", [BLACK] * 15 + moving(30), first=70))
    assert pictures.seconds == 2.5
    assert brightness(pictures.poster) > 40


@pytest.mark.parametrize(
    ("size", "small"), [((960, 960), (360, 360)), ((720, 1280), (270, 480)), ((960, 720), (416, 312)), ((64, 48),) * 2]
)
def test_previews_of_every_ratio_have_similar_sizes_and_are_not_larger_than_the_video(tmp_path, size, small):
    frames = [Image.new("RGB", size, "teal")] * 5
    assert pictures_of(write_frames(tmp_path / "video.mp4", frames)).frames[0].size == small


def write_ground(
    path: Path, background: BackgroundMaker, style: Style, size: tuple[int, int], *, loop: int = 60
) -> Path:
    """Write two and a half seconds of a background without text that loops after `loop` frames; return the path."""
    canvas = Canvas(*size)
    picture = background(Scene(*size, make_palette("a", style), rng_for("a"), loop / 24, has_text=False))
    with Mp4Writer(path, VideoFormat(*size, 24)) as writer:
        for frame in range(60):
            picture.paint(canvas, frame / loop)
            writer.write(canvas)
    return path


def test_slow_soft_motion_leaves_no_torn_edges_in_a_preview(tmp_path):
    video = write_ground(tmp_path / "video.mp4", Bokeh, Style.CALM, (480, 270), loop=192)
    with av.open(str(video)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)][::2]
    errors = [
        max(ImageStat.Stat(ImageChops.difference(preview_frame, frame)).rms)
        for preview_frame, frame in zip(pictures_of(video).frames, frames, strict=True)
    ]
    assert max(errors) < 1.5 * errors[0]


@pytest.mark.parametrize("background", [Dots, Tiles])
def test_a_preview_of_the_busiest_backgrounds_is_small_enough_at_the_first_try(tmp_path, background):
    pictures = pictures_of(write_ground(tmp_path / "video.mp4", background, Style.FUN, (960, 960)))
    assert 150_000 < pictures.size_bytes < 500_000
    assert pictures.frames[0].size == (360, 360)


def test_a_preview_of_noise_is_reduced_until_it_is_small_enough(tmp_path):
    frames = [Image.effect_noise((360, 360), 250).convert("RGB") for _ in range(30)]
    pictures = pictures_of(write_frames(tmp_path / "video.mp4", frames, rate=12))
    assert 250_000 < pictures.size_bytes < 500_000
    assert pictures.seconds == 2.5
    assert pictures.frames[0].width == pictures.frames[0].height < 360


def test_the_inspection_reports_whether_the_index_is_at_the_start(tmp_path):
    frames = [Image.new("RGB", (64, 48), "red")] * 5
    facts = inspect_video(write_frames(tmp_path / "late.mp4", frames))
    assert (facts.faststart, facts.frames, facts.width, facts.height) == (False, 5, 64, 48)
    assert facts.seconds == pytest.approx(0.5)
    early = write_frames(tmp_path / "early.mp4", frames, options={"movflags": "+faststart"})
    assert inspect_video(early).faststart


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 400])
@pytest.mark.parametrize("use", [inspect_video, lambda path: write_pictures(path, poster=path, preview=path)])
def test_a_file_that_is_not_a_video_raises_a_transient_provider_error(tmp_path, use: Callable[[Path], object], content):
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(ProviderError) as caught:
        use(path)
    assert caught.value.reason is FailureCode.PROVIDER_ERROR
    assert caught.value.transient
    assert path.read_bytes() == content


def test_a_truncated_video_raises_a_provider_error(tmp_path):
    whole = write_frames(tmp_path / "whole.mp4", [Image.new("RGB", (64, 48), "red")] * 5)
    whole.write_bytes(whole.read_bytes()[:-300])
    with pytest.raises(ProviderError):
        inspect_video(whole)


def test_a_file_with_sound_only_raises_a_provider_error(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 8000, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for use in (inspect_video, pictures_of):
        with pytest.raises(ProviderError):
            use(path)
