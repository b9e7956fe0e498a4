"""Failures that one odd response can report: repeated for a minute in the same attempt, then believed."""

from datetime import timedelta

import pytest

from tests.builders import a_new_job
from tests.fakes.provider import DONE, ScriptedProvider
from tests.system import InMemorySystem
from videojobs.adapters.mongo.documents import from_document, to_document
from videojobs.domain.confirmation import CONFIRMATION_PERIOD
from videojobs.domain.errors import FailureCode, ProviderUnreachable, UnconfirmedFailure
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Generation

MISSING = UnconfirmedFailure(FailureCode.RESULT_LOST, "It is not there.", transient=True)
RUNNING = Generation(done=False)
CLIP = Clip(1280, 720, 8)


class Missing:
    """Script of a provider's call that fails until a time on the virtual clock."""

    def __init__(self, system: InMemorySystem, period: timedelta) -> None:
        self.calls: list[timedelta] = []
        self._system, self._period = system, period

    def answer(self) -> Generation:
        """Fail for the period since the first call, then report that the task is done."""
        self._check()
        return DONE

    def content(self) -> bytes:
        """Fail for the period since the first call, then return a video."""
        self._check()
        return b"a video"

    def _check(self) -> None:
        now = self._system.clock.now()
        self._began = now if not self.calls else self._began
        self.calls.append(now - self._began)
        if self.calls[-1] < self._period:
            raise MISSING


def run(period: timedelta, call: str) -> tuple[VideoJob, ScriptedProvider, Missing]:
    """Run a job whose poll or download fails for a period, and return the job, the provider and the script."""
    provider = ScriptedProvider(yields_pixels=True, clips=(CLIP,))
    system = InMemorySystem(provider=provider)
    script = Missing(system, period)
    answers = {"poll": (provider.polls, script.answer), "fetch": (provider.fetches, script.content)}
    answers[call][0].extend([answers[call][1]] * 100)  # type: ignore[attr-defined]
    job = system.submit(a_new_job())
    system.run()
    return system.jobs.get(job.id), provider, script


@pytest.mark.parametrize("call", ["poll", "fetch"])
def test_a_failure_that_passes_within_a_minute_is_not_paid_for_twice(call: str) -> None:
    job, provider, script = run(timedelta(seconds=30), call)
    assert (job.status, job.attempt, len(provider.tokens)) == (JobStatus.COMPLETED, 1, 1)
    assert len(script.calls) > 1


@pytest.mark.parametrize("call", ["poll", "fetch"])
def test_a_failure_that_lasts_is_believed_after_a_minute(call: str) -> None:
    job, provider, script = run(timedelta(days=1), call)
    assert (job.status, job.error and job.error.code) == (JobStatus.FAILED, "result_lost")
    assert len(provider.tokens) == job.attempt > 1
    assert script.calls[-1] >= CONFIRMATION_PERIOD


def test_a_successful_poll_ends_the_period() -> None:
    provider = ScriptedProvider(polls=[MISSING, RUNNING, MISSING])
    system = InMemorySystem(provider=provider)
    job = system.submit()
    system.deliver(system.queue.drain()[0])  # submits
    system.deliver(system.queue.drain()[0])
    assert _failing_since(system, job) == system.clock.now()
    system.clock.advance(50)
    system.deliver(system.queue.drain()[0])
    assert _failing_since(system, job) is None
    system.clock.advance(50)
    system.deliver(system.queue.drain()[0])
    assert system.jobs.get(job.id).attempt == 1
    system.run()
    assert (system.jobs.get(job.id).status, len(provider.tokens)) == (JobStatus.COMPLETED, 1)


def test_a_failure_of_polls_does_not_count_for_the_download() -> None:
    provider = ScriptedProvider(yields_pixels=True, clips=(CLIP,), polls=[MISSING, MISSING], fetches=[MISSING])
    system = InMemorySystem(provider=provider)
    job = system.submit(a_new_job())
    provider.polls.append(lambda: system.clock.advance(90) and DONE)  # type: ignore[arg-type,return-value]
    system.run()
    assert (system.jobs.get(job.id).status, len(provider.tokens)) == (JobStatus.COMPLETED, 1)


def test_a_poll_without_a_response_keeps_the_period() -> None:
    provider = ScriptedProvider(polls=[MISSING, ProviderUnreachable(), MISSING])
    system = InMemorySystem(provider=provider)
    job = system.submit()
    for _ in range(3):
        system.deliver(system.queue.drain()[0])
        system.clock.advance(30)
    began = _failing_since(system, job)
    system.deliver(system.queue.drain()[0])
    assert began is not None
    assert system.jobs.get(job.id).attempt == 2


def test_the_time_is_stored_and_a_document_without_it_is_read() -> None:
    system = InMemorySystem(provider=ScriptedProvider(polls=[MISSING]))
    job = system.submit()
    document = to_document(system.jobs.get(job.id))
    for _ in range(2):
        system.deliver(system.queue.drain()[0])
    failing = system.jobs.get(job.id)
    document = to_document(failing)
    assert from_document(document) == failing
    assert failing.provider is not None
    del document["provider"]["failingSince"]
    read = from_document(document).provider
    assert read is not None
    assert (read.ref, read.failing_since) == (failing.provider.ref, None)


def _failing_since(system: InMemorySystem, job: VideoJob) -> object:
    task = system.jobs.get(job.id).provider
    return task and task.failing_since
