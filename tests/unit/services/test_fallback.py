"""Who makes a video when the first choice can't: the next in order, and nobody where a task may be running already."""

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

EXHAUSTED = ProviderError(FailureCode.QUOTA_EXHAUSTED, "Nothing is left.", transient=False)
STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "It stumbled.", transient=True)
SECOND_LONG = (Clip(1280, 720, 1),)


def a_system(*providers: ScriptedProvider) -> InMemorySystem:
    """A deployment of these, in order."""
    return InMemorySystem(provider=providers[0], providers=only(*providers))


def open_circuit(system: InMemorySystem, name: str, seconds: float = 60) -> None:
    """That provider is known to be down."""
    from datetime import timedelta

    until = system.clock.now() + timedelta(seconds=seconds)
    system.circuits.save(Circuit(name), Circuit(name, failures=5, opened=1, open_until=until, version=1))


def test_the_next_one_takes_the_next_attempt_when_the_quota_is_used_up() -> None:
    first, second = ScriptedProvider(name="first", submits=[EXHAUSTED]), ScriptedProvider(name="second")
    system = a_system(first, second)
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.attempt, done.exhausted_providers) == (JobStatus.COMPLETED, 2, ("first",))
    assert (first.tokens, second.tokens) == ([f"{job.id}:1"], [f"{job.id}:2"])


def test_it_does_so_at_once_whatever_the_first_has_asked_for() -> None:
    tomorrow = ProviderError(FailureCode.QUOTA_EXHAUSTED, "Tomorrow.", transient=True, retry_after_seconds=86400)
    system = a_system(ScriptedProvider(name="first", submits=[tomorrow]), ScriptedProvider(name="second"))
    after = system.deliver(system.put(a_job()))
    assert after.next is not None
    assert after.next.due_at == system.clock.now()


def test_also_when_the_quota_ends_in_the_middle_of_the_task() -> None:
    first, second = ScriptedProvider(name="first", polls=[EXHAUSTED]), ScriptedProvider(name="second")
    system = a_system(first, second)
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert second.tokens == [f"{job.id}:2"]


def test_with_nobody_to_stand_in_a_used_up_quota_is_the_end() -> None:
    system = a_system(ScriptedProvider(name="first", submits=[EXHAUSTED]))
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.error_message) == (JobStatus.FAILED, "Nothing is left.")


def test_when_all_are_used_up_the_job_fails() -> None:
    system = a_system(
        ScriptedProvider(name="first", submits=[EXHAUSTED]), ScriptedProvider(name="second", submits=[EXHAUSTED])
    )
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.FAILED


def test_an_ordinary_failure_is_tried_again_at_the_same_one() -> None:
    first, second = ScriptedProvider(name="first", submits=[STUMBLE]), ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit()
    system.run()
    assert (len(first.tokens), second.tokens) == (2, [])


def test_a_provider_that_is_down_is_left_out() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second")
    system = a_system(first, second)
    open_circuit(system, "first")
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert (first.tokens, second.tokens) == ([], [f"{job.id}:1"])


def test_when_all_are_down_the_first_that_may_be_well_is_waited_for() -> None:
    system = a_system(ScriptedProvider(name="first"), ScriptedProvider(name="second"))
    open_circuit(system, "first", seconds=300)
    open_circuit(system, "second", seconds=60)
    after = system.deliver(system.put(a_job()))
    assert after.next is not None
    assert 60 <= (after.next.due_at - system.clock.now()).total_seconds() <= 65


def test_one_that_can_not_make_it_is_passed_by() -> None:
    first = ScriptedProvider(name="first", yields_pixels=True, clips=SECOND_LONG)
    second = ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit(a_new_job(duration=60))
    system.run()
    assert (first.tokens, len(second.tokens)) == ([], 1)


def test_a_name_that_nobody_knows_is_passed_by() -> None:
    known = ScriptedProvider(name="known")
    system = InMemorySystem(provider=known, providers=Providers(("misspelt", "known"), only(known).get))
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED


def test_the_one_that_the_user_named_makes_it() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit(a_new_job(provider="second"))
    system.run()
    assert (first.tokens, len(second.tokens)) == ([], 1)


def test_nobody_stands_in_for_the_one_that_the_user_named() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second", submits=[EXHAUSTED])
    system = a_system(first, second)
    job = system.submit(a_new_job(provider="second"))
    system.run()
    assert (system.jobs.get(job.id).status, first.tokens) == (JobStatus.FAILED, [])


@pytest.mark.parametrize("policy", list(UnknownSubmit))
def test_nobody_stands_in_after_a_submit_whose_outcome_is_unknown(policy: UnknownSubmit) -> None:
    first = ScriptedProvider(name="first", unknown_submit=policy, submits=[ProviderUnreachable()])
    second = ScriptedProvider(name="second")
    system = a_system(first, second)
    system.submit()
    system.run()
    assert second.tokens == []


def test_not_even_while_it_is_down() -> None:
    first, second = ScriptedProvider(name="first"), ScriptedProvider(name="second")
    system = a_system(first, second)
    open_circuit(system, "first")
    unknown = ProviderTask("first", submitted_at=START)
    after = system.deliver(system.put(a_started_job(Step.START, provider=unknown)))
    assert (first.tokens, second.tokens) == ([], [])
    assert after.history[-1].note.startswith("waiting")


def test_a_retry_by_the_user_begins_with_the_first_again() -> None:
    first = ScriptedProvider(name="first", submits=[EXHAUSTED])
    second = ScriptedProvider(name="second", submits=[EXHAUSTED])
    system = a_system(first, second)
    job = system.submit()
    system.run()
    system.retry(job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert len(first.tokens) == 2


def test_a_job_that_is_under_way_goes_on_at_a_provider_taken_out_of_the_order() -> None:
    old, new = ScriptedProvider(name="old"), ScriptedProvider(name="new")
    system = InMemorySystem(provider=new, providers=Providers(("new",), only(old, new).get))
    task = ProviderTask("old", submitted_at=START, ref="task-1")
    assert system.deliver(system.put(a_started_job(provider=task))).status is JobStatus.COMPLETED
    assert old.polled == ["task-1"]
