"""The sketch renderer: checks of the MP4 files that it writes and of the frames that it paints."""

import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from videojobs.domain.plan import FRAMES_PER_SECOND, SIZES
from videojobs.domain.request import AspectRatio, Resolution, Style
from videojobs_media.inspect import inspect_video
from videojobs_sketch.backgrounds.choice import ALONE
from videojobs_sketch.backgrounds.scene import Scene
from videojobs_sketch.canvas import Canvas
from videojobs_sketch.fonts import Face, set_runs
from videojobs_sketch.palette import make_palette, rng_for
from videojobs_sketch.sketch import draw_sketch, plan_sketch
from videojobs_sketch.video_format import VideoFormat
from videojobs_sketch.words import drawable_words

PROMPT = "A red fox dances through an autumn forest"


def ignore(_: float) -> None:
    """Ignore the progress."""


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that draws a sketch, by default the cheapest one, and returns its path."""

    def _draw(
        *,
        prompt: str = PROMPT,
        style: Style = Style.CALM,
        seconds: float = 1,
        aspect_ratio: AspectRatio = AspectRatio.CLASSIC,
        on_progress: Callable[[float], None] = ignore,
        name: str = "video.mp4",
        seed: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Path:
        path = tmp_path / name
        draw_sketch(
            prompt=prompt,
            style=style,
            seconds=seconds,
            video_format=VideoFormat(*SIZES[Resolution.P720][aspect_ratio], FRAMES_PER_SECOND),
            path=path,
            on_progress=on_progress,
            seed=seed,
            monotonic=monotonic,
        )
        return path

    return _draw


def painted(prompt: str, style: Style, *times: float, seconds: float = 1) -> list[Image.Image]:
    """Return the luma of the sketch at these times in seconds, without encoding."""
    canvas, picture = plan_sketch(
        prompt=prompt, style=style, seconds=seconds, video_format=VideoFormat(960, 720, FRAMES_PER_SECOND)
    )
    frames = []
    for moment in times:
        picture.paint(canvas, moment)
        frames.append(canvas.luma.copy())
    return frames


def decoded(path: Path) -> list[Image.Image]:
    """Return every frame of a video."""
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures with one band, 0-255."""
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


@pytest.mark.parametrize(
    ("style", "seconds", "frames"),
    [
        (Style.FUN, 1, 24),
        (Style.FUN, 2.5, 60),
        (Style.CALM, 1, 24),
        (Style.CALM, 7.3, 175),
        (Style.BACKGROUND, 2.5, 60),
        (Style.BACKGROUND, 0.01, 1),
    ],
)
def test_the_video_has_exactly_the_frames_of_its_duration(draw, style, seconds, frames):
    path = draw(style=style, seconds=seconds)
    facts = inspect_video(path)
    assert facts.frames == frames
    assert facts.seconds == pytest.approx(frames / FRAMES_PER_SECOND)
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == FRAMES_PER_SECOND


@pytest.mark.parametrize("ratio", AspectRatio)
@pytest.mark.parametrize("style", Style)
def test_every_style_and_ratio_is_encoded_as_h264_with_faststart(draw, style, ratio):
    path = draw(style=style, aspect_ratio=ratio)
    facts = inspect_video(path)
    assert (facts.width, facts.height) == SIZES[Resolution.P720][ratio]
    assert (facts.codec, facts.pixel_format, facts.faststart) == ("h264", "yuv420p", True)
    assert facts.size_bytes == path.stat().st_size
    assert len(decoded(path)) == facts.frames


def test_every_size_has_the_ratio_of_its_name():
    for ratio, (width, height) in SIZES[Resolution.P720].items():
        across, down = map(int, ratio.split(":"))
        assert width * down == height * across


@pytest.mark.parametrize("style", Style)
def test_the_same_prompt_gives_the_same_bytes(draw, style):
    first = draw(style=style, name="first.mp4").read_bytes()
    assert draw(style=style, name="second.mp4").read_bytes() == first


@pytest.mark.parametrize("style", Style)
def test_different_prompts_look_different(style):
    prompts = ["Waves at dawn", "Waves at dusk", "Waves at dawn!", "🎉", "🚀", "Go"]
    frames = [painted(prompt, style, 0.9)[0] for prompt in prompts]
    for index, frame in enumerate(frames):
        assert all(difference(frame, other) > 1 for other in frames[:index])


@pytest.mark.parametrize("background", ALONE)
@pytest.mark.parametrize("seconds", [1.5, 8.0])
def test_every_background_ends_where_it_began(background, seconds):
    canvas = Canvas(960, 720)
    palette = make_palette(PROMPT, Style.BACKGROUND)
    picture = background(Scene(960, 720, palette, rng_for(PROMPT), seconds, has_text=False))

    def frame(number: int) -> Image.Image:
        picture.paint(canvas, number / frames)
        return canvas.luma.copy()

    frames = round(seconds * FRAMES_PER_SECOND)
    before, last, first, second = frame(frames - 2), frame(frames - 1), frame(0), frame(1)
    assert difference(frame(frames), first) == 0
    around = max(difference(before, last), difference(first, second))
    assert difference(last, first) <= 1.6 * around + 0.3


@pytest.mark.parametrize("seconds", [1, 3.7])
def test_a_background_loops_without_a_jump(seconds):
    frames = round(seconds * FRAMES_PER_SECOND)
    length = frames / FRAMES_PER_SECOND
    first, second, last, repeated = painted(
        PROMPT, Style.BACKGROUND, 0, 1 / FRAMES_PER_SECOND, (frames - 1) / FRAMES_PER_SECOND, length, seconds=length
    )
    assert difference(first, repeated) == 0
    assert difference(last, first) <= 1.6 * difference(first, second) + 0.3


