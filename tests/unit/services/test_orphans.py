"""A worker that slept between its intent and the submit has begun a task that nobody wants."""

from collections.abc import Callable
from dataclasses import replace

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
    """A submit brings `mine`, at a moment when the stored job is already what `meanwhile` makes of it."""
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
    """The other worker has stored its task's ref."""

    def store(job: VideoJob) -> VideoJob:
        return replace(job, provider=ProviderTask("scripted", submitted_at=job.created_at, ref=ref))

    return store


def test_a_task_beside_the_one_that_is_stored_is_stopped() -> None:
    assert wake_up_late(with_ref("theirs")).provider.cancelled == ["mine"]


def test_the_task_that_is_stored_goes_on() -> None:
    assert wake_up_late(with_ref("mine")).provider.cancelled == []


def test_a_task_that_somebody_may_have_found_goes_on() -> None:
    assert wake_up_late(with_ref(None)).provider.cancelled == []


def test_a_task_of_a_job_that_has_ended_is_stopped() -> None:
    ended = wake_up_late(lambda job: replace(job, status=JobStatus.FAILED, provider=None))
    assert ended.provider.cancelled == ["mine"]


def test_a_task_of_an_attempt_that_is_over_is_stopped() -> None:
    over = wake_up_late(lambda job: replace(job, attempt=2, provider=None))
    assert over.provider.cancelled == ["mine"]


@pytest.mark.parametrize("cancel", [False, ProviderUnreachable()])
def test_a_task_that_can_t_be_stopped_is_reported(
    cancel: bool | ProviderError, caplog: pytest.LogCaptureFixture
) -> None:
    wake_up_late(with_ref("theirs"), cancel=cancel)
    assert "the orphan was not stopped" in caplog.text


def test_a_provider_that_can_t_cancel_is_not_asked_to(caplog: pytest.LogCaptureFixture) -> None:
    assert wake_up_late(with_ref("theirs"), can_cancel=False).provider.cancelled == []
    assert "the orphan was not stopped" in caplog.text
