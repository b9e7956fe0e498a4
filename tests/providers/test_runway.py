"""Behaviour specific to Runway: its models, its failure codes and limits, and a cancellation that deletes."""

import json
from collections.abc import Iterator, Mapping
from copy import replace
from decimal import Decimal
from itertools import product
from typing import Any

import jsonschema
import pytest

from tests.providers.conftest import PATIENCE_SECONDS
from tests.providers.counterparts.runway import CREDITS, RunwayCounterpart
from tests.providers.counterparts.server import Fate, Reply
from tests.providers.lifecycle import TOKEN, error_of, polled_until_done, submitted
from tests.providers.specs import SPECS, cut
from videojobs.adapters.offers.runway import MODELS
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.plan import SIZES, plan_video, select_clips
from videojobs.domain.prompt import PromptLimit
from videojobs.domain.request import MAXIMUM_SEED, AspectRatio, Resolution
from videojobs_providers.runway import RunwayProvider

MANY_SIZES = ("happyhorse_1_0", "seedance2", "seedance2_fast", "seedance2_mini", "seedance2_5")


@pytest.fixture
def runway() -> Iterator[RunwayCounterpart]:
    """Yield a counterpart of Runway."""
    server = RunwayCounterpart()
    yield server
    server.close()


@pytest.fixture
def provider(runway: RunwayCounterpart) -> RunwayProvider:
    """Return the adapter with the default model."""
    return runway.provider(runway.url, call_seconds=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return the published JSON schemas of a request, by model."""
    spec = json.loads(cut(SPECS["runway"], tmp_path_factory.mktemp("spec")).read_text())
    request = spec["paths"]["/v1/text_to_video"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return {schema["properties"]["model"]["const"]: schema for schema in request["oneOf"]}


def test_unknown_model_is_rejected_with_the_known_names(runway: RunwayCounterpart) -> None:
    with pytest.raises(ValueError, match=r"gen5.*gen4\.5.*veo3\.1_fast.*seedance2"):
        runway.provider(runway.url, model="gen5")


def test_misspelled_option_is_rejected(runway: RunwayCounterpart) -> None:
    with pytest.raises(ValueError, match="Model"):
        runway.provider(runway.url, Model="gen4.5")


@pytest.mark.parametrize("model", MODELS)
def test_each_clip_of_each_model_uses_the_models_parameters(runway: RunwayCounterpart, model: str) -> None:
    provider = runway.provider(runway.url, call_seconds=PATIENCE_SECONDS, model=model)
    clips = provider.capabilities.clips
    assert clips
    for clip in (clips[0], clips[-1]):
        provider.submit(replace(runway.request, clip=clip), token=TOKEN)
        body = list(runway.tasks.values())[-1].body
        assert (body["model"], body["ratio"]) == (model, f"{clip.width}:{clip.height}")
        assert (body["duration"], type(body["duration"])) == (clip.seconds, int)
        assert body.get("audio", False) is clip.has_sound


@pytest.mark.parametrize("model", MODELS)
def test_request_for_each_clip_of_each_model_matches_the_published_schema(
    runway: RunwayCounterpart, published: Mapping[str, Any], model: str
) -> None:
    provider = runway.provider(runway.url, call_seconds=PATIENCE_SECONDS, model=model)
    limit = provider.capabilities.prompt_limit
    assert isinstance(limit, PromptLimit)
    assert limit.length == published[model]["properties"]["promptText"]["maxLength"]
    for clip in provider.capabilities.clips or ():
        provider.submit(replace(runway.request, clip=clip, seed=MAXIMUM_SEED, negative_prompt="rain"), token=TOKEN)
    strict = {**published[model], "additionalProperties": False}  # Runway rejects unknown fields
    for task in runway.tasks.values():
        jsonschema.validate(task.body, strict)


@pytest.mark.parametrize(("model", "dollars"), [("gen4.5", "0.60"), ("veo3.1_fast", "0.60"), ("seedance2", "1.80")])
def test_price_is_derived_from_the_credits(runway: RunwayCounterpart, model: str, dollars: str) -> None:
    seconds = 6 if model.startswith("veo") else 5
    clips = runway.provider(runway.url, model=model).capabilities.clips
    assert {
        clip.price_usd
        for clip in select_clips(clips or (), Resolution.P720, has_sound=False)
        if clip.seconds == seconds
    } == {Decimal(dollars)}


@pytest.mark.parametrize("model", MANY_SIZES)
def test_some_models_have_a_size_for_every_ratio(runway: RunwayCounterpart, model: str) -> None:
    clips = runway.provider(runway.url, model=model).capabilities.clips or ()
    shapes = {clip.width / clip.height for clip in clips}
    for width, height in SIZES[Resolution.P720].values():
        assert any(shape == pytest.approx(width / height, rel=0.01) for shape in shapes)


@pytest.mark.parametrize(("model", "ratio"), list(product(MODELS, AspectRatio)))
def test_every_model_makes_every_ratio_and_length(runway: RunwayCounterpart, model: str, ratio: AspectRatio) -> None:
    offer = runway.provider(runway.url, model=model).capabilities.clips or ()
    for seconds in (1, 8, 23.5, 60):
        plan = plan_video(seconds, ratio, offer, maximum_clips=16)
        assert plan
        assert plan.joined_frames >= plan.frames


def test_a_prompt_is_counted_in_utf16_units(provider: RunwayProvider) -> None:
    limit = provider.capabilities.prompt_limit
    assert isinstance(limit, PromptLimit)
    assert limit.allows("😀" * 500)
    assert not limit.allows("😀" * 501)


def test_finished_task_reports_its_cost(provider: RunwayProvider, runway: RunwayCounterpart) -> None:
    ref, _ = submitted(provider, runway)
    queued, running, done = polled_until_done(provider, ref)
    assert (queued.cost_usd, running.cost_usd) == (None, None)
    assert done.cost_usd == (CREDITS - 1) * Decimal("0.01")  # less than the estimate


def test_progress_is_reported_while_the_task_runs(provider: RunwayProvider, runway: RunwayCounterpart) -> None:
    ref, _ = submitted(provider, runway)
    assert [generation.progress for generation in polled_until_done(provider, ref)] == [None, 0.4, 1]


def test_task_over_the_concurrency_limit_of_the_account_waits(
    provider: RunwayProvider, runway: RunwayCounterpart, caplog: pytest.LogCaptureFixture
) -> None:
    runway.queued_as = "THROTTLED"
    ref, _ = submitted(provider, runway)
    assert not provider.poll(ref).done
    assert not caplog.records


@pytest.mark.parametrize(
    ("code", "reason", "transient"),
    [
        ("INTERNAL", FailureCode.PROVIDER_ERROR, True),
        ("INPUT_PREPROCESSING.INTERNAL", FailureCode.PROVIDER_ERROR, True),
        ("THIRD_PARTY.UNAVAILABLE", FailureCode.PROVIDER_ERROR, True),
        ("NEVER.HEARD.OF", FailureCode.PROVIDER_ERROR, True),
        (None, FailureCode.PROVIDER_ERROR, True),
        ("ASSET.INVALID", FailureCode.INVALID_REQUEST, False),
        ("SAFETY.INPUT.IMAGE", FailureCode.CONTENT_REJECTED, False),
    ],
)
def test_each_failure_code_maps_to_a_reason(
    provider: RunwayProvider, runway: RunwayCounterpart, code: str | None, reason: FailureCode, transient: bool
) -> None:
    runway.fate, runway.failure_code = Fate.FAILS, code
    error = error_of(provider, runway)
    assert (error.reason, error.transient) == (reason, transient)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(400, {"error": "You do not have enough credits to run this task."}), FailureCode.QUOTA_EXHAUSTED),
        (Reply(429, {"error": "You have reached your daily limit for this model."}), FailureCode.QUOTA_EXHAUSTED),
        (Reply(429, {"error": "Generations of the last 24 hours: 50 of 50."}), FailureCode.QUOTA_EXHAUSTED),
        (Reply(429, {"error": "Too many requests, come back soon."}), FailureCode.RATE_LIMITED),
        (Reply(429), FailureCode.RATE_LIMITED),
        (Reply(400, {"error": "Validation of body failed", "issues": []}), FailureCode.INVALID_REQUEST),
    ],
)
def test_rejected_submit_reports_whether_a_retry_helps(
    provider: RunwayProvider, runway: RunwayCounterpart, reply: Reply, reason: FailureCode
) -> None:
    runway.instead = reply
    error = error_of(provider, runway)
    assert not isinstance(error, ProviderUnreachable)
    assert error.reason is reason


def test_submit_without_an_id_is_ambiguous(provider: RunwayProvider, runway: RunwayCounterpart) -> None:
    runway.instead = Reply(200, {"estimatedCost": {"credits": CREDITS}})
    assert isinstance(error_of(provider, runway), ProviderUnreachable)


def test_success_without_a_video_is_a_transient_failure(provider: RunwayProvider, runway: RunwayCounterpart) -> None:
    runway.has_output = False
    error = error_of(provider, runway)
    assert (error.reason, error.transient) == (FailureCode.PROVIDER_ERROR, True)


def test_a_finished_task_is_never_deleted_by_a_cancel(provider: RunwayProvider, runway: RunwayCounterpart) -> None:
    ref, task = submitted(provider, runway)
    polled_until_done(provider, ref)
    assert provider.cancel(ref) is False
    assert runway.tasks[ref] is task


def test_cancel_is_idempotent(provider: RunwayProvider, runway: RunwayCounterpart) -> None:
    ref, task = submitted(provider, runway)
    assert provider.cancel(ref) is True
    assert task.cancelled
    assert provider.cancel(ref) is False
    with pytest.raises(ProviderError) as gone:
        provider.poll(ref)
    assert gone.value.reason is FailureCode.RESULT_LOST
