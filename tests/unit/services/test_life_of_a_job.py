"""The path of a job from the prompt to the video, through all services, in virtual time."""

from copy import replace
from datetime import timedelta

import pytest

from tests.builders import a_new_job
from tests.fakes.clock import START
from tests.fakes.provider import ScriptedProvider
from tests.fakes.renderer import POSTER, PREVIEW, VIDEO
from tests.system import InMemorySystem
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs.domain.job import JobStatus, Step
from videojobs.ports.videos import Generation, Submission

STUMBLE = ProviderError(FailureCode.PROVIDER_ERROR, "The provider stumbled.", transient=True)


def test_a_provider_that_yields_pixels_leads_to_a_rendered_video() -> None:
    provider = ScriptedProvider(yields_pixels=True, submits=[Submission("task-1", poll_after_seconds=None)])
    system = InMemorySystem(provider=provider)
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.progress, done.video_url) == (
        JobStatus.COMPLETED,
        1.0,
        f"s3://videos-of-tests/videos/{job.id}/1.mp4",
    )
    name = f"videos/{job.id}/1"
    assert system.store.objects == {f"{name}.mp4": VIDEO, f"{name}.jpg": POSTER, f"{name}.webp": PREVIEW}
    types = {f"{name}.mp4": "video/mp4", f"{name}.jpg": "image/jpeg", f"{name}.webp": "image/webp"}
    assert system.store.content_types == types
    assert done.output is not None
    assert (done.output.width, done.output.height, done.output.seconds) == (1280, 720, 8.0)
    assert done.poster is not None
    assert done.preview is not None
    assert [line.note for line in done.history] == ["accepted", "started with scripted", "completed"]


def test_a_provider_that_hosts_its_videos_is_polled_until_it_is_done() -> None:
    polls = [Generation(done=False, progress=0.3, poll_after_seconds=4), Generation(done=False, progress=0.6)]
    system = InMemorySystem(provider=ScriptedProvider(polls=list(polls)))
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.video_url) == (JobStatus.COMPLETED, "https://provider.test/result.mp4")
    assert done.updated_at == START + timedelta(seconds=5 + 4 + 5)
    assert system.provider.polled == [f"task-of-{job.id}:1"] * 3
    assert system.store.objects == {}


def test_a_provider_that_yields_pixels_is_polled_and_then_rendered() -> None:
    provider = ScriptedProvider(yields_pixels=True, polls=[Generation(done=False, progress=1.0)])
    system = InMemorySystem(provider=provider)
    job = system.submit()
    message = system.queue.drain()[0]
    steps = []
    while system.jobs.get(job.id).is_live:
        system.clock.advance(message.delay_seconds)
        system.deliver(message)
        steps.append((message.step, system.jobs.get(job.id).progress))
        message = next(iter(system.queue.drain()), message)
    assert steps == [
        (Step.START, 0.0),
        (Step.POLL, 0.9),
        (Step.POLL, 0.9),
        (Step.RENDER, 0.9),
        (Step.FINISH, 1.0),
    ]


def test_every_version_of_a_job_is_announced_once() -> None:
    system = InMemorySystem(provider=ScriptedProvider(polls=[Generation(done=False, progress=0.5)]))
    job = system.submit()
    system.run()
    versions = [announcement.version for _, announcement in system.notifier.published]
    assert versions == list(range(1, system.jobs.get(job.id).version + 1))
    assert len({announcement.id for _, announcement in system.notifier.published}) == len(versions)
    assert system.jobs.get(job.id).outbox == ()


def test_a_transient_failure_is_retried_with_a_new_token() -> None:
    system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE], polls=[STUMBLE]))
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.attempt) == (JobStatus.COMPLETED, 3)
    assert system.provider.tokens == [f"{job.id}:1", f"{job.id}:2", f"{job.id}:3"]
    notes = [line.note for line in done.history]
    assert [note.split(" (")[0] for note in notes[2:4]] == ["attempt 1 failed", "attempt 2 failed"]


def test_a_provider_that_always_fails_is_tried_up_to_the_maximum_of_attempts() -> None:
    system = InMemorySystem(provider=ScriptedProvider(submits=[STUMBLE] * 10))
    job = system.submit()
    system.run()
    failed = system.jobs.get(job.id)
    assert (failed.status, failed.error_message) == (JobStatus.FAILED, "The provider stumbled.")
    assert len(system.provider.tokens) == failed.attempt == system.policy.maximum_attempts


