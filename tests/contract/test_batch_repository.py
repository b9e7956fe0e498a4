"""The contract of `BatchRepository`."""

from copy import replace
from datetime import timedelta

import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job
from tests.fakes.batches import InMemoryBatchRepository
from tests.fakes.clock import START
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.errors import IdempotencyKeyTaken
from videojobs.domain.job import Batch, IdempotencyKey, VideoJob
from videojobs.ports.jobs import BatchRepository, JobRepository

KEY = IdempotencyKey("key", "fingerprint")


@pytest.fixture(params=["in memory", "MongoDB"])
def repositories(request: pytest.FixtureRequest) -> tuple[BatchRepository, JobRepository]:
    """Return an empty repository of batches and the repository of their jobs."""
    if request.param == "in memory":
        jobs = InMemoryJobRepository()
        return InMemoryBatchRepository(jobs), jobs
    connection = request.getfixturevalue("connection")
    return MongoBatchRepository(connection), MongoJobRepository(connection)


def a_batch(
    batches: BatchRepository, *, size: int = 3, key: IdempotencyKey | None = None
) -> tuple[Batch, list[VideoJob]]:
    """Return a batch that is not stored yet, with its jobs."""
    batch_id = batches.new_id()
    jobs = [a_job(batch_id=batch_id) for _ in range(size)]
    ids = tuple(job.id for job in jobs)
    return Batch(batch_id, A_USER, ids, START, START + timedelta(days=60), key), jobs


def test_a_batch_and_its_jobs_are_stored_unchanged(repositories: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = repositories
    batch, batch_jobs = a_batch(batches, key=KEY)
    batches.add(batch, batch_jobs)
    assert batches.find(batch.id) == batch
    assert [jobs.find(job.id) for job in batch_jobs] == batch_jobs
    assert {job.id for job in jobs.list_newest(A_USER, START, limit=10, batch_id=batch.id)} == set(batch.job_ids)


def test_a_batch_is_not_found_by_another_id_key_or_user(repositories: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = repositories
    batch, batch_jobs = a_batch(batches, key=KEY)
    batches.add(batch, batch_jobs)
    assert batches.find(batches.new_id()) is None
    assert batches.find_by_key(A_USER, "another") is None
    assert batches.find_by_key(ANOTHER_USER, KEY.key) is None
    assert jobs.list_newest(A_USER, START, limit=10, batch_id=batches.new_id()) == []


def test_a_batch_with_a_taken_key_is_not_stored(repositories: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = repositories
    first, batch_jobs = a_batch(batches, key=KEY)
    batches.add(first, batch_jobs)
    second, refused = a_batch(batches, key=KEY)
    with pytest.raises(IdempotencyKeyTaken):
        batches.add(second, refused)
    assert batches.find(second.id) is None
    assert [jobs.find(job.id) for job in refused] == [None] * 3
    assert batches.find_by_key(A_USER, KEY.key) == first


def test_two_users_can_use_the_same_key(repositories: tuple[BatchRepository, JobRepository]) -> None:
    batches, _ = repositories
    for user in (A_USER, ANOTHER_USER):
        batch, batch_jobs = a_batch(batches, key=KEY)
        stored = replace(batch, user_id=user)
        batches.add(stored, batch_jobs)
        assert batches.find_by_key(user, KEY.key) == stored


def test_adding_a_batch_twice_stores_it_once(repositories: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = repositories
    batch, batch_jobs = a_batch(batches)
    for _ in range(2):
        batches.add(batch, batch_jobs)
    assert len(jobs.list_newest(A_USER, START, limit=10)) == 3


def test_a_released_key_can_be_used_again_and_its_batch_is_kept(
    repositories: tuple[BatchRepository, JobRepository],
) -> None:
    batches, _ = repositories
    batch, batch_jobs = a_batch(batches, key=KEY)
    batches.add(batch, batch_jobs)
    for _ in range(2):
        batches.release_key(batch)
    assert batches.find(batch.id) == replace(batch, idempotency=None)
    second, second_jobs = a_batch(batches, key=KEY)
    batches.add(second, second_jobs)
    assert batches.find_by_key(A_USER, KEY.key) == second


def test_the_batches_of_a_user_are_removed_up_to_a_time(repositories: tuple[BatchRepository, JobRepository]) -> None:
    batches, _ = repositories
    old, batch_jobs = a_batch(batches)
    batches.add(old, batch_jobs)
    new, second_jobs = a_batch(batches)
    new = replace(new, created_at=START + timedelta(seconds=1))
    batches.add(new, second_jobs)
    batches.remove_all(ANOTHER_USER, START)
    assert batches.find(old.id) == old
    batches.remove_all(A_USER, START)
    assert (batches.find(old.id), batches.find(new.id)) == (None, new)
