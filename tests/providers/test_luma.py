"""Behaviour specific to Luma: its parameters for sizes and lengths, its failure codes, and no cancellation."""

from collections.abc import Iterator
from copy import replace
from decimal import Decimal
from itertools import product

import pytest

from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.luma import LumaCounterpart
from tests.providers.counterparts.server import Fate, Reply
from tests.providers.lifecycle import TOKEN, error_of, submitted
from videojobs.domain.errors import FailureCode, ProviderUnreachable
from videojobs.domain.plan import SIZES, Clip, plan_video
from videojobs.domain.request import AspectRatio, Resolution
from videojobs_providers.luma import LumaProvider


@pytest.fixture
def luma() -> Iterator[LumaCounterpart]:
    """Yield a counterpart of Luma Agents."""
    server = LumaCounterpart()
    yield server
    server.close()


@pytest.fixture
def provider(luma: LumaCounterpart) -> LumaProvider:
    """Return the adapter, which calls the counterpart."""
    return luma.provider(luma.url, call_seconds=PATIENCE_SECONDS)


def test_unknown_model_is_rejected_with_the_known_names(luma: LumaCounterpart) -> None:
    with pytest.raises(ValueError, match=r"ray-2 .*ray-3\.2"):
        luma.provider(luma.url, model="ray-2")


def test_misspelled_option_is_rejected(luma: LumaCounterpart) -> None:
    with pytest.raises(ValueError, match="modell"):
        luma.provider(luma.url, modell="ray-3.2")


def test_every_clip_is_requested_with_lumas_parameters(provider: LumaProvider, luma: LumaCounterpart) -> None:
    clips = provider.capabilities.clips or ()
    for clip in clips:
        provider.submit(replace(luma.request, clip=clip, seed=7, negative_prompt="rain"), token=TOKEN)
    bodies = [task.body for task in luma.tasks.values()]
    assert len(bodies) == len(clips) == 16
    assert {body["aspect_ratio"] for body in bodies} == set(AspectRatio)
    assert {(body["video"]["duration"], body["video"]["resolution"]) for body in bodies} == set(
        product(("5s", "10s"), ("720p", "1080p"))
    )
    assert all(body.keys() == {"model", "type", "prompt", "aspect_ratio", "video"} for body in bodies)


@pytest.mark.parametrize("ratio", AspectRatio)
def test_every_aspect_ratio_is_requested(provider: LumaProvider, ratio: AspectRatio) -> None:
    plan = plan_video(4, ratio, provider.capabilities.clips or (), maximum_clips=1)
    assert plan
    assert plan.crop == SIZES[Resolution.P720][ratio]
    assert plan.clips == (Clip(*SIZES[Resolution.P720][ratio], 5, Decimal("0.30")),)


@pytest.mark.parametrize(
    ("code", "reason", "transient"),
    [
        ("output_not_found", FailureCode.RESULT_LOST, True),
        ("rate_limited", FailureCode.RATE_LIMITED, True),
        ("budget_exhausted", FailureCode.QUOTA_EXHAUSTED, False),
        ("invalid_request", FailureCode.INVALID_REQUEST, False),
        ("image_too_large", FailureCode.INVALID_REQUEST, False),
        ("never_heard_of", FailureCode.PROVIDER_ERROR, True),
        (None, FailureCode.PROVIDER_ERROR, True),
    ],
)
def test_each_failure_code_maps_to_a_reason(
    provider: LumaProvider, luma: LumaCounterpart, code: str | None, reason: FailureCode, transient: bool
) -> None:
    luma.fate, luma.failure_code = Fate.FAILS, code
    error = error_of(provider, luma)
    assert (error.reason, error.transient) == (reason, transient)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (402, FailureCode.QUOTA_EXHAUSTED),
        (422, FailureCode.INVALID_REQUEST),
        (413, FailureCode.INVALID_REQUEST),
        (429, FailureCode.RATE_LIMITED),
    ],
)
def test_rejected_submit_reports_its_reason(
    provider: LumaProvider, luma: LumaCounterpart, status: int, reason: FailureCode
) -> None:
    luma.instead = Reply(status, {"detail": "No."})
    error = error_of(provider, luma)
    assert not isinstance(error, ProviderUnreachable)
    assert error.reason is reason


@pytest.mark.parametrize("reply", [Reply(502, {"detail": "Upstream"}), Reply(201, {"state": "queued"})])
def test_submit_without_a_usable_response_is_ambiguous(
    provider: LumaProvider, luma: LumaCounterpart, reply: Reply
) -> None:
    luma.instead = reply
    assert isinstance(error_of(provider, luma), ProviderUnreachable)


def test_success_without_a_video_is_a_transient_failure(provider: LumaProvider, luma: LumaCounterpart) -> None:
    luma.has_output = False
    error = error_of(provider, luma)
    assert (error.reason, error.transient) == (FailureCode.PROVIDER_ERROR, True)


def test_cancel_makes_no_request_and_returns_false(luma: LumaCounterpart) -> None:
    provider = luma.provider("http://127.0.0.1:9", call_seconds=PATIENCE_SECONDS)
    ref, task = submitted(luma.provider(luma.url), luma)
    assert provider.cancel(ref) is False
    assert not task.cancelled
