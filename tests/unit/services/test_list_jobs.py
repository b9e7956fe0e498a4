"""Lists of jobs in pages, and the counts of a batch."""

from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job, a_new_job
from tests.fakes.clock import START
from tests.system import InMemorySystem
from videojobs.domain.errors import BatchForbidden, BatchNotFound, Unavailable
from videojobs.domain.job import BatchId, JobId, JobStatus, VideoJob
from videojobs.ports.jobs import JobQuery, Position
from videojobs.services.list_jobs import list_jobs, read_batch


def fill(system: InMemorySystem, count: int) -> list[VideoJob]:
    """Store `count` jobs created one second apart, the last two at the same time; return them newest first."""
    ages = [min(number, count - 2) for number in range(count)]
    jobs = [system.jobs.put(a_job(created_at=START + timedelta(seconds=age))) for age in ages]
    return jobs[::-1]


def pages(system: InMemorySystem, limit: int, **filters: object) -> list[list[JobId]]:
    """Return the job IDs of every page, following the positions."""
    result, after = [], None
    while True:
        query = JobQuery(limit, after, **filters)  # type: ignore[arg-type]
        page, after = list_jobs(A_USER, query, jobs=system.jobs, clock=system.clock)
        result.append([job.id for job in page])
        if after is None:
            return result


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_each_job_is_on_exactly_one_page_newest_first(limit: int, sizes: list[int]) -> None:
    system = InMemorySystem()
    jobs = fill(system, 7)
    result = pages(system, limit)
    assert [len(page) for page in result] == sizes
    assert [job_id for page in result for job_id in page] == [job.id for job in jobs]


def test_a_full_last_page_is_not_followed_by_an_empty_page() -> None:
    system = InMemorySystem()
    fill(system, 6)
    assert len(pages(system, 3)) == 2


def test_new_jobs_do_not_move_jobs_to_another_page() -> None:
    system = InMemorySystem()
    jobs = fill(system, 6)
    first, after = list_jobs(A_USER, JobQuery(3), jobs=system.jobs, clock=system.clock)
    system.jobs.put(a_job(created_at=START + timedelta(hours=1)))
    second, _ = list_jobs(A_USER, JobQuery(3, after), jobs=system.jobs, clock=system.clock)
    assert [*first, *second] == jobs
    assert after == Position(jobs[2].created_at, jobs[2].id)


def test_only_the_jobs_of_the_user_are_listed() -> None:
    system = InMemorySystem()
    fill(system, 3)
    assert list_jobs(ANOTHER_USER, JobQuery(20), jobs=system.jobs, clock=system.clock) == ([], None)


def test_expired_and_deleted_jobs_are_not_listed() -> None:
    system = InMemorySystem()
    visible = system.jobs.put(a_job(expires_at=START + timedelta(seconds=1)))
    system.jobs.put(a_job(expires_at=START))
    system.jobs.put(a_job(deleted_at=START))
    assert pages(system, 20) == [[visible.id]]


def test_the_list_can_be_filtered_by_status_or_batch() -> None:
    system = InMemorySystem()
    batch, _ = system.submit_batch([a_new_job(), a_new_job()])
    failed = system.jobs.put(a_job(status=JobStatus.FAILED, created_at=START + timedelta(seconds=1)))
    assert pages(system, 20, status=JobStatus.FAILED) == [[failed.id]]
    assert pages(system, 20, batch_id=batch.id) == [list(batch.job_ids[::-1])]


def test_listing_raises_unavailable_when_the_database_is_unavailable() -> None:
    system = InMemorySystem()
    system.jobs.available = False
    with pytest.raises(Unavailable):
        list_jobs(A_USER, JobQuery(20), jobs=system.jobs, clock=system.clock)


class TestBatches:
    def test_the_jobs_of_a_batch_are_counted_by_status(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()] * 3)
        system.cancel(batch.job_ids[1])
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        stored, counts = read_batch(batch.id.upper(), user_id=A_USER, **ports)  # type: ignore[arg-type]
        assert stored == batch
        assert counts == {
            JobStatus.QUEUED: 2,
            JobStatus.PROCESSING: 0,
            JobStatus.COMPLETED: 0,
            JobStatus.FAILED: 0,
            JobStatus.CANCELLED: 1,
        }

    def test_deleted_jobs_of_a_batch_are_not_counted(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()] * 2)
        system.cancel(batch.job_ids[0])
        system.delete(batch.job_ids[0])
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        _, counts = read_batch(batch.id, user_id=A_USER, **ports)  # type: ignore[arg-type]
        assert sum(counts.values()) == 1

    @pytest.mark.parametrize("batch_id", ["", "no id", "g" * 24, "f" * 24])
    def test_an_unknown_batch_id_raises_batch_not_found(self, batch_id: str) -> None:
        system = InMemorySystem()
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        with pytest.raises(BatchNotFound):
            read_batch(batch_id, user_id=A_USER, **ports)  # type: ignore[arg-type]

    def test_a_user_cannot_read_the_batch_of_another_user(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()])
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        with pytest.raises(BatchForbidden):
            read_batch(batch.id, user_id=ANOTHER_USER, **ports)  # type: ignore[arg-type]

    def test_an_expired_batch_is_not_found(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()])
        system.clock.set(batch.expires_at)
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        with pytest.raises(BatchNotFound):
            read_batch(BatchId(batch.id), user_id=A_USER, **ports)  # type: ignore[arg-type]
