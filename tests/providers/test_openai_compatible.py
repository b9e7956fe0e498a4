"""Behaviour specific to servers of `/v1/videos`: two variants of a protocol, configured by the deployment."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Fate, Reply, Task
from tests.providers.lifecycle import TOKEN, error_of, polled_until_done
from videojobs.domain.errors import FailureCode, ProviderError
from videojobs.domain.job import JobId
from videojobs.domain.plan import Clip
from videojobs.ports.videos import GenerationRequest

A_JOB = JobId("65a0000000000000000000aa")


@pytest.fixture
def counterpart() -> Iterator[OpenaiCompatibleCounterpart]:
    """Yield a counterpart of the variant of OpenAI."""
    server = OpenaiCompatibleCounterpart()
    yield server
    server.close()


def asked_for(counterpart: OpenaiCompatibleCounterpart, clip: Clip, **options: Any) -> dict[str, Any]:
    """Submit a request for the clip. Return the body of the submit without prompt and model."""
    provider = counterpart.provider(counterpart.url, **options)
    ref = provider.submit(GenerationRequest(A_JOB, "A cat", clip), token=TOKEN).ref
    body: dict[str, Any] = counterpart.tasks[ref].body
    assert (body.pop("prompt"), body.pop("model")) == ("A cat", "sora-2")
    return body


def test_openai_receives_seconds_and_size_as_text(counterpart: OpenaiCompatibleCounterpart) -> None:
    assert asked_for(counterpart, Clip(1280, 720, 8)) == {"seconds": "8", "size": "1280x720"}


def test_openrouter_receives_an_aspect_ratio_if_there_is_one(counterpart: OpenaiCompatibleCounterpart) -> None:
    counterpart.variant = "openrouter"
    portrait = {"duration": 8, "aspect_ratio": "9:16", "resolution": "720p"}
    assert asked_for(counterpart, Clip(720, 1280, 8)) == portrait
    assert asked_for(counterpart, Clip(1792, 1024, 4)) == {"duration": 4, "size": "1792x1024"}


def test_cost_reported_by_openrouter_is_used(counterpart: OpenaiCompatibleCounterpart) -> None:
    counterpart.variant, counterpart.costs = "openrouter", 0.25
    provider = counterpart.provider(counterpart.url)
    ref = provider.submit(counterpart.request, token=TOKEN).ref
    assert polled_until_done(provider, ref)[-1].cost_usd == Decimal("0.25")


def test_progress_is_reported_from_0_to_1(counterpart: OpenaiCompatibleCounterpart) -> None:
    provider = counterpart.provider(counterpart.url)
    ref = provider.submit(counterpart.request, token=TOKEN).ref
    assert [generation.progress for generation in polled_until_done(provider, ref)] == [0, 0.5, 1]


@pytest.mark.parametrize("progress", [None, "half", True])
def test_invalid_progress_is_ignored(counterpart: OpenaiCompatibleCounterpart, progress: object) -> None:
    provider = counterpart.provider(counterpart.url)
    counterpart._describe = lambda *_: {"id": "x", "status": "queued", "progress": progress}  # type: ignore[method-assign]
    counterpart.tasks["x"] = Task("x", {})
    assert provider.poll("x").progress is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("insufficient_quota", FailureCode.QUOTA_EXHAUSTED),
        ("rate_limit_exceeded", FailureCode.PROVIDER_ERROR),
        ("never_seen", FailureCode.PROVIDER_ERROR),
        (None, FailureCode.PROVIDER_ERROR),
    ],
)
def test_a_task_fails_for_the_reason_that_it_names(
    counterpart: OpenaiCompatibleCounterpart, code: str | None, expected: FailureCode
) -> None:
    counterpart.fate, counterpart.failure_code = Fate.FAILS, code
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is expected


@pytest.mark.parametrize(
    ("status", "expected"), [("expired", FailureCode.RESULT_LOST), ("cancelled", FailureCode.PROVIDER_ERROR)]
)
def test_undocumented_terminal_state_ends_the_task(
    counterpart: OpenaiCompatibleCounterpart, status: str, expected: FailureCode
) -> None:
    counterpart._describe = lambda *_: {"id": "x", "status": status}  # type: ignore[method-assign]
    counterpart.tasks["x"] = Task("x", {})
    with pytest.raises(ProviderError) as ended:
        counterpart.provider(counterpart.url).poll("x")
    assert ended.value.reason is expected


def test_exhausted_quota_is_reported_at_the_submit(counterpart: OpenaiCompatibleCounterpart) -> None:
    counterpart.instead = Reply(429, {"error": {"code": "insufficient_quota", "message": "Pay."}})
    with pytest.raises(ProviderError) as refused:
        counterpart.provider(counterpart.url).submit(counterpart.request, token=TOKEN)
    assert refused.value.reason is FailureCode.QUOTA_EXHAUSTED


def test_prices_make_an_estimate(counterpart: OpenaiCompatibleCounterpart) -> None:
    options = {"pricePerSecondUsd": 0.1, "pricesAsOf": "2026-11-01", "seconds": [4.5], "sizes": ["960x960"]}
    known = counterpart.provider(counterpart.url, **options).capabilities
    assert (known.clips, known.prices_as_of) == ((Clip(960, 960, 4.5, Decimal("0.45")),), date(2026, 11, 1))


def test_callbacks_are_expected_if_the_project_has_a_webhook(counterpart: OpenaiCompatibleCounterpart) -> None:
    assert counterpart.provider(counterpart.url, webhooks=True).capabilities.calls_back
    assert not counterpart.provider(counterpart.url).capabilities.calls_back


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseUrl": ""}, "baseUrl must be a non-empty string"),
        ({"model": 5}, "model must be a non-empty string"),
        ({"variant": "else"}, "variant must be openai or openrouter"),
        ({"sizes": "1280x720"}, "needs seconds as"),
        ({"sizes": ["large"]}, "needs seconds as"),
        ({"sizes": []}, "needs seconds as"),
        ({"sizes": [1280]}, "needs seconds as"),
        ({"seconds": [0]}, "needs seconds as"),
        ({"seconds": ["long"]}, "needs seconds as"),
        ({"pricePerSecondUsd": "dear"}, "needs seconds as"),
        ({"pricePerSecondUsd": 0.1}, "pricePerSecondUsd needs pricesAsOf"),
        ({"pricePerSecondUsd": 0.1, "pricesAsOf": 5}, "pricePerSecondUsd needs pricesAsOf"),
        ({"baseURL": "x"}, "baseURL is unknown"),
    ],
)
def test_invalid_options_are_named(
    counterpart: OpenaiCompatibleCounterpart, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        counterpart.provider(counterpart.url, **options)
