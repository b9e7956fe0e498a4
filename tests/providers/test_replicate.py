"""Behaviour specific to Replicate: one API for all models, failure reasons as text, results that last an hour."""

from collections.abc import Iterator
from copy import replace
from pathlib import Path

import pytest

from tests.providers.counterparts.replicate import ReplicateCounterpart
from tests.providers.counterparts.server import Fate, Reply, Task
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done
from videojobs.adapters.offers.parameters import RATIOS
from videojobs.adapters.offers.replicate import MODELS
from videojobs.domain.errors import FailureCode, ProviderError


@pytest.fixture
def counterpart() -> Iterator[ReplicateCounterpart]:
    """Yield a counterpart of Replicate."""
    server = ReplicateCounterpart()
    yield server
    server.close()


@pytest.mark.parametrize("model", MODELS)
def test_each_model_receives_clips_in_its_own_parameters(counterpart: ReplicateCounterpart, model: str) -> None:
    provider = counterpart.provider(counterpart.url, model=model)
    for clip in provider.capabilities.clips or ():
        ref = provider.submit(replace(counterpart.request, clip=clip), token=TOKEN).ref
        body = counterpart.tasks[ref].body
        assert body["path"] == f"/models/{model}/predictions"
        assert body["input"]["duration"] == clip.seconds
        assert body["input"]["aspect_ratio"] == RATIOS[clip.width, clip.height]
        assert body["input"].items() >= MODELS[model].constants.items()


DOCUMENTED = {
    "bytedance/seedance-1-pro": {"seed"},
    "kwaivgi/kling-v2.5-turbo-pro": {"negative_prompt"},
    "google/veo-3.1-fast": set(),
}
"""Seed and negative prompt where the input of the model has them."""


@pytest.mark.parametrize(("model", "names"), DOCUMENTED.items())
def test_a_model_receives_only_the_fields_that_it_documents(
    counterpart: ReplicateCounterpart, model: str, names: set[str]
) -> None:
    provider = counterpart.provider(counterpart.url, model=model)
    values = {"seed": 7, "negative_prompt": "rain"}
    ref = provider.submit(replace(counterpart.request, **values), token=TOKEN).ref  # type: ignore[arg-type]
    assert values.items() & counterpart.tasks[ref].body["input"].items() == {(name, values[name]) for name in names}


@pytest.mark.parametrize("model", MODELS)
def test_resolution_and_sound_of_the_clip_are_sent_where_the_model_has_them(
    counterpart: ReplicateCounterpart, model: str
) -> None:
    provider = counterpart.provider(counterpart.url, model=model)
    for clip in provider.capabilities.clips or ():
        ref = provider.submit(replace(counterpart.request, clip=clip), token=TOKEN).ref
        sent = counterpart.tasks[ref].body["input"]
        assert sent.get("resolution", "720p") == clip.resolution
        assert sent.get("generate_audio", False) is clip.has_sound


def test_unknown_model_is_rejected_with_the_known_names(counterpart: ReplicateCounterpart) -> None:
    with pytest.raises(
        ValueError,
        match=r"model a/b of replicate is unknown\. Use one of: bytedance/seedance-1-pro.* to the table MODELS",
    ):
        counterpart.provider(counterpart.url, model="a/b")


def test_submit_requests_a_callback_at_the_end_of_the_prediction(counterpart: ReplicateCounterpart) -> None:
    provider = counterpart.provider(counterpart.url)
    url = "https://api.example.com/api/providers/replicate/callback?job=1"
    ref = provider.submit(replace(counterpart.request, callback_url=url), token=TOKEN).ref
    body = counterpart.tasks[ref].body
    assert (body["webhook"], body["webhook_events_filter"]) == (url, ["completed"])


def test_progress_is_the_last_value_in_the_logs(counterpart: ReplicateCounterpart) -> None:
    provider = counterpart.provider(counterpart.url)
    ref = provider.submit(counterpart.request, token=TOKEN).ref
    assert [generation.progress for generation in polled_until_done(provider, ref)] == [None, 0.4, 1]


