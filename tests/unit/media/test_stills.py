"""Posters and previews, from sketches and from videos of any other make."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from videojobs.adapters.media.inspect import inspect_video
from videojobs.adapters.media.sketch import draw_sketch
from videojobs.adapters.media.stills import write_poster, write_preview
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import AspectRatio, Style


@pytest.fixture(scope="module", params=Style)
def video(request, tmp_path_factory) -> Path:
    """A sketch of four seconds in each style."""
    path = tmp_path_factory.mktemp("stills") / "video.mp4"
    draw_sketch(
        prompt="Neon city at night",
        style=request.param,
        seconds=4,
        aspect_ratio=AspectRatio.LANDSCAPE,
        path=path,
        on_progress=lambda _: None,
    )
    return path


def write_frames(path: Path, frames: list[Image.Image], *, options: dict[str, str] | None = None) -> Path:
    """A video of any frames, as somebody else might encode it."""
    with av.open(str(path), "w", format="mp4", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_poster_is_a_full_size_jpeg_with_something_to_see(video, tmp_path):
    poster = tmp_path / "poster.jpg"
    write_poster(video, poster)
    with Image.open(poster) as image:
        assert image.format == "JPEG"
        assert image.size == (1280, 720)
        assert sum(ImageStat.Stat(image).mean) > 30
        assert max(ImageStat.Stat(image).stddev) > 4


def test_a_poster_is_not_taken_from_the_black_before_and_after(tmp_path):
    bright = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
    frames = [Image.new("RGB", (64, 48))] * 9 + [bright] * 6 + [Image.new("RGB", (64, 48))] * 5
    poster = tmp_path / "poster.jpg"
    write_poster(write_frames(tmp_path / "video.mp4", frames), poster)
    with Image.open(poster) as image:
        assert sum(ImageStat.Stat(image).mean) > 60


def test_a_poster_is_not_taken_in_the_middle_of_a_cut(tmp_path):
    still = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
    noisy = [Image.effect_noise((64, 48), spread).convert("RGB") for spread in range(100, 114)]
    poster = tmp_path / "poster.jpg"
    write_poster(write_frames(tmp_path / "video.mp4", [*noisy, *[still] * 6]), poster)
    with Image.open(poster) as image:
        assert sum(ImageStat.Stat(ImageChops.difference(image, still)).mean) < 30


def test_even_a_video_that_is_black_has_a_poster(tmp_path):
    poster = tmp_path / "poster.jpg"
    write_poster(write_frames(tmp_path / "video.mp4", [Image.new("RGB", (64, 48))] * 3), poster)
    with Image.open(poster) as image:
        assert image.size == (64, 48)


def animation_seconds(path: Path) -> float:
    """How long one round of an animated picture takes."""
    with Image.open(path) as image:
        total = 0
        for frame in range(image.n_frames):
            image.seek(frame)
            image.load()
            total += image.info["duration"]
    return total / 1000


def test_a_preview_is_a_small_animation_of_two_to_three_seconds(video, tmp_path):
    preview = tmp_path / "preview.webp"
    write_preview(video, preview)
    assert preview.stat().st_size < 500_000
    assert 2 <= animation_seconds(preview) <= 3
    with Image.open(preview) as image:
        assert image.format == "WEBP"
        assert image.size == (480, 270)


def test_a_preview_of_a_shorter_video_is_all_of_it(tmp_path):
    frames = [Image.new("RGB", (64, 48), (index * 20, 40, 200)) for index in range(10)]
    preview = tmp_path / "preview.webp"
    write_preview(write_frames(tmp_path / "video.mp4", frames), preview)
    assert animation_seconds(preview) == pytest.approx(1, abs=0.2)


def test_a_preview_of_noise_is_made_small_enough(tmp_path):
    frames = [Image.effect_noise((480, 270), 200).convert("RGB") for _ in range(24)]
    path = tmp_path / "video.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 480, 270, "yuv420p"
        stream.codec_context.options = {"preset": "ultrafast", "crf": "12"}
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = index, Fraction(1, 12)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    preview = tmp_path / "preview.webp"
    write_preview(path, preview)
    assert preview.stat().st_size < 500_000


def test_an_index_at_the_end_is_noticed(tmp_path):
    frames = [Image.new("RGB", (64, 48), "red")] * 5
    facts = inspect_video(write_frames(tmp_path / "late.mp4", frames))
    assert (facts.faststart, facts.frames, facts.width, facts.height) == (False, 5, 64, 48)
    assert facts.seconds == pytest.approx(0.5)
    early = write_frames(tmp_path / "early.mp4", frames, options={"movflags": "+faststart"})
    assert inspect_video(early).faststart


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 400])
@pytest.mark.parametrize(
    "use", [inspect_video, lambda path: write_poster(path, path), lambda path: write_preview(path, path)]
)
def test_what_is_no_video_is_the_providers_failure(tmp_path, use: Callable[[Path], object], content):
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(ProviderError) as caught:
        use(path)
    assert caught.value.reason is FailureCode.PROVIDER_ERROR
    assert caught.value.transient
    assert path.read_bytes() == content


def test_a_video_that_was_cut_off_is_no_video(tmp_path):
    whole = write_frames(tmp_path / "whole.mp4", [Image.new("RGB", (64, 48), "red")] * 5)
    whole.write_bytes(whole.read_bytes()[:-300])
    with pytest.raises(ProviderError):
        inspect_video(whole)


def test_a_sound_without_pictures_is_no_video(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 8000, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for use in (inspect_video, lambda file: write_poster(file, file), lambda file: write_preview(file, file)):
        with pytest.raises(ProviderError):
            use(path)