def test_a_permanent_provider_error_fails_the_job() -> None:
    refusal = ProviderError(FailureCode.CONTENT_REJECTED, "Not such a video.", transient=False)
    system = InMemorySystem(provider=ScriptedProvider(submits=[refusal]))
    job = system.submit()
    system.run()
    failed = system.jobs.get(job.id)
    assert (failed.status, failed.error_message, failed.attempt) == (JobStatus.FAILED, "Not such a video.", 1)
    assert failed.error is not None
    assert (failed.error.code, failed.error.retryable) == ("content_rejected", False)


def test_a_task_that_does_not_end_is_cancelled_at_the_deadline() -> None:
    never = Generation(done=False, progress=0.2, poll_after_seconds=60)
    system = InMemorySystem(provider=ScriptedProvider(polls=[never] * 100))
    job = system.submit()
    system.run()
    failed = system.jobs.get(job.id)
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert failed.error.code == "timeout"
    assert failed.updated_at - START < system.policy.deadline + timedelta(minutes=1, seconds=1)
    assert system.provider.cancelled == [f"task-of-{job.id}:1"]


@pytest.mark.parametrize("error", [STUMBLE, ProviderUnreachable()], ids=["refused", "unreachable"])
@pytest.mark.parametrize("can_cancel", [True, False])
def test_a_cancellation_that_fails_does_not_change_the_outcome(can_cancel: bool, error: ProviderError) -> None:
    provider = ScriptedProvider(can_cancel=can_cancel, polls=[ProviderUnreachable()] * 500, cancels=[error])
    system = InMemorySystem(provider=provider)
    job = system.submit()
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.FAILED
    assert bool(provider.cancelled) is can_cancel


def test_unreachable_polls_use_up_no_attempt() -> None:
    provider = ScriptedProvider(polls=[ProviderUnreachable()] * 5)
    system = InMemorySystem(provider=provider)
    job = system.submit()
    system.run()
    done = system.jobs.get(job.id)
    assert (done.status, done.attempt) == (JobStatus.COMPLETED, 1)
    assert provider.tokens == [f"{job.id}:1"]


def test_the_reconciler_sends_a_step_that_is_due_after_the_maximum_message_delay() -> None:
    busy = ProviderError(FailureCode.RATE_LIMITED, "Busy.", transient=True, retry_after_seconds=1200)
    system = InMemorySystem(provider=ScriptedProvider(submits=[busy]))
    job = system.submit()
    system.run(sweeping=True)
    done = system.jobs.get(job.id)
    assert done.status is JobStatus.COMPLETED
    assert timedelta(seconds=1200) <= done.updated_at - START <= timedelta(seconds=1200 + 120)


def test_a_truncated_video_is_rendered_again() -> None:
    provider = ScriptedProvider(yields_pixels=True)
    system = InMemorySystem(provider=provider)
    job = system.submit()
    while system.jobs.get(job.id).is_live:
        messages = system.queue.drain()
        if messages[0].step is Step.FINISH and len(system.renderer.folders) == 1:
            key = f"videos/{job.id}/1.mp4"
            system.store.objects[key] = system.store.objects[key][:-1]
        system.clock.advance(messages[0].delay_seconds)
        system.deliver(messages[0])
    done = system.jobs.get(job.id)
    assert (done.status, done.attempt) == (JobStatus.COMPLETED, 1)
    assert len(system.renderer.folders) == 2
    assert system.store.objects[f"videos/{job.id}/1.mp4"] == VIDEO


def test_two_jobs_share_no_files() -> None:
    system = InMemorySystem(provider=ScriptedProvider(yields_pixels=True))
    one, two = system.submit(a_new_job(prompt="one")), system.submit(a_new_job(prompt="two"))
    system.run()
    assert {key.split("/")[1] for key in system.store.objects} == {one.id, two.id}
    assert all(system.jobs.get(job.id).status is JobStatus.COMPLETED for job in (one, two))


def test_a_job_of_the_express_server_is_adopted_and_completed() -> None:
    system = InMemorySystem()
    ours = system.submit()
    system.queue.drain()
    old = system.jobs.put(replace(ours, next=None, version=0, history=(), outbox=()))
    system.clock.advance(minutes=1)
    system.run(sweeping=True)
    done = system.jobs.get(old.id)
    assert done.status is JobStatus.COMPLETED
    assert [line.note for line in done.history] == ["adopted", "started with scripted", "completed"]
