"""The renderer of a job: a video as requested, its poster and its preview, in the given folder."""

import pytest
from PIL import Image

from tests.builders import a_job
from videojobs.domain.request import AspectRatio, Style
from videojobs_media.inspect import inspect_video
from videojobs_media.renderer import PyAvRenderer


@pytest.mark.parametrize("duration", [1, 1.26])
def test_a_job_is_rendered_as_a_video_with_a_poster_and_a_preview(tmp_path, duration):
    job = a_job(style=Style.CALM, aspect_ratio=AspectRatio.PORTRAIT, duration=duration)
    progress: list[float] = []
    rendered = PyAvRenderer().render(job, tmp_path, progress.append)
    facts = inspect_video(rendered.video)
    assert (rendered.width, rendered.height) == (facts.width, facts.height) == (720, 1280)
    assert rendered.seconds == facts.seconds == pytest.approx(duration, abs=1 / 24)
    assert {path.name for path in tmp_path.iterdir()} == {"video.mp4", "poster.jpg", "preview.webp"}
    with Image.open(rendered.poster) as poster:
        assert poster.size == (720, 1280)
    with Image.open(rendered.preview) as preview:
        assert preview.size == (270, 480)
    assert progress[-1] == 1


@pytest.mark.parametrize(("style", "scripts"), [(Style.FUN, ("Tibetan",)), (Style.BACKGROUND, ())])
def test_the_scripts_that_a_text_lacks_are_returned(tmp_path, style, scripts):
    rendered = PyAvRenderer().render(a_job(prompt="Hello བོད", style=style, duration=1), tmp_path, lambda _: None)
    assert rendered.missing_scripts == scripts


def test_a_stopped_rendering_leaves_its_folder_empty(tmp_path):
    def stop(_: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        PyAvRenderer().render(a_job(duration=1), tmp_path, stop)
    assert list(tmp_path.iterdir()) == []
