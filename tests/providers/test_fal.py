"""Behaviour specific to fal: one queue for all models, completed requests that failed, rejections in results."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest

from tests.providers.counterparts.fal import FalCounterpart
from tests.providers.counterparts.server import Fate, Reply
from tests.providers.lifecycle import TOKEN, error_of, submitted
from videojobs.adapters.offers.fal import MODELS
from videojobs.adapters.offers.parameters import RATIOS
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable


@pytest.fixture
def counterpart() -> Iterator[FalCounterpart]:
    """Yield a counterpart of fal."""
    server = FalCounterpart()
    yield server
    server.close()


@pytest.mark.parametrize("model", MODELS)
def test_each_model_receives_clips_in_its_own_parameters(counterpart: FalCounterpart, model: str) -> None:
    provider = counterpart.provider(counterpart.url, model=model)
    for clip in provider.capabilities.clips or ():
        ref = provider.submit(replace(counterpart.request, clip=clip), token=TOKEN).ref
        body = counterpart.tasks[ref.rpartition("|")[2]].body
        assert body["model"] == model
        assert body["duration"] == MODELS[model].seconds[int(clip.seconds)]
        assert body["aspect_ratio"] == RATIOS[clip.width, clip.height]
        assert provider.poll(ref).done is False


DOCUMENTED = {
    "fal-ai/bytedance/seedance/v1/pro/text-to-video": {"seed"},
    "fal-ai/kling-video/v2.5-turbo/pro/text-to-video": {"negative_prompt"},
    "fal-ai/veo3.1/fast": {"seed", "negative_prompt"},
}
"""Seed and negative prompt where the input of the model has them."""


@pytest.mark.parametrize(("model", "names"), DOCUMENTED.items())
def test_a_model_receives_only_the_fields_that_it_documents(
    counterpart: FalCounterpart, model: str, names: set[str]
) -> None:
    provider = counterpart.provider(counterpart.url, model=model)
    values = {"seed": 7, "negative_prompt": "rain"}
    [clip, *_] = provider.capabilities.clips or ()
    ref = provider.submit(replace(counterpart.request, clip=clip, **values), token=TOKEN).ref  # type: ignore[arg-type]
    assert values.items() & counterpart.tasks[ref.rpartition("|")[2]].body.items() == {
        (name, values[name]) for name in names
    }


@pytest.mark.parametrize("model", MODELS)
def test_resolution_and_sound_of_the_clip_are_sent_where_the_model_has_them(
    counterpart: FalCounterpart, model: str
) -> None:
    provider = counterpart.provider(counterpart.url, model=model)
    for clip in provider.capabilities.clips or ():
        ref = provider.submit(replace(counterpart.request, clip=clip), token=TOKEN).ref
        sent = counterpart.tasks[ref.rpartition("|")[2]].body
        assert sent.get("resolution", "720p") == clip.resolution
        assert sent.get("generate_audio", False) is clip.has_sound


def test_submit_sends_the_callback_url(counterpart: FalCounterpart) -> None:
    url = "https://api.example.com/api/providers/fal/callback?job=1&more=2"
    provider = counterpart.provider(counterpart.url)
    provider.submit(replace(counterpart.request, callback_url=url), token=TOKEN)
    provider.submit(counterpart.request, token=TOKEN)
    assert counterpart.queries == [{"fal_webhook": url}, {}]


@pytest.mark.parametrize(
    ("error_type", "reason"),
    [
        ("internal_error", FailureCode.PROVIDER_ERROR),
        ("request_timeout", FailureCode.TIMEOUT),
        ("bad_request", FailureCode.INVALID_REQUEST),
        ("never_seen", FailureCode.PROVIDER_ERROR),
    ],
)
def test_a_completed_request_may_have_failed(counterpart: FalCounterpart, error_type: str, reason: FailureCode) -> None:
    counterpart.fate, counterpart.error_type = Fate.FAILS, error_type
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is reason


def test_a_result_without_a_video_is_a_failure(counterpart: FalCounterpart) -> None:
    counterpart.result = Reply(200, {"images": []})
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is FailureCode.PROVIDER_ERROR


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(403, {"detail": "User is locked. Reason: Exhausted balance."}), FailureCode.QUOTA_EXHAUSTED),
        (Reply(403, {"detail": "Not allowed"}), FailureCode.PROVIDER_ERROR),
        (Reply(422, {"detail": [{"type": "content_policy_violation"}]}), FailureCode.CONTENT_REJECTED),
        (Reply(422, {"detail": [{"type": "missing"}]}), FailureCode.INVALID_REQUEST),
        (Reply(422, {"detail": "no"}), FailureCode.INVALID_REQUEST),
    ],
)
def test_immediate_rejection_reports_its_reason(counterpart: FalCounterpart, reply: Reply, reason: FailureCode) -> None:
    counterpart.instead = reply
    with pytest.raises(ProviderError) as refused:
        counterpart.provider(counterpart.url).submit(counterpart.request, token=TOKEN)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("status", "kind", "reason", "transient"),
    [
        (500, "internal_server_error", FailureCode.PROVIDER_ERROR, True),
        (500, "downstream_service_unavailable", FailureCode.PROVIDER_ERROR, True),
        (400, "downstream_service_error", FailureCode.PROVIDER_ERROR, True),
        (504, "generation_timeout", FailureCode.TIMEOUT, True),
        (422, "no_media_generated", FailureCode.INVALID_REQUEST, False),
    ],
)
def test_failure_of_the_model_ends_the_request(
    counterpart: FalCounterpart, status: int, kind: str, reason: FailureCode, transient: bool
) -> None:
    counterpart.result = Reply(status, {"detail": [{"loc": ["body"], "msg": "Words for people.", "type": kind}]})
    error = error_of(counterpart.provider(counterpart.url), counterpart)
    assert not isinstance(error, ProviderUnreachable)
    assert (error.reason, error.transient) == (reason, transient)


def test_one_rejection_among_several_details_is_a_rejection(counterpart: FalCounterpart) -> None:
    counterpart.result = Reply(422, {"detail": [{"type": "missing"}, {"type": "content_policy_violation"}]})
    assert error_of(counterpart.provider(counterpart.url), counterpart).reason is FailureCode.CONTENT_REJECTED


@pytest.mark.parametrize("reply", [Reply(504, b"Gateway Timeout"), Reply(403, {"detail": "Exhausted balance"})])
def test_unavailable_result_is_requested_again(counterpart: FalCounterpart, reply: Reply) -> None:
    provider = counterpart.provider(counterpart.url)
    ref, _ = submitted(provider, counterpart)
    counterpart.result = reply
    assert [provider.poll(ref).done for _ in range(2)] == [False, False]
    with pytest.raises(ProviderUnreachable):
        provider.poll(ref)
    counterpart.result = None
    assert provider.poll(ref).done


@pytest.mark.parametrize("stops", [True, False])
def test_cancel_succeeds_only_if_the_request_has_stopped(counterpart: FalCounterpart, stops: bool) -> None:
    counterpart.stops = stops
    provider = counterpart.provider(counterpart.url)
    ref, task = submitted(provider, counterpart)
    provider.poll(ref)
    provider.poll(ref)
    assert provider.cancel(ref) is task.cancelled is stops


def test_unknown_request_can_not_be_cancelled(counterpart: FalCounterpart) -> None:
    assert counterpart.provider(counterpart.url).cancel("fal-ai/veo3.1/fast|unknown") is False


def test_gateway_receives_its_own_headers(counterpart: FalCounterpart) -> None:
    seen: list[Any] = []
    real = counterpart.route

    def route(method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Reply:
        seen.append(headers["x-gateway"])
        return real(method, path, query, headers, body)

    counterpart.route = route  # type: ignore[method-assign]
    counterpart.provider(counterpart.url, headers={"X-Gateway": "ours"}).submit(counterpart.request, token=TOKEN)
    assert seen == ["ours"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model": "fal-ai/unknown"},
            r"model fal-ai/unknown of fal is unknown\. Use one of: fal-ai/bytedance.* to the table MODELS",
        ),
        ({"headers": ["X"]}, "headers of fal must be an object of strings"),
        ({"headers": {"X": 1}}, "headers of fal must be an object of strings"),
        ({"webhookUserId": ""}, "webhookUserId must be a non-empty string"),
        ({"webhookUserId": 7}, "webhookUserId must be a non-empty string"),
    ],
)
def test_invalid_options_are_named(counterpart: FalCounterpart, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        counterpart.provider(counterpart.url, **options)
