"""Fallback providers: used in order when a provider fails, except while a provider task may already be running."""

import pytest

from tests.builders import a_job, a_new_job, a_started_job
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider, only
from tests.system import InMemorySystem
from videojobs.domain.circuit import Circuit
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.job import JobStatus, ProviderTask, Step
from videojobs.domain.plan import Clip
from videojobs.ports.videos import Providers, UnknownSubmit

EXHAUSTED = ProviderError(FailureCode.QUOTA_EXHAUSTED, "The quota is exhausted.", transient=False)
STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "It stumbled.", transient=True)
SECOND_LONG = (Clip(1280, 720, 1),)


def a_system(*providers: ScriptedProvider) -> InMemorySystem:
    """Return a system with these providers, in order of preference."""
    return InMemorySystem(provider=providers[0], providers=only(*providers))


def open_circuit(system: InMemorySystem, name: str, seconds: float = 60) -> None:
    """Open the circuit of the provider for `seconds`."""
    from datetime import timedelta

    until = system.clock.now() + timedelta(seconds=seconds)
    system.circuits.save(Circuit(name), Circuit(name, failures=5, opened=1, open_until=until, version=1))


def test_a_fallback_provider_takes_the_next_attempt_when_the_quota_is_exhausted() -> None:
    first, second = ScriptedProvider(name="first", submits=[EXHAUSTED]), ScriptedProvider(name="second")
    system = a_system(first, second)
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.attempt, done.exhausted_providers) == (JobStatus.COMPLETED, 2, ("first",))
    assert (first.tokens, second.tokens) == ([f"{job.id}:1"], [f"{job.id}:2"])


def test_a_fallback_provider_ignores_retry_after_of_the_failed_provider() -> None:
    tomorrow = ProviderError(FailureCode.QUOTA_EXHAUSTED, "Tomorrow.", transient=True, retry_after_seconds=86400)
    system = a_system(ScriptedProvider(name="first", submits=[tomorrow]), ScriptedProvider(name="second"))
    after = system.deliver(system.put(a_job()))
    assert after.next is not None
    assert after.next.due_at == system.clock.now()


def test_a_fallback_provider_takes_over_when_the_quota_is_exhausted_during_a_task() -> None:
    first, second = ScriptedProvider(name="first", polls=[EXHAUSTED]), ScriptedProvider(name="second")
    system = a_system(first, second)
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert second.tokens == [f"{job.id}:2"]


def test_a_job_without_a_fallback_provider_fails_when_the_quota_is_exhausted() -> None:
    system = a_system(ScriptedProvider(name="first", submits=[EXHAUSTED]))
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.error_message) == (JobStatus.FAILED, "The quota is exhausted.")


def test_a_job_fails_when_the_quotas_of_all_providers_are_exhausted() -> None:
    system = a_system(
        ScriptedProvider(name="first", submits=[EXHAUSTED]), ScriptedProvider(name="second", submits=[EXHAUSTED])
    )
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.FAILED


def test_a_transient_failure_is_retried_with_the_same_provider() -> None:
    first, second = ScriptedProvider(name="first", submits=[STUMBLE]), ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit()
    system.run()
    assert (len(first.tokens), second.tokens) == (2, [])


def test_a_provider_with_an_open_circuit_is_skipped() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second")
    system = a_system(first, second)
    open_circuit(system, "first")
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert (first.tokens, second.tokens) == ([], [f"{job.id}:1"])


def test_a_job_waits_for_the_circuit_that_closes_first_when_all_are_open() -> None:
    system = a_system(ScriptedProvider(name="first"), ScriptedProvider(name="second"))
    open_circuit(system, "first", seconds=300)
    open_circuit(system, "second", seconds=60)
    after = system.deliver(system.put(a_job()))
    assert after.next is not None
    assert 60 <= (after.next.due_at - system.clock.now()).total_seconds() <= 65


def test_a_provider_that_cannot_meet_the_request_is_skipped() -> None:
    first = ScriptedProvider(name="first", yields_pixels=True, clips=SECOND_LONG)
    second = ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit(a_new_job(duration=60))
    system.run()
    assert (first.tokens, len(second.tokens)) == ([], 1)


def test_an_unknown_provider_in_the_configuration_is_skipped() -> None:
    known = ScriptedProvider(name="known")
    system = InMemorySystem(provider=known, providers=Providers(("misspelt", "known"), only(known).get))
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED


def test_the_provider_that_the_request_names_is_used() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit(a_new_job(provider="second"))
    system.run()
    assert (first.tokens, len(second.tokens)) == ([], 1)


def test_a_provider_that_the_request_names_has_no_fallback() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second", submits=[EXHAUSTED])
    system = a_system(first, second)
    job = system.submit(a_new_job(provider="second"))
    system.run()
    assert (system.jobs.get(job.id).status, first.tokens) == (JobStatus.FAILED, [])


@pytest.mark.parametrize("policy", list(UnknownSubmit))
def test_no_fallback_provider_is_used_after_a_submit_with_unknown_outcome(policy: UnknownSubmit) -> None:
    first = ScriptedProvider(name="first", unknown_submit=policy, submits=[ProviderUnreachable()])
    second = ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit()
    system.run()
    assert second.tokens == []


def test_a_job_with_an_unknown_submit_waits_while_the_circuit_of_its_provider_is_open() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second")
    system = a_system(first, second)
    open_circuit(system, "first")
    unknown = ProviderTask("first", submitted_at=START)
    after = system.deliver(system.put(a_started_job(Step.START, provider=unknown)))
    assert (first.tokens, second.tokens) == ([], [])
    assert after.history[-1].note.startswith("waiting")


def test_a_retry_by_the_user_starts_with_the_first_provider() -> None:
    first = ScriptedProvider(name="first", submits=[EXHAUSTED])
    second = ScriptedProvider(name="second", submits=[EXHAUSTED])
    system = a_system(first, second)
    job = system.submit()
    system.run()
    system.retry(job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert len(first.tokens) == 2


def test_a_running_job_continues_with_a_provider_that_was_removed_from_the_configuration() -> None:
    old, new = ScriptedProvider(name="old"), ScriptedProvider(name="new")
    system = InMemorySystem(provider=new, providers=Providers(("new",), only(old, new).get))
    task = ProviderTask("old", submitted_at=START, ref="task-1")
    assert system.deliver(system.put(a_started_job(provider=task))).status is JobStatus.COMPLETED
    assert old.polled == ["task-1"]
