"""Reading a job, and locating its video."""

from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job
from tests.fakes.clock import START, VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.errors import JobConflict, JobForbidden, JobNotFound, Unavailable
from videojobs.domain.job import JobId, JobStatus
from videojobs.services.read_job import locate_video, read_job


def test_the_owner_can_read_a_job_by_its_id_in_either_case() -> None:
    job = a_job(id=JobId("65a0000000000000000000ff"))
    jobs = InMemoryJobRepository(job)
    for written in (job.id, job.id.upper()):
        assert read_job(written, user_id=A_USER, jobs=jobs, clock=VirtualClock()) == job


def test_a_user_cannot_read_the_job_of_another_user() -> None:
    job = a_job()
    with pytest.raises(JobForbidden):
        read_job(job.id, user_id=ANOTHER_USER, jobs=InMemoryJobRepository(job), clock=VirtualClock())


@pytest.mark.parametrize(
    "job_id",
    ["", "no id", "f" * 23, "f" * 25, "g" * 24, "\N{ARABIC-INDIC DIGIT SIX}" * 24, "f" * 24 + "\n"],
    ids=["empty", "text", "short", "long", "not hexadecimal", "other digits", "line break"],
)
def test_an_invalid_id_raises_job_not_found_without_a_database_query(job_id: str) -> None:
    jobs = InMemoryJobRepository()
    jobs.available = False
    with pytest.raises(JobNotFound):
        read_job(job_id, user_id=A_USER, jobs=jobs, clock=VirtualClock())


def test_an_unknown_id_raises_job_not_found() -> None:
    with pytest.raises(JobNotFound):
        read_job("f" * 24, user_id=A_USER, jobs=InMemoryJobRepository(), clock=VirtualClock())


@pytest.mark.parametrize(("eta_seconds", "is_expired"), [(1, False), (0, True), (-60, True)])
def test_an_expired_job_is_not_found_even_before_mongodb_removes_it(eta_seconds: float, is_expired: bool) -> None:
    job = a_job(expires_at=START + timedelta(seconds=eta_seconds))
    jobs = InMemoryJobRepository(job)
    if is_expired:
        with pytest.raises(JobNotFound):
            read_job(job.id, user_id=A_USER, jobs=jobs, clock=VirtualClock())
    else:
        assert read_job(job.id, user_id=A_USER, jobs=jobs, clock=VirtualClock()) == job


def test_reading_raises_unavailable_when_the_database_is_unavailable() -> None:
    jobs = InMemoryJobRepository(a_job())
    jobs.available = False
    with pytest.raises(Unavailable):
        read_job("f" * 24, user_id=A_USER, jobs=jobs, clock=VirtualClock())


@pytest.mark.parametrize("url", ["s3://videos/a.mp4", "https://mock-videos.eirthlink.com/videos/x.mp4"])
def test_the_video_of_a_completed_job_is_located_by_its_url(url: str) -> None:
    assert locate_video(a_job(status=JobStatus.COMPLETED, video_url=url), sign=str) == url


@pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.COMPLETED])
def test_a_job_that_is_not_completed_has_no_video(status: JobStatus) -> None:
    with pytest.raises(JobConflict, match=rf"is {status}\. (It has no video|Its video is not ready)"):
        locate_video(a_job(status=status, video_url="s3://videos/a.mp4"), sign=str)


@pytest.mark.parametrize("url", [None, "", "x", "javascript:alert(1)", "https://a b", "https://a\nb", "https://é"])
def test_an_invalid_video_url_counts_as_no_video(url: str | None) -> None:
    with pytest.raises(JobConflict, match="It has no video"):
        locate_video(a_job(status=JobStatus.COMPLETED, video_url=url), sign=str)
