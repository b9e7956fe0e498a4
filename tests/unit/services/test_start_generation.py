"""Submit at most once per attempt, and leave a provider alone that is down."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import a_job, a_started_job
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.circuit import FAILURES_TO_OPEN, OPEN_FOR, Circuit
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.job import JobStatus, ProviderTask, Step, VideoJob
from videojobs.ports.videos import UnknownSubmit

STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "The provider stumbled.", transient=True)
REFUSAL = ProviderError(FailureCode.CONTENT_REJECTED, "Not such a video.", transient=False)
OPEN = Circuit("scripted", failures=FAILURES_TO_OPEN, opened=1, open_until=START + OPEN_FOR, version=5)


def an_unknown_submit(**changes: object) -> VideoJob:
    """A worker died between its intent and the ref."""
    return a_started_job(Step.START, provider=ProviderTask("scripted", submitted_at=START), **changes)


class TestUnknownSubmits:
    def test_where_one_token_makes_one_task_it_is_submitted_again(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.REPEAT))
        job = an_unknown_submit()
        after = system.deliver(system.put(job))
        assert system.provider.tokens == [f"{job.id}:1"]
        assert after.attempt == 1
        assert after.history[-1].note == "unknown whether the submit arrived: repeat (attempt 1)"

    def test_where_tasks_can_be_found_the_one_that_is_there_is_taken(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        job = an_unknown_submit()
        system.provider.tokens.append(f"{job.id}:1")
        after = system.deliver(system.put(job))
        assert system.provider.tokens == [f"{job.id}:1"]
        assert after.provider is not None
        assert after.provider.ref == f"task-of-{job.id}:1"

    def test_where_tasks_can_be_found_and_there_is_none_it_is_submitted(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        job = an_unknown_submit()
        system.deliver(system.put(job))
        assert (system.provider.sought, system.provider.tokens) == ([f"{job.id}:1"], [f"{job.id}:1"])

    def test_nothing_is_sought_where_nothing_can_be_lost(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        system.submit()
        system.run()
        assert system.provider.sought == []

    def test_where_an_orphan_is_accepted_it_is_another_attempt(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.RESUBMIT))
        job = an_unknown_submit()
        after = system.deliver(system.put(job))
        assert (after.attempt, system.provider.tokens) == (2, [f"{job.id}:2"])
        assert after.history[-1].note == "unknown whether the submit arrived: resubmit (attempt 2)"

    @pytest.mark.parametrize(
        ("policy", "attempt"), [(UnknownSubmit.FAIL, 1), (UnknownSubmit.RESUBMIT, 3)], ids=["fail", "no attempt left"]
    )
    def test_where_nothing_may_be_paid_for_twice_the_job_fails_with_words(
        self, policy: UnknownSubmit, attempt: int
    ) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=policy))
        after = system.deliver(system.put(an_unknown_submit(attempt=attempt)))
        assert (after.status, system.provider.tokens) == (JobStatus.FAILED, [])
        assert after.error_message is not None
        assert "duplicate charge" in after.error_message

    @pytest.mark.parametrize("policy", list(UnknownSubmit))
    def test_a_submit_without_an_answer_is_treated_by_the_same_policy(self, policy: UnknownSubmit) -> None:
        provider = ScriptedProvider(unknown_submit=policy, submits=[ProviderUnreachable()])
        system = InMemorySystem(provider=provider)
        job = system.submit()
        system.run()
        ended = system.jobs.get(job.id)
        again = {UnknownSubmit.REPEAT: 1, UnknownSubmit.RESUBMIT: 2}.get(policy)
        assert provider.tokens == [f"{job.id}:1"] + ([f"{job.id}:{again}"] if again else [])
        assert (ended.status is JobStatus.FAILED) == (policy is UnknownSubmit.FAIL)


class TestCircuit:
    def test_failures_of_different_jobs_open_it_together(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE] * FAILURES_TO_OPEN))
        for _ in range(FAILURES_TO_OPEN):
            system.deliver(system.put(a_job()))
        assert system.circuits.find("scripted").open_until == START + OPEN_FOR

    def test_while_it_is_open_nobody_calls_and_no_attempt_is_spent(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), OPEN)
        after = system.deliver(system.put(a_job()))
        assert (system.provider.tokens, after.attempt, after.status) == ([], 1, JobStatus.QUEUED)
        assert after.next is not None
        assert after.next.due_at >= START + OPEN_FOR
        assert system.queue.sent[0].delay_seconds >= 30

    def test_after_the_pause_one_job_tries_and_all_others_wait(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), OPEN)
        system.clock.advance(31)
        first, second = system.put(a_job()), system.put(a_job())
        seen: list[int] = []

        def while_probing() -> object:
            if not seen:
                seen.append(len(system.provider.tokens))
                system.deliver(second)
                seen.append(len(system.provider.tokens))
            raise STUMBLE

        system.provider.submits = [while_probing]  # type: ignore[list-item]
        system.deliver(first)
        assert seen == [1, 1]
        waiting = system.jobs.get(second.job_id)
        assert waiting.history[-1].note.startswith("waiting")
        again = system.circuits.find("scripted").open_until
        assert again == system.clock.now() + 2 * OPEN_FOR

    def test_who_loses_the_race_for_the_probe_waits(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), OPEN)
        system.clock.advance(31)
        real_save = system.circuits.save
        system.circuits.save = lambda before, after: False  # type: ignore[method-assign]
        after = system.deliver(system.put(a_job()))
        system.circuits.save = real_save  # type: ignore[method-assign]
        assert system.provider.tokens == []
        assert after.next is not None
        assert after.next.due_at >= system.clock.now()

    @pytest.mark.parametrize("answer", [[], [REFUSAL]], ids=["a task", "a refusal"])
    def test_any_telling_answer_closes_it(self, answer: list[ProviderError]) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=list(answer)))
        system.circuits.save(Circuit("scripted"), OPEN)
        system.clock.advance(31)
        system.deliver(system.put(a_job()))
        assert system.circuits.find("scripted") == Circuit("scripted", version=7)

    @pytest.mark.parametrize("answer", [[], [REFUSAL]], ids=["a task", "a refusal"])
    def test_a_provider_that_was_well_costs_no_write(self, answer: list[ProviderError]) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=list(answer)))
        system.deliver(system.put(a_job()))
        assert system.circuits.find("scripted") == Circuit("scripted")

    def test_a_count_that_another_worker_was_quicker_with_is_let_go(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE]))
        system.circuits.save = lambda before, after: False  # type: ignore[method-assign]
        after = system.deliver(system.put(a_job()))
        assert after.attempt == 2

    def test_a_close_that_another_worker_was_quicker_with_is_let_go(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), replace(OPEN, open_until=None))
        system.circuits.save = lambda before, after: False  # type: ignore[method-assign]
        after = system.deliver(system.put(a_job()))
        assert after.provider is not None
        assert after.provider.ref is not None

    def test_a_dead_provider_burns_no_jobs_attempts(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[ProviderUnreachable()] * 9))
        jobs = [system.submit() for _ in range(10)]
        system.run(sweeping=True, at_most=2000)
        ended = [system.jobs.get(job.id) for job in jobs]
        assert {job.status for job in ended} == {JobStatus.COMPLETED}
        assert {job.attempt for job in ended} == {1}
        assert max(job.updated_at for job in ended) - START < timedelta(hours=1)