@pytest.mark.parametrize("prompt", ["Snow falls", "The sea", "Hills", "Stars", "Modern office", "Go", "Tea"])
def test_a_background_moves(prompt):
    before, after = painted(prompt, Style.BACKGROUND, 0, 2, seconds=8)
    assert difference(before, after) > 0.3


@pytest.mark.parametrize("style", [Style.FUN, Style.CALM])
@pytest.mark.parametrize(
    "prompt",
    ["A night train glides over a sleeping city of light", "Yes\n" + "A boat sails across the city after rain " * 3],
)
def test_the_best_moment_shows_nearly_as_much_text_as_any_other(prompt, style):
    canvas, picture = plan_sketch(
        prompt=prompt, style=style, seconds=8, video_format=VideoFormat(960, 720, FRAMES_PER_SECOND)
    )
    ink = round(make_palette(prompt, style).text.ink().luma)

    def amount(moment: float) -> int:
        picture.paint(canvas, moment)
        return sum(canvas.luma.histogram()[ink - 2 : ink + 3])

    assert picture.best_moment is not None
    best = amount(picture.best_moment - 1 / FRAMES_PER_SECOND)
    assert best >= 0.55 * max(amount(step / 4) for step in range(32))


@pytest.mark.parametrize(("style", "moment"), [(Style.FUN, 23 / 24), (Style.CALM, 23 / 24), (Style.BACKGROUND, None)])
def test_the_time_of_the_best_frame_is_returned(tmp_path, style, moment):
    video_format = VideoFormat(320, 240, FRAMES_PER_SECOND)
    returned = draw_sketch(
        prompt="Go", style=style, seconds=1, video_format=video_format, path=tmp_path / "video.mp4", on_progress=ignore
    )
    assert returned == (moment if moment is None else pytest.approx(moment))


def test_text_is_set_only_in_styles_with_text():
    setter = set_runs.cache_info
    before = setter().misses
    painted("Unheard", Style.BACKGROUND, 0.9)
    assert setter().misses == before
    painted("Unheard", Style.CALM, 0.9)
    assert setter().misses > before


@pytest.mark.parametrize(
    "prompt",
    [
        "x" * 1000,
        "word " * 200,
        "\x00\x01\x02",
        "\u202eright\u0000to\u200fleft",
        "\u0301\u0301 \u20dd",
        "🎉🚀👨‍👩‍👧‍👦",
        "مرحبا بالعالم",
        "שלום hello 世界",
        "今日は天気がいい",
        "नमस्ते स्वागत",
        "สวัสดีชาวโลก" * 20,
        "\ud800 half a pair",
        "\u200d\u200c",
        "...",
        "ﷺ ﷽",
        "a\u0323\u0301\u0301\u0301\u0301b",
    ],
)
@pytest.mark.parametrize("style", [Style.FUN, Style.CALM])
def test_unusual_prompts_make_a_moving_picture(prompt, style):
    first, last = painted(prompt, style, 0, 23 / 24)
    assert difference(first, last) > 0.05


@pytest.mark.parametrize("prompt", ["བོད", "\u202e\u200f", "\u0301", "\x00"])
def test_a_prompt_without_drawable_characters_makes_a_moving_picture(prompt):
    assert drawable_words(prompt, Face.DISPLAY) == []
    assert difference(*painted(prompt, Style.FUN, 0, 0.6)) > 0.5


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(min_size=1, max_size=1000), style=st.sampled_from([Style.FUN, Style.CALM]))
def test_any_text_makes_a_video(draw, prompt, style):
    facts = inspect_video(draw(prompt=prompt, style=style, seconds=0.5, aspect_ratio=AspectRatio.SQUARE))
    assert facts.frames == 12


def test_progress_only_grows_and_ends_at_one(draw):
    ticks = iter(range(10_000))
    progress: list[float] = []
    draw(seconds=2, on_progress=progress.append, monotonic=lambda: next(ticks) * 0.1)
    assert len(progress) > 3
    assert progress == sorted(progress)
    assert progress[0] > 0
    assert progress[-1] == 1


@pytest.mark.parametrize("patience", [0, 0.99])
def test_an_error_in_the_progress_callback_stops_the_drawing_and_leaves_no_file(draw, tmp_path, patience):
    class Cancelled(Exception):
        pass

    def stop(part: float) -> None:
        if part > patience:
            raise Cancelled

    ticks = iter(range(10_000))
    with pytest.raises(Cancelled):
        draw(on_progress=stop, monotonic=lambda: float(next(ticks)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("resolution", Resolution)
def test_every_resolution_has_even_sizes_of_the_ratio_of_its_name(resolution):
    for ratio, (width, height) in SIZES[resolution].items():
        across, down = map(int, ratio.split(":"))
        assert width / height == pytest.approx(across / down, rel=0.001)
        assert (width % 2, height % 2) == (0, 0)
        assert VideoFormat(width, height, FRAMES_PER_SECOND).ratio == ratio


@pytest.mark.parametrize("style", Style)
def test_a_seed_gives_another_video_and_the_same_seed_the_same_bytes(draw, style):
    drawn = [
        draw(style=style, seed=seed, name=f"{number}.mp4").read_bytes() for number, seed in enumerate([None, 7, 7, 8])
    ]
    assert drawn[1] == drawn[2]
    assert len(set(drawn)) == 3
