"""Behaviour of all adapters when the network or the provider fails at any of their calls."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.counterparts.server import Counterpart
from tests.providers.http_wire import RETRY_AFTER_SECONDS, Fault, Wire
from tests.providers.lifecycle import TOKEN, fetched, fetched_or_not, may_be_tried_again, polled_until_done, submitted
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.ports.videos import VideoProvider

UNKNOWN = [Fault.BROKEN, Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CUT_MIDWAY, Fault.GARBAGE]
ACCEPTED_AFTER_SECONDS = 20
ANOTHER_TOKEN = "65a0000000000000000000aa:2"
CARRIED_OUT = {Fault.CUT_AFTER, Fault.CUT_MIDWAY, Fault.SLOW}

each_fault = pytest.mark.parametrize("fault", UNKNOWN)
each_fault_of_a_repeat = pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, *UNKNOWN])


def test_rate_limited_submit_reports_retry_after(provider: VideoProvider, counterpart: Counterpart, wire: Wire) -> None:
    wire.next("submit", Fault.RATE_LIMITED)
    with pytest.raises(ProviderError) as limited:
        provider.submit(counterpart.request, token=TOKEN)
    assert not isinstance(limited.value, ProviderUnreachable)
    assert limited.value.reason is FailureCode.RATE_LIMITED
    assert limited.value.retry_after_seconds == RETRY_AFTER_SECONDS
    assert not counterpart.tasks
    assert wire.count("submit") == 1


@each_fault
def test_submit_without_a_response_is_sent_once(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, fault: Fault
) -> None:
    wire.next("submit", fault)
    with pytest.raises(ProviderUnreachable):
        provider.submit(counterpart.request, token=TOKEN)
    assert wire.count("submit") == 1
    assert len(counterpart.tasks) == (fault in CARRIED_OUT)


def test_a_slow_submit_is_sent_once(impatient: VideoProvider, counterpart: Counterpart, wire: Wire) -> None:
    wire.next("submit", Fault.SLOW)
    with pytest.raises(ProviderUnreachable):
        impatient.submit(counterpart.request, token=TOKEN)
    assert wire.count("submit") == 1
    assert len(counterpart.tasks) == 1


def test_submit_that_is_accepted_after_twenty_seconds_returns_the_task(
    deployed: VideoProvider, counterpart: Counterpart, wire: Wire, delay_responses: Callable[[float], None]
) -> None:
    submitted(deployed, counterpart)  # signs in
    before = wire.count("submit")
    delay_responses(ACCEPTED_AFTER_SECONDS)
    submission = deployed.submit(counterpart.request, token=ANOTHER_TOKEN)
    assert submission.ref
    assert wire.count("submit") == before + 1
    assert len(counterpart.tasks) == 2


def test_poll_without_a_response_for_ten_seconds_is_given_up(
    deployed: VideoProvider, counterpart: Counterpart, delay_responses: Callable[[float], None]
) -> None:
    ref, _ = submitted(deployed, counterpart)
    delay_responses(10)
    with pytest.raises(ProviderUnreachable):
        deployed.poll(ref)


def test_rate_limited_poll_reports_retry_after(provider: VideoProvider, counterpart: Counterpart, wire: Wire) -> None:
    ref, _ = submitted(provider, counterpart)
    wire.next("poll", Fault.RATE_LIMITED)
    with pytest.raises(ProviderUnreachable) as limited:
        provider.poll(ref)
    assert limited.value.retry_after_seconds == RETRY_AFTER_SECONDS
    assert polled_until_done(provider, ref)


@each_fault
def test_poll_without_a_response_does_not_fail_the_task(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, fault: Fault
) -> None:
    ref, _ = submitted(provider, counterpart)
    for _ in range(3):  # an adapter may make several calls per poll; the fault affects each in turn
        wire.next("poll", fault)
        with pytest.raises(ProviderUnreachable):
            provider.poll(ref)
        provider.poll(ref)
    assert polled_until_done(provider, ref)


def test_slow_poll_does_not_fail_the_task(
    provider: VideoProvider, impatient: VideoProvider, counterpart: Counterpart, wire: Wire
) -> None:
    ref, _ = submitted(provider, counterpart)
    wire.next("poll", Fault.SLOW)
    with pytest.raises(ProviderUnreachable):
        impatient.poll(ref)
    assert polled_until_done(provider, ref)


@each_fault_of_a_repeat
def test_cancel_without_a_response_reports_no_success(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, fault: Fault
) -> None:
    ref, task = submitted(provider, counterpart)
    wire.next("cancel", fault)
    _cancel_without_success(provider.cancel, ref, can_cancel=provider.capabilities.can_cancel)
    assert task.cancelled == (provider.capabilities.can_cancel and fault in CARRIED_OUT)
    provider.cancel(ref)  # a second cancel is harmless
    assert task.cancelled == provider.capabilities.can_cancel


def test_slow_cancel_reports_no_success(
    provider: VideoProvider, impatient: VideoProvider, counterpart: Counterpart, wire: Wire
) -> None:
    ref, task = submitted(provider, counterpart)
    wire.next("cancel", Fault.SLOW)
    _cancel_without_success(impatient.cancel, ref, can_cancel=provider.capabilities.can_cancel)
    assert task.cancelled == provider.capabilities.can_cancel


@each_fault_of_a_repeat
def test_broken_download_is_resumed_or_can_be_repeated(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, fault: Fault, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    wire.next("fetch", fault)
    got = fetched_or_not(provider, ref, tmp_path)
    assert got == counterpart.video or may_be_tried_again(got)
    assert fetched(provider, ref, tmp_path) == counterpart.video


def test_interrupted_download_is_resumed(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, tmp_path: Path
) -> None:
    ref, task = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    wire.next("fetch", Fault.CUT_MIDWAY)
    assert fetched(provider, ref, tmp_path) == counterpart.video
    assert task.fetched == 2
    assert wire.calls[-1].range == f"bytes={len(counterpart.video) // 2}-"


def test_slow_download_is_repeated(
    provider: VideoProvider, impatient: VideoProvider, counterpart: Counterpart, wire: Wire, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    wire.next("fetch", Fault.SLOW)
    assert fetched(impatient, ref, tmp_path) == counterpart.video
    assert wire.count("fetch") >= 2


@each_fault_of_a_repeat
def test_download_that_always_fails_is_given_up(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, fault: Fault, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    wire.always("fetch", fault)
    assert may_be_tried_again(fetched_or_not(provider, ref, tmp_path))
    assert wire.count("fetch") < 20


@each_fault
def test_result_that_can_not_be_located_can_be_requested_again(
    provider: VideoProvider, counterpart: Counterpart, wire: Wire, fault: Fault, tmp_path: Path
) -> None:
    ref, _ = submitted(provider, counterpart)
    polled_until_done(provider, ref)
    polls = wire.count("poll")
    wire.always("poll", fault)
    got = fetched_or_not(provider, ref, tmp_path)
    calls = wire.count("poll") - polls  # some adapters know the location without a call
    assert may_be_tried_again(got) if calls else got == counterpart.video


def _cancel_without_success(cancel: Callable[[str], bool], ref: str, *, can_cancel: bool) -> None:
    if can_cancel:
        with pytest.raises(ProviderUnreachable):
            cancel(ref)
    else:
        assert cancel(ref) is False
