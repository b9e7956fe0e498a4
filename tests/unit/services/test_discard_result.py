"""Results that a provider wrote into the deployment's bucket: removed once they are copied or not needed."""

import pytest

from tests.builders import a_cancelled_job, a_retried_job, a_started_job, an_output
from tests.fakes.provider import ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.job import JobStatus, Step
from videojobs.services.clean_up import DISCARD_TRIES

REFUSED = ProviderError(FailureCode.PROVIDER_ERROR, "No.", transient=False)


def a_system() -> InMemorySystem:
    """Return a system whose provider can't cancel tasks and writes their results to the bucket."""
    return InMemorySystem(provider=ScriptedProvider(yields_pixels=True, can_cancel=False))


def test_result_is_discarded_when_the_job_is_complete() -> None:
    system = a_system()
    output = an_output()
    system.store.objects[output.video.key] = b"x" * output.video.size_bytes
    done = system.deliver(system.put(a_started_job(Step.FINISH, output=output)))
    assert done.status is JobStatus.COMPLETED
    assert system.provider.discarded == ["task-1"]


def test_result_is_kept_until_the_stored_video_is_verified() -> None:
    system = a_system()
    again = system.deliver(system.put(a_started_job(Step.FINISH, output=an_output())))
    assert again.next is not None
    assert again.next.step is Step.RENDER
    assert system.provider.discarded == []


@pytest.mark.parametrize("error", [ProviderUnreachable(), REFUSED])
def test_job_completes_though_its_result_is_not_discarded(error: ProviderError) -> None:
    system = a_system()
    system.provider.discards = [error]
    output = an_output()
    system.store.objects[output.video.key] = b"x" * output.video.size_bytes
    assert system.deliver(system.put(a_started_job(Step.FINISH, output=output))).status is JobStatus.COMPLETED


@pytest.mark.parametrize("not_yet", [False, ProviderUnreachable(), REFUSED])
def test_erasure_is_complete_after_a_running_task_has_ended(not_yet: bool | ProviderError) -> None:
    system = a_system()
    system.provider.discards = [not_yet, not_yet]
    system.put(a_started_job())
    assert not system.erase()
    system.run()
    assert system.jobs.all() == []
    assert len(system.provider.discarded) == 3
    assert system.erase()


def test_retried_job_does_not_wait_for_the_task_of_its_last_run() -> None:
    system = a_system()
    system.provider.discards = [False]
    job = system.deliver(system.put(a_retried_job()))
    assert job.next is not None
    assert (job.next.step, system.provider.discarded) == (Step.START, ["task-1"])


def test_clean_up_ends_though_a_task_never_does() -> None:
    system = a_system()
    system.provider.discards = [False] * (DISCARD_TRIES + 1)
    system.put(a_cancelled_job())
    assert not system.erase()
    system.run()
    for _ in range(60):
        system.clock.advance(minutes=1)
        system.sweep()
        system.run()
    assert (system.jobs.all(), len(system.provider.discarded)) == ([], DISCARD_TRIES)
