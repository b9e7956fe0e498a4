"""Behaviour that all adapters share. Each adapter runs against the counterpart of its provider."""

import logging
from itertools import product
from pathlib import Path

import pytest

from tests.providers.counterparts.server import Counterpart, Fate
from tests.providers.http_wire import Fault, Wire
from tests.providers.lifecycle import TOKEN, error_of, fetched, polled_until_done, submitted
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.plan import plan_video
from videojobs.domain.request import AspectRatio
from videojobs.ports.videos import UnknownSubmit, VideoProvider

A_KEY = "sk-of-nobody-4711"


def test_video_is_created_and_fetched(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, tmp_path: Path
) -> None:
    submission = provider.submit(counterpart.request, token=TOKEN)
    generations = polled_until_done(provider, submission.ref)
    assert fetched(provider, submission.ref, tmp_path) == counterpart.video
    (task,) = counterpart.tasks.values()
    assert (task.fetched, task.cancelled, wire.count("submit")) == (1, False, 1)
    assert submission.poll_after_seconds is not None
    pauses = [submission.poll_after_seconds, *(generation.poll_after_seconds for generation in generations)]
    assert all(0 < seconds <= 60 for seconds in pauses)
    assert all(generation.progress is None or 0 <= generation.progress <= 1 for generation in generations)


def test_the_prompt_reaches_the_provider(provider: VideoProvider, counterpart: Counterpart) -> None:
    _, task = submitted(provider, counterpart)
    assert counterpart.request.prompt in str(task.body)


def test_rejected_prompt_is_a_permanent_error(provider: VideoProvider, counterpart: Counterpart) -> None:
    counterpart.fate = Fate.REFUSES
    for refusal in counterpart.refusals:
        counterpart.refusal = refusal
        error = error_of(provider, counterpart)
        assert (error.reason, error.transient) == (FailureCode.CONTENT_REJECTED, False), refusal


def test_failure_of_the_provider_is_transient(provider: VideoProvider, counterpart: Counterpart) -> None:
    counterpart.fate = Fate.FAILS
    error = error_of(provider, counterpart)
    assert not isinstance(error, ProviderUnreachable)
    assert (error.reason, error.transient) == (FailureCode.PROVIDER_ERROR, True)


def test_unknown_state_is_logged_and_polling_continues(
    provider: VideoProvider, counterpart: Counterpart, caplog: pytest.LogCaptureFixture
) -> None:
    counterpart.fate = Fate.STRANGE
    ref, _ = submitted(provider, counterpart)
    assert not provider.poll(ref).done
    assert [vars(record).get("action") for record in caplog.records if record.levelno >= logging.WARNING] == [
        "provider_state_unknown"
    ]
    assert polled_until_done(provider, ref)[-1].done


def test_running_task_is_never_reported_as_done(provider: VideoProvider, counterpart: Counterpart) -> None:
    counterpart.fate = Fate.NEVER
    ref, _ = submitted(provider, counterpart)
    assert not any(provider.poll(ref).done for _ in range(6))


def test_early_cancel_returns_whether_it_stopped_the_task(provider: VideoProvider, counterpart: Counterpart) -> None:
    ref, task = submitted(provider, counterpart)
    provider.poll(ref)
    stopped = provider.cancel(ref)
    assert stopped == task.cancelled == provider.capabilities.can_cancel
    if stopped:
        with pytest.raises(ProviderError) as ended:
            provider.poll(ref)
        assert not isinstance(ended.value, ProviderUnreachable)


def test_late_cancel_keeps_the_video(provider: VideoProvider, counterpart: Counterpart, tmp_path: Path) -> None:
    ref, task = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    assert provider.cancel(ref) is False
    assert not task.cancelled
    assert fetched(provider, ref, tmp_path) == counterpart.video


def test_expired_url_is_replaced_by_a_new_one(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, tmp_path: Path
) -> None:
    counterpart.fate = Fate.EXPIRES
    ref, task = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    assert fetched(provider, ref, tmp_path) == counterpart.video
    assert task.fetched == 1
    assert wire.count("fetch") == 2


