"""Estimates before a job is created: those of the provider that the worker would choose."""

import pytest

from tests.builders import a_new_job
from tests.fakes.timings import InMemoryTimingRepository
from videojobs.domain.errors import ValidationFailed
from videojobs.domain.plan import Clip
from videojobs.domain.request import Resolution
from videojobs.domain.video_estimate import VideoEstimate
from videojobs.ports.videos import Capabilities, Offers, UnknownSubmit
from videojobs.services.estimate_video import estimate_video


def capabilities(*clips: Clip) -> Capabilities:
    """Return those of a provider with these clips, or of one that makes every video if there are none."""
    return Capabilities(
        yields_pixels=True, can_cancel=True, unknown_submit=UnknownSubmit.REPEAT, clips=clips or None, takes_seed=True
    )


KNOWN = {
    "short": capabilities(Clip(1280, 720, 1)),
    "clips": capabilities(Clip(1280, 720, 8)),
    "any": capabilities(),
}


def estimate(*order: str, usual: float | None = None, **request: object) -> VideoEstimate:
    """Return the estimate of a request with the providers in this order."""
    timings = InMemoryTimingRepository()
    if usual is not None:
        timings.record("fun:10", usual)
    return estimate_video(a_new_job(**request), offers=Offers(order, KNOWN.get), timings=timings)


def test_the_first_provider_that_can_make_the_video_is_estimated() -> None:
    estimated = estimate("gone", "short", "clips", "any", duration=30)
    assert estimated.provider == "clips"
    assert estimated.production is not None
    assert [clip.seconds for clip in estimated.production.plan.clips] == [8] * 4


def test_a_provider_without_the_resolution_is_skipped() -> None:
    estimated = estimate("clips", "any", resolution=Resolution.P480, sound=True)
    assert (estimated.provider, estimated.production, estimated.ignored) == ("any", None, ("sound",))


def test_the_named_provider_is_estimated() -> None:
    assert estimate("clips", provider="any").provider == "any"


@pytest.mark.parametrize(("usual", "seconds"), [(None, None), (12.5, 15)])
def test_the_expected_time_is_that_of_similar_jobs(usual: float | None, seconds: int | None) -> None:
    assert estimate("any", usual=usual).seconds == seconds


def test_a_video_that_no_provider_can_make_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        estimate("gone", "short", duration=60)
