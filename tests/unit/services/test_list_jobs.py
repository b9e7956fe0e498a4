"""A user's jobs page by page, and what has become of a batch."""

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
    """So many jobs of a user, one each second but for the last two, which came at once; the newest first."""
    ages = [min(number, count - 2) for number in range(count)]
    jobs = [system.jobs.put(a_job(created_at=START + timedelta(seconds=age))) for age in ages]
    return jobs[::-1]


def pages(system: InMemorySystem, limit: int, **filters: object) -> list[list[JobId]]:
    """Every page, by following the positions."""
    found, after = [], None
    while True:
        query = JobQuery(limit, after, **filters)  # type: ignore[arg-type]
        page, after = list_jobs(A_USER, query, jobs=system.jobs, clock=system.clock)
        found.append([job.id for job in page])
        if after is None:
            return found


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (100, [7])])
def test_each_job_is_on_one_page_the_newest_first(limit: int, sizes: list[int]) -> None:
    system = InMemorySystem()
    jobs = fill(system, 7)
    found = pages(system, limit)
    assert [len(page) for page in found] == sizes
    assert [job_id for page in found for job_id in page] == [job.id for job in jobs]


def test_a_page_that_is_just_full_is_the_last_one() -> None:
    system = InMemorySystem()
    fill(system, 6)
    assert len(pages(system, 3)) == 2


def test_jobs_that_are_added_meanwhile_move_none_to_another_page() -> None:
    system = InMemorySystem()
    jobs = fill(system, 6)
    first, after = list_jobs(A_USER, JobQuery(3), jobs=system.jobs, clock=system.clock)
    system.jobs.put(a_job(created_at=START + timedelta(hours=1)))
    second, _ = list_jobs(A_USER, JobQuery(3, after), jobs=system.jobs, clock=system.clock)
    assert [*first, *second] == jobs
    assert after == Position(jobs[2].created_at, jobs[2].id)


def test_only_ones_own_jobs_are_listed() -> None:
    system = InMemorySystem()
    fill(system, 3)
    assert list_jobs(ANOTHER_USER, JobQuery(20), jobs=system.jobs, clock=system.clock) == ([], None)


def test_what_is_not_shown_is_not_listed() -> None:
    system = InMemorySystem()
    shown = system.jobs.put(a_job(expires_at=START + timedelta(seconds=1)))
    system.jobs.put(a_job(expires_at=START))
    system.jobs.put(a_job(deleted_at=START))
    assert pages(system, 20) == [[shown.id]]


def test_a_status_or_a_batch_narrows_the_list() -> None:
    system = InMemorySystem()
    batch, _ = system.submit_batch([a_new_job(), a_new_job()])
    failed = system.jobs.put(a_job(status=JobStatus.FAILED, created_at=START + timedelta(seconds=1)))
    assert pages(system, 20, status=JobStatus.FAILED) == [[failed.id]]
    assert pages(system, 20, batch_id=batch.id) == [list(batch.job_ids[::-1])]


def test_a_database_that_is_gone_is_told() -> None:
    system = InMemorySystem()
    system.jobs.available = False
    with pytest.raises(Unavailable):
        list_jobs(A_USER, JobQuery(20), jobs=system.jobs, clock=system.clock)


class TestBatches:
    def test_a_batch_is_counted_by_status(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()] * 3)
        system.cancel(batch.job_ids[1])
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        found, counts = read_batch(batch.id.upper(), user_id=A_USER, **ports)  # type: ignore[arg-type]
        assert found == batch
        assert counts == {
            JobStatus.QUEUED: 2,
            JobStatus.PROCESSING: 0,
            JobStatus.COMPLETED: 0,
            JobStatus.FAILED: 0,
            JobStatus.CANCELLED: 1,
        }

    def test_what_was_deleted_of_it_is_counted_nowhere(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()] * 2)
        system.cancel(batch.job_ids[0])
        system.delete(batch.job_ids[0])
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        _, counts = read_batch(batch.id, user_id=A_USER, **ports)  # type: ignore[arg-type]
        assert sum(counts.values()) == 1

    @pytest.mark.parametrize("batch_id", ["", "no id", "g" * 24, "f" * 24])
    def test_what_is_no_batch_is_told(self, batch_id: str) -> None:
        system = InMemorySystem()
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        with pytest.raises(BatchNotFound):
            read_batch(batch_id, user_id=A_USER, **ports)  # type: ignore[arg-type]

    def test_nobody_reads_anothers_batch(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()])
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        with pytest.raises(BatchForbidden):
            read_batch(batch.id, user_id=ANOTHER_USER, **ports)  # type: ignore[arg-type]

    def test_an_expired_batch_is_gone(self) -> None:
        system = InMemorySystem()
        batch, _ = system.submit_batch([a_new_job()])
        system.clock.set(batch.expires_at)
        ports = {"batches": system.batches, "jobs": system.jobs, "clock": system.clock}
        with pytest.raises(BatchNotFound):
            read_batch(BatchId(batch.id), user_id=A_USER, **ports)  # type: ignore[arg-type]