def test_missing_result_is_reported_as_lost(provider: VideoProvider, counterpart: Counterpart, tmp_path: Path) -> None:
    counterpart.fate = Fate.LOST
    ref, _ = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    with pytest.raises(ProviderError) as lost:
        fetched(provider, ref, tmp_path)
    assert lost.value.reason is FailureCode.RESULT_LOST


def test_rotated_key_is_read_again_and_the_task_created_once(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire
) -> None:
    wire.next("submit", Fault.UNAUTHORIZED)
    if not counterpart.rotates_keys:
        with pytest.raises(ProviderError) as refused:
            provider.submit(counterpart.request, token=TOKEN)
        assert not refused.value.transient
        assert not counterpart.tasks
        return
    submitted(provider, counterpart)
    old, new = (call.authorization for call in wire.calls if call.kind == "submit")
    assert old != new
    assert len(counterpart.tasks) == 1


def test_rejected_key_is_a_permanent_error(provider: VideoProvider, counterpart: Counterpart, wire: Wire) -> None:
    wire.always("submit", Fault.UNAUTHORIZED)
    with pytest.raises(ProviderError) as refused:
        provider.submit(counterpart.request, token=TOKEN)
    assert not isinstance(refused.value, ProviderUnreachable)
    assert not refused.value.transient
    assert not counterpart.tasks


@pytest.mark.parametrize("fate", [Fate.MAKES, Fate.REFUSES, Fate.FAILS, Fate.STRANGE, Fate.LOST])
def test_logs_contain_no_key_and_no_prompt(
    counterpart: Counterpart, wire: Wire, fate: Fate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # the level of a deployment; our own code at its most detailed level
    caplog.set_level(logging.DEBUG, logger="videojobs")
    counterpart.fate = fate
    provider = counterpart.provider(wire.url, key=A_KEY)
    wire.next("poll", Fault.UNAUTHORIZED, Fault.GARBAGE)
    for _ in range(2):
        try:
            ref, _ = submitted(provider, counterpart)
            polled_until_done(provider, ref)
            fetched(provider, ref, tmp_path)
        except ProviderError as error:
            logging.getLogger("videojobs").info("Job failed: %s", error, exc_info=True)
    logged = "\n".join(f"{caplog.handler.format(record)} {vars(record)}" for record in caplog.records)
    assert not [call for call in wire.calls if call.authorization and call.authorization.split()[-1] in logged]
    assert A_KEY not in logged
    assert "PRIVATE KEY" not in logged
    assert counterpart.request.prompt not in logged


def test_unknown_submit_follows_the_policy_of_the_provider(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire
) -> None:
    wire.next("submit", Fault.CUT_AFTER)
    with pytest.raises(ProviderUnreachable):
        provider.submit(counterpart.request, token=TOKEN)
    match provider.capabilities.unknown_submit:
        case UnknownSubmit.REPEAT:
            assert provider.submit(counterpart.request, token=TOKEN).ref
        case UnknownSubmit.FIND:
            submission = provider.find(token=TOKEN)
            assert submission
            assert polled_until_done(provider, submission.ref)
            assert provider.find(token="of-no-task") is None
        case _:
            assert provider.find(token=TOKEN) is None
    assert len(counterpart.tasks) == 1


def test_capabilities_are_valid_input_for_plans(provider: VideoProvider, adapter: str) -> None:
    offer = provider.capabilities.clips
    assert offer
    assert provider.name == adapter
    assert all(clip.width > 0 < clip.height and clip.seconds > 0 for clip in offer)
    assert all(clip.width % 2 == clip.height % 2 == 0 for clip in offer)
    assert any(clip.price_usd is not None for clip in offer) == (provider.capabilities.prices_as_of is not None)
    assert 0 < provider.capabilities.poll_seconds <= 60
    for ratio, seconds in product(AspectRatio, (1, 8, 23.5, 60)):
        plan = plan_video(seconds, ratio, offer, maximum_clips=16)
        assert plan is None or set(plan.clips) <= set(offer)
