"""The contract of `VideoProvider`, applied to the providers that need no key."""

import pytest

from tests.fakes.clock import VirtualClock
from tests.fakes.provider import ScriptedProvider
from videojobs.domain.errors import ProviderError
from videojobs.domain.job import JobId
from videojobs.ports.videos import Generation, GenerationRequest, Submission, UnknownSubmit, VideoProvider
from videojobs_providers.simulated import VIDEO_URL, SimulatedProvider
from videojobs_providers.sketch import SketchProvider

TOKEN = "65a000000000000000000001:1"
A_REQUEST = GenerationRequest(JobId("65a000000000000000000001"), prompt="A paper boat")


def simulated(clock: VirtualClock, *, failure_rate: float = 0, seconds: tuple[float, float] = (3, 8)) -> VideoProvider:
    """Return the simulated provider with the test's clock."""
    return SimulatedProvider(clock=clock, min_seconds=seconds[0], max_seconds=seconds[1], failure_rate=failure_rate)


@pytest.fixture
def clock() -> VirtualClock:
    """Return the clock of the provider."""
    return VirtualClock()


@pytest.fixture(params=["scripted", "simulated", "sketch"])
def provider(request: pytest.FixtureRequest, clock: VirtualClock) -> VideoProvider:
    """Return each provider that needs no key."""
    providers: dict[str, VideoProvider] = {
        "scripted": ScriptedProvider(),
        "simulated": simulated(clock),
        "sketch": SketchProvider(),
    }
    return providers[request.param]


def wait_for(provider: VideoProvider, submission: Submission, clock: VirtualClock) -> Generation:
    """Poll as often as the provider requests until the task is done, and return the result."""
    clock.advance(submission.poll_after_seconds or 0)
    for _ in range(100):
        generation = provider.poll(submission.ref)
        if generation.done:
            return generation
        clock.advance(max(generation.poll_after_seconds, 0.001))
    raise AssertionError("the task does not end")


def test_a_provider_has_a_name_and_a_policy_for_unknown_submits(provider: VideoProvider) -> None:
    assert provider.name.isidentifier()
    assert provider.capabilities.unknown_submit in set(UnknownSubmit)


def test_a_submitted_task_ends(provider: VideoProvider, clock: VirtualClock) -> None:
    generation = wait_for(provider, provider.submit(A_REQUEST, token=TOKEN), clock)
    assert generation.done
    assert bool(generation.video_url) or provider.capabilities.yields_pixels


def test_polling_a_finished_task_twice_returns_the_same_result(provider: VideoProvider, clock: VirtualClock) -> None:
    submission = provider.submit(A_REQUEST, token=TOKEN)
    wait_for(provider, submission, clock)
    assert provider.poll(submission.ref) == provider.poll(submission.ref)


def test_a_repeated_submit_with_the_same_token_returns_the_same_task(provider: VideoProvider) -> None:
    assert provider.capabilities.unknown_submit is UnknownSubmit.REPEAT
    first, repeated = provider.submit(A_REQUEST, token=TOKEN), provider.submit(A_REQUEST, token=TOKEN)
    assert first == repeated
    assert provider.find(token=TOKEN) == first


def test_cancelling_is_harmless_even_after_the_end(provider: VideoProvider, clock: VirtualClock) -> None:
    submission = provider.submit(A_REQUEST, token=TOKEN)
    assert provider.cancel(submission.ref) is True
    wait_for(provider, submission, clock)
    assert provider.cancel(submission.ref) is True


class TestSimulated:
    def test_the_simulated_task_is_done_after_the_announced_time(self, clock: VirtualClock) -> None:
        provider = simulated(clock)
        submission = provider.submit(A_REQUEST, token=TOKEN)
        assert submission.poll_after_seconds is not None
        assert 3 <= submission.poll_after_seconds <= 8
        clock.advance(submission.poll_after_seconds / 2)
        halfway = provider.poll(submission.ref)
        assert (halfway.done, halfway.progress) == (False, pytest.approx(0.5, abs=0.01))
        clock.advance(halfway.poll_after_seconds + 0.001)
        done = provider.poll(submission.ref)
        assert (done.done, done.video_url) == (True, VIDEO_URL.format(job_id=A_REQUEST.job_id))

    def test_simulated_tasks_have_different_durations(self, clock: VirtualClock) -> None:
        provider = simulated(clock)
        tokens = [f"{A_REQUEST.job_id}:{attempt}" for attempt in range(20)]
        waits = {provider.submit(A_REQUEST, token=token).poll_after_seconds for token in tokens}
        assert len(waits) == 20

    @pytest.mark.parametrize(("rate", "failures"), [(0, 0), (1, 200)])
    def test_no_or_every_simulated_task_fails_at_the_extreme_rates(
        self, clock: VirtualClock, rate: float, failures: int
    ) -> None:
        assert self.count_failures(clock, rate) == failures

    def test_simulated_tasks_fail_at_about_the_configured_rate(self, clock: VirtualClock) -> None:
        assert 30 < self.count_failures(clock, 0.25) < 70

    def count_failures(self, clock: VirtualClock, rate: float) -> int:
        provider, failures = simulated(clock, failure_rate=rate), 0
        for attempt in range(200):
            submission = provider.submit(A_REQUEST, token=f"fate:{attempt}")
            clock.advance(9)
            try:
                provider.poll(submission.ref)
            except ProviderError as error:
                failures += error.transient
        return failures

    def test_a_worker_whose_clock_is_behind_polls_again(self, clock: VirtualClock) -> None:
        provider = simulated(clock, seconds=(0, 0))
        submission = provider.submit(A_REQUEST, token=TOKEN)
        clock.advance(-300)
        early = provider.poll(submission.ref)
        assert (early.done, early.progress) == (False, 0)
        clock.advance(early.poll_after_seconds)
        assert provider.poll(submission.ref).done
