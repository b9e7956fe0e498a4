"""Generated database of the growth measurement."""

from collections import Counter

from bench.scaling import DEEP_JOBS, LIVE_JOBS, make_jobs
from videojobs.domain.job import JobStatus


def test_databases_of_the_same_size_are_equal() -> None:
    assert list(make_jobs(1200)) == list(make_jobs(1200))


def test_number_of_live_jobs_does_not_grow_with_the_database() -> None:
    for size in (1000, 5000):
        jobs = list(make_jobs(size))
        assert len({job.id for job in jobs}) == size
        assert sum(job.is_live for job in jobs) == LIVE_JOBS
        assert sum(job.waiting_since is not None for job in jobs) == LIVE_JOBS // 2
        assert {job.status for job in jobs} == {JobStatus.QUEUED, JobStatus.COMPLETED, JobStatus.CANCELLED}


def test_only_a_large_database_has_a_user_with_five_hundred_pages() -> None:
    most = {size: Counter(job.user_id for job in make_jobs(size)).most_common(1)[0][1] for size in (2000, 25_000)}
    assert most[2000] < DEEP_JOBS <= most[25_000]
