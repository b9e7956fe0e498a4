"""Submission: at most once per attempt, and not to a provider whose circuit is open."""

from copy import replace
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
    """Return a job whose worker died between its intent and the ref, with the changes applied."""
    return a_started_job(Step.START, provider=ProviderTask("scripted", submitted_at=START), **changes)


class TestUnknownSubmits:
    def test_an_unknown_submit_is_repeated_with_the_same_token_under_the_policy_repeat(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.REPEAT))
        job = an_unknown_submit()
        after = system.deliver(system.put(job))
        assert system.provider.tokens == [f"{job.id}:1"]
        assert after.attempt == 1
        assert after.history[-1].note == "unknown whether the submit arrived: repeat (attempt 1)"

    def test_an_unknown_submit_adopts_the_existing_task_under_the_policy_find(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        job = an_unknown_submit()
        system.provider.tokens.append(f"{job.id}:1")
        after = system.deliver(system.put(job))
        assert system.provider.tokens == [f"{job.id}:1"]
        assert after.provider is not None
        assert after.provider.ref == f"task-of-{job.id}:1"

    def test_an_unknown_submit_is_repeated_if_no_task_is_found_under_the_policy_find(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        job = an_unknown_submit()
        system.deliver(system.put(job))
        assert (system.provider.sought, system.provider.tokens) == ([f"{job.id}:1"], [f"{job.id}:1"])

    def test_a_first_submit_does_not_look_for_existing_tasks(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.FIND))
        system.submit()
        system.run()
        assert system.provider.sought == []

    def test_an_unknown_submit_becomes_another_attempt_under_the_policy_resubmit(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=UnknownSubmit.RESUBMIT))
        job = an_unknown_submit()
        after = system.deliver(system.put(job))
        assert (after.attempt, system.provider.tokens) == (2, [f"{job.id}:2"])
        assert after.history[-1].note == "unknown whether the submit arrived: resubmit (attempt 2)"

    @pytest.mark.parametrize(
        ("policy", "attempt"), [(UnknownSubmit.FAIL, 1), (UnknownSubmit.RESUBMIT, 3)], ids=["fail", "no attempt left"]
    )
    def test_an_unknown_submit_fails_the_job_under_the_policy_fail_or_without_attempts_left(
        self, policy: UnknownSubmit, attempt: int
    ) -> None:
        system = InMemorySystem(provider=ScriptedProvider(unknown_submit=policy))
        after = system.deliver(system.put(an_unknown_submit(attempt=attempt)))
        assert (after.status, system.provider.tokens) == (JobStatus.FAILED, [])
        assert after.error_message is not None
        assert "duplicate charge" in after.error_message

    @pytest.mark.parametrize("policy", list(UnknownSubmit))
    def test_an_unreachable_submit_follows_the_policy_for_unknown_submits(self, policy: UnknownSubmit) -> None:
        provider = ScriptedProvider(unknown_submit=policy, submits=[ProviderUnreachable()])
        system = InMemorySystem(provider=provider)
        job = system.submit()
        system.run()
        ended = system.jobs.get(job.id)
        next_attempt = {UnknownSubmit.REPEAT: 1, UnknownSubmit.RESUBMIT: 2}.get(policy)
        assert provider.tokens == [f"{job.id}:1"] + ([f"{job.id}:{next_attempt}"] if next_attempt else [])
        assert (ended.status is JobStatus.FAILED) == (policy is UnknownSubmit.FAIL)


class TestCircuit:
    def test_failures_of_different_jobs_open_the_circuit(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE] * FAILURES_TO_OPEN))
        for _ in range(FAILURES_TO_OPEN):
            system.deliver(system.put(a_job()))
        assert system.circuits.find("scripted").open_until == START + OPEN_FOR

    def test_an_open_circuit_prevents_calls_and_uses_up_no_attempt(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), OPEN)
        after = system.deliver(system.put(a_job()))
        assert (system.provider.tokens, after.attempt, after.status) == ([], 1, JobStatus.QUEUED)
        assert after.next is not None
        assert after.next.due_at >= START + OPEN_FOR
        assert system.queue.sent[0].delay_seconds >= 30

    def test_one_job_probes_after_the_pause_and_other_jobs_wait(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), OPEN)
        system.clock.advance(31)
        first, second = system.put(a_job()), system.put(a_job())
        submit_counts: list[int] = []

        def while_probing() -> object:
            if not submit_counts:
                submit_counts.append(len(system.provider.tokens))
                system.deliver(second)
                submit_counts.append(len(system.provider.tokens))
            raise STUMBLE

        system.provider.submits = [while_probing]  # type: ignore[list-item]
        system.deliver(first)
        assert submit_counts == [1, 1]
        waiting = system.jobs.get(second.job_id)
        assert waiting.history[-1].note.startswith("waiting")
        open_until = system.circuits.find("scripted").open_until
        assert open_until == system.clock.now() + 2 * OPEN_FOR

    def test_a_job_that_loses_the_race_for_the_probe_waits(self) -> None:
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

    @pytest.mark.parametrize("submits", [[], [REFUSAL]], ids=["a task", "a refusal"])
    def test_a_success_or_a_permanent_error_closes_the_circuit(self, submits: list[ProviderError]) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=list(submits)))
        system.circuits.save(Circuit("scripted"), OPEN)
        system.clock.advance(31)
        system.deliver(system.put(a_job()))
        assert system.circuits.find("scripted") == Circuit("scripted", version=7)

    @pytest.mark.parametrize("submits", [[], [REFUSAL]], ids=["a task", "a refusal"])
    def test_a_provider_without_failures_costs_no_write_of_the_circuit(self, submits: list[ProviderError]) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=list(submits)))
        system.deliver(system.put(a_job()))
        assert system.circuits.find("scripted") == Circuit("scripted")

    def test_a_failure_that_another_worker_counted_first_is_ignored(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE]))
        system.circuits.save = lambda before, after: False  # type: ignore[method-assign]
        after = system.deliver(system.put(a_job()))
        assert after.attempt == 2

    def test_a_close_that_another_worker_wrote_first_is_ignored(self) -> None:
        system = InMemorySystem()
        system.circuits.save(Circuit("scripted"), replace(OPEN, open_until=None))
        system.circuits.save = lambda before, after: False  # type: ignore[method-assign]
        after = system.deliver(system.put(a_job()))
        assert after.provider is not None
        assert after.provider.ref is not None

    def test_a_dead_provider_uses_up_no_attempts(self) -> None:
        system = InMemorySystem(provider=ScriptedProvider(submits=[ProviderUnreachable()] * 9))
        jobs = [system.submit() for _ in range(10)]
        system.run(sweeping=True, at_most=2000)
        ended = [system.jobs.get(job.id) for job in jobs]
        assert {job.status for job in ended} == {JobStatus.COMPLETED}
        assert {job.attempt for job in ended} == {1}
        assert max(job.updated_at for job in ended) - START < timedelta(hours=1)