def test_video_is_the_first_of_several_outputs(counterpart: ReplicateCounterpart, tmp_path: Path) -> None:
    counterpart.is_list = True
    provider = counterpart.provider(counterpart.url)
    ref = provider.submit(counterpart.request, token=TOKEN).ref
    assert polled_until_done(provider, ref)
    assert fetched(provider, ref, tmp_path) == counterpart.video


def test_result_removed_after_an_hour_is_lost(counterpart: ReplicateCounterpart) -> None:
    counterpart.is_removed = True
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is FailureCode.RESULT_LOST


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("Service is temporarily unavailable due to high demand (E003)", FailureCode.RATE_LIMITED),
        (
            "The request failed because the output video may contain sensitive information.",
            FailureCode.CONTENT_REJECTED,
        ),
        ("This prompt contains sensitive words that violate the practices.", FailureCode.CONTENT_REJECTED),
        ("AudioSensitiveContentDetected.PolicyViolation", FailureCode.CONTENT_REJECTED),
        ("CUDA out of memory", FailureCode.PROVIDER_ERROR),
        ("Nothing was moderated or safety-checked", FailureCode.PROVIDER_ERROR),
        (None, FailureCode.PROVIDER_ERROR),
    ],
)
def test_failure_reason_is_derived_from_the_error_text(
    counterpart: ReplicateCounterpart, error: str | None, reason: FailureCode
) -> None:
    counterpart.fate, counterpart.error = Fate.FAILS, error
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is reason


@pytest.mark.parametrize("status", ["canceled", "aborted"])
def test_prediction_that_replicate_stopped_is_a_timeout(counterpart: ReplicateCounterpart, status: str) -> None:
    counterpart._describe = lambda *_: {"id": "x", "status": status}  # type: ignore[method-assign]
    counterpart.tasks["x"] = Task("x", {})
    with pytest.raises(ProviderError) as ended:
        counterpart.provider(counterpart.url).poll("x")
    assert ended.value.reason is FailureCode.TIMEOUT


@pytest.mark.parametrize("statuses", [["starting", "succeeded"], ["processing", "processing"], ["succeeded"]])
def test_cancel_succeeds_only_if_the_prediction_has_stopped(
    counterpart: ReplicateCounterpart, statuses: list[str]
) -> None:
    remaining = iter(statuses)
    counterpart._describe = lambda *_: {"id": "x", "status": next(remaining)}  # type: ignore[method-assign]
    counterpart.tasks["x"] = Task("x", {})
    assert counterpart.provider(counterpart.url).cancel("x") is False


def test_unknown_prediction_can_not_be_cancelled(counterpart: ReplicateCounterpart) -> None:
    assert counterpart.provider(counterpart.url).cancel("unknown") is False


@pytest.mark.parametrize(
    ("reply", "reason", "wait"),
    [
        (Reply(422, {"detail": "flagged as sensitive (E005)"}), FailureCode.CONTENT_REJECTED, None),
        (Reply(422, {"detail": "- input.duration: must be 5"}), FailureCode.INVALID_REQUEST, None),
        (Reply(429, {"detail": "throttled", "retry_after": 5}), FailureCode.RATE_LIMITED, 5),
        (Reply(402, {"title": "Insufficient credit"}), FailureCode.QUOTA_EXHAUSTED, None),
    ],
)
def test_immediate_rejection_reports_its_reason(
    counterpart: ReplicateCounterpart, reply: Reply, reason: FailureCode, wait: float | None
) -> None:
    counterpart._create = lambda *_: reply  # type: ignore[method-assign]
    with pytest.raises(ProviderError) as refused:
        counterpart.provider(counterpart.url).submit(counterpart.request, token=TOKEN)
    assert (refused.value.reason, refused.value.retry_after_seconds) == (reason, wait)
