"""Fetch of a result whose host was not allowed: in the same attempt, and without another generation."""

from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, a_job, a_new_job, an_id
from tests.fakes.provider import Outcome, ScriptedProvider
from tests.fakes.slots import InMemorySlotRepository
from tests.system import InMemorySystem
from videojobs.domain.errors import (
    FailureCode,
    JobConflict,
    JobNotFound,
    ProviderError,
    ResultRefused,
    Unavailable,
)
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.plan import Clip
from videojobs.services.fetch_result import fetch_result

LINK = "https://results.example.com/a/video.mp4?signature=1"
OTHER_LINK = "https://other.example.com/video.mp4"
REFUSED = ResultRefused("Not set up.", link=LINK)
GONE = ProviderError(FailureCode.RESULT_LOST, "It is gone.", transient=True)
CLIP = Clip(1280, 720, 8)


def a_refused_job(
    *fetches: Outcome[bytes], duration: float = 8, slots: InMemorySlotRepository | None = None
) -> tuple[InMemorySystem, VideoJob]:
    """Return a system and its job that failed because of its result's host. `fetches` are the later downloads."""
    provider = ScriptedProvider(yields_pixels=True, clips=(CLIP,), fetches=[REFUSED, *fetches])
    system = InMemorySystem(provider=provider, slots=slots or InMemorySlotRepository())
    job = system.submit(a_new_job(duration=duration))
    system.run()
    failed = system.jobs.get(job.id)
    assert (failed.status, failed.provider and failed.provider.result_url) == (JobStatus.FAILED, LINK)
    return system, failed


def fetch(system: InMemorySystem, job_id: JobId, *, allowed: bool = True) -> VideoJob:
    """Queue the job to fetch its result in a deployment that allows all links or none."""
    return fetch_result(job_id, dispatcher=system.dispatcher, allows_result=lambda *_: allowed, by="an operator")


def test_the_result_is_fetched_without_another_generation() -> None:
    system, job = a_refused_job()
    system.clock.advance(hours=5)
    assert fetch(system, job.id).status is JobStatus.QUEUED
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.attempt) == (JobStatus.COMPLETED, 1)
    assert system.provider.tokens == [f"{job.id}:1:1"]
    assert system.provider.fetched == [f"task-of-{job.id}:1:1"] * 2
    assert system.slots.get(A_USER) is None or job.id not in system.slots.get(A_USER).active  # type: ignore[union-attr]


def test_the_change_is_announced_and_the_job_has_the_full_deadline() -> None:
    system, job = a_refused_job()
    system.clock.advance(hours=5)
    queued = fetch(system, job.id)
    assert system.notifier.published[-1][1].version == queued.version == job.version + 1
    begun = system.deliver(system.queue.drain()[0])
    assert (begun.status, begun.started_at) == (JobStatus.PROCESSING, system.clock.now())


@pytest.mark.parametrize("failure", [GONE, ResultRefused("Not set up.", link=OTHER_LINK)])
def test_a_link_that_has_expired_or_moved_fails_the_job_again_and_costs_nothing(failure: ProviderError) -> None:
    system, job = a_refused_job(failure)
    fetch(system, job.id)
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.error and after.error.code) == (JobStatus.FAILED, failure.reason)
    assert after.provider is not None
    assert after.provider.result_url == (OTHER_LINK if isinstance(failure, ResultRefused) else LINK)
    assert len(system.provider.tokens) == 1
    fetch(system, job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED


def test_the_refused_part_of_a_long_video_is_fetched_and_the_missing_parts_are_generated() -> None:
    system, job = a_refused_job(duration=23.5)
    fetch(system, job.id)
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.output and after.output.segments) == (JobStatus.COMPLETED, 4)
    assert system.provider.tokens == [f"{job.id}:1:{part}" for part in (1, 2, 3, 4)]


def test_each_refused_part_of_a_long_video_can_be_fetched() -> None:
    system, job = a_refused_job(b"part 1", REFUSED, duration=12)
    fetch(system, job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.FAILED
    fetch(system, job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert system.provider.tokens == [f"{job.id}:1:{part}" for part in (1, 2)]


def test_a_user_can_still_retry_the_job_after_the_fetch_failed() -> None:
    system, job = a_refused_job(GONE)
    fetch(system, job.id)
    system.run()
    system.retry(job.id)
    system.run()
    assert system.jobs.get(job.id).status is JobStatus.COMPLETED
    assert system.provider.tokens == [f"{job.id}:1:1", f"{job.id}:2:1"]


def test_a_continued_job_waits_for_a_slot_of_its_user() -> None:
    system, job = a_refused_job(slots=InMemorySlotRepository(cap=1))
    other = system.submit()
    waiting = fetch(system, job.id)
    assert waiting.waiting_since is not None
    system.run()
    assert {system.jobs.get(job_id).status for job_id in (job.id, other.id)} == {JobStatus.COMPLETED}


def test_a_continued_job_can_be_cancelled() -> None:
    system, job = a_refused_job()
    fetch(system, job.id)
    system.cancel(job.id)
    system.run()
    after = system.jobs.get(job.id)
    assert (after.status, after.provider, after.next) == (JobStatus.CANCELLED, None, None)
    with pytest.raises(JobConflict, match="is cancelled"):
        fetch(system, job.id)


def test_a_link_that_is_still_not_allowed_is_named_without_its_signature() -> None:
    system, job = a_refused_job()
    with pytest.raises(JobConflict, match="is not allowed for results of scripted") as refused:
        fetch(system, job.id, allowed=False)
    assert str(refused.value).startswith("https://results.example.com/a is")
    assert system.jobs.get(job.id) == job
    assert system.queue.drain() == []


def test_jobs_without_a_refused_result_are_left_unchanged() -> None:
    system, job = a_refused_job()
    live, failed = a_job(), a_job(status=JobStatus.FAILED, next=None)
    system.jobs.put(live)
    system.jobs.put(failed)
    for job_id, message in ((live.id, "The job is queued"), (failed.id, "has no link")):
        with pytest.raises(JobConflict, match=message):
            fetch(system, job_id)
    assert (system.jobs.get(live.id), system.jobs.get(failed.id)) == (live, failed)
    fetch(system, job.id)
    with pytest.raises(JobConflict, match="The job is queued"):
        fetch(system, job.id)


def test_a_deleted_expired_or_unknown_job_is_not_found() -> None:
    system, job = a_refused_job()
    expired = system.jobs.put(replace(job, id=an_id(), expires_at=system.clock.now() - timedelta(seconds=1)))
    hidden = system.jobs.put(replace(job, id=an_id(), deleted_at=system.clock.now()))
    system.delete(job.id)
    for job_id in (job.id, hidden.id, expired.id, an_id()):
        with pytest.raises(JobNotFound):
            fetch(system, job_id)


def test_a_job_that_is_deleted_at_the_same_moment_is_not_continued() -> None:
    system, job = a_refused_job()

    def delete_first(*_: object) -> None:
        system.jobs.before_save = None
        system.delete(job.id)

    system.jobs.before_save = delete_first
    with pytest.raises(JobNotFound):
        fetch(system, job.id)
    assert system.queue.drain() == []


def test_an_unavailable_database_is_reported() -> None:
    system, job = a_refused_job()
    system.jobs.available = False
    with pytest.raises(Unavailable):
        fetch(system, job.id)
