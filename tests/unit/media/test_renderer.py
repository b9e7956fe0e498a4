"""What the render function gets for a job: a video as asked for, its poster and preview, in the folder it names."""

import pytest
from PIL import Image

from tests.builders import a_job
from videojobs.adapters.media.inspect import inspect_video
from videojobs.adapters.media.renderer import PyAvRenderer
from videojobs.domain.request import AspectRatio, Style


@pytest.mark.parametrize("duration", [1, 1.26])
def test_a_job_becomes_a_video_and_a_poster_of_its_size(tmp_path, duration):
    job = a_job(style=Style.CALM, aspect_ratio=AspectRatio.PORTRAIT, duration=duration)
    told: list[float] = []
    rendered = PyAvRenderer().render(job, tmp_path, told.append)
    facts = inspect_video(rendered.video)
    assert (rendered.width, rendered.height) == (facts.width, facts.height) == (720, 1280)
    assert rendered.seconds == facts.seconds == pytest.approx(duration, abs=1 / 24)
    assert {path.name for path in tmp_path.iterdir()} == {"video.mp4", "poster.jpg", "preview.webp"}
    with Image.open(rendered.poster) as poster:
        assert poster.size == (720, 1280)
    with Image.open(rendered.preview) as preview:
        assert preview.size == (270, 480)
    assert told[-1] == 1


def test_a_job_that_is_stopped_leaves_its_folder_empty(tmp_path):
    def stop(_: float) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        PyAvRenderer().render(a_job(duration=1), tmp_path, stop)
    assert list(tmp_path.iterdir()) == []
