"""Orphaned provider tasks: started by a worker that slept between its intent and the submit."""

from collections.abc import Callable
from copy import replace

import pytest

from tests.builders import a_job
from tests.fakes.provider import ScriptedProvider
from tests.system import InMemorySystem
from videojobs.domain.errors import ProviderError, ProviderUnreachable
from videojobs.domain.job import JobStatus, ProviderTask, VideoJob
from videojobs.ports.videos import Submission, UnknownSubmit


def wake_up_late(
    meanwhile: Callable[[VideoJob], VideoJob], *, cancel: bool | ProviderError = True, can_cancel: bool = True
) -> InMemorySystem:
    """Return a system in which a submit returned the task `mine` after `meanwhile` had changed the stored job."""
    provider = ScriptedProvider(unknown_submit=UnknownSubmit.FIND, can_cancel=can_cancel, cancels=[cancel])
    system = InMemorySystem(provider=provider)

    job = a_job()

    def submit() -> Submission:
        taken_over = replace(system.jobs.get(job.id), lease=None, next=None)
        system.jobs.put(meanwhile(taken_over))
        return Submission("mine", poll_after_seconds=5)

    provider.submits = [submit]
    system.deliver(system.put(job))
    return system


def with_ref(ref: str | None) -> Callable[[VideoJob], VideoJob]:
    """Return a change that stores the ref of the task of another worker."""

    def store(job: VideoJob) -> VideoJob:
        return replace(job, provider=ProviderTask("scripted", submitted_at=job.created_at, ref=ref))

    return store


def test_a_task_that_is_not_the_stored_one_is_cancelled() -> None:
    assert wake_up_late(with_ref("theirs")).provider.cancelled == ["mine"]


def test_the_stored_task_is_not_cancelled() -> None:
    assert wake_up_late(with_ref("mine")).provider.cancelled == []


def test_a_task_that_another_worker_may_have_found_is_not_cancelled() -> None:
    assert wake_up_late(with_ref(None)).provider.cancelled == []


def test_a_task_of_an_ended_job_is_cancelled() -> None:
    ended = wake_up_late(lambda job: replace(job, status=JobStatus.FAILED, provider=None))
    assert ended.provider.cancelled == ["mine"]


def test_a_task_of_an_earlier_attempt_is_cancelled() -> None:
    over = wake_up_late(lambda job: replace(job, attempt=2, provider=None))
    assert over.provider.cancelled == ["mine"]


@pytest.mark.parametrize("cancel", [False, ProviderUnreachable()])
def test_a_task_that_cannot_be_cancelled_is_reported(
    cancel: bool | ProviderError, caplog: pytest.LogCaptureFixture
) -> None:
    wake_up_late(with_ref("theirs"), cancel=cancel)
    assert "the orphan was not stopped" in caplog.text


def test_a_provider_that_cannot_cancel_is_not_called(caplog: pytest.LogCaptureFixture) -> None:
    assert wake_up_late(with_ref("theirs"), can_cancel=False).provider.cancelled == []
    assert "the orphan was not stopped" in caplog.text
