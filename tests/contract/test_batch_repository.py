"""The contract of `BatchRepository`."""

from dataclasses import replace
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
def both(request: pytest.FixtureRequest) -> tuple[BatchRepository, JobRepository]:
    """Neither batch nor job."""
    if request.param == "in memory":
        jobs = InMemoryJobRepository()
        return InMemoryBatchRepository(jobs), jobs
    connection = request.getfixturevalue("connection")
    return MongoBatchRepository(connection), MongoJobRepository(connection)


def a_batch(
    batches: BatchRepository, *, size: int = 3, key: IdempotencyKey | None = None
) -> tuple[Batch, list[VideoJob]]:
    """A batch that is not stored yet, with its jobs."""
    batch_id = batches.new_id()
    jobs = [a_job(batch_id=batch_id) for _ in range(size)]
    ids = tuple(job.id for job in jobs)
    return Batch(batch_id, A_USER, ids, START, START + timedelta(days=60), key), jobs


def test_a_batch_and_its_jobs_come_back_as_they_went_in(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = both
    batch, made = a_batch(batches, key=KEY)
    batches.add(batch, made)
    assert batches.find(batch.id) == batch
    assert [jobs.find(job.id) for job in made] == made
    assert {job.id for job in jobs.list_newest(A_USER, START, limit=10, batch_id=batch.id)} == set(batch.job_ids)


def test_another_batch_is_found_by_neither_id_nor_key(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = both
    batch, made = a_batch(batches, key=KEY)
    batches.add(batch, made)
    assert batches.find(batches.new_id()) is None
    assert batches.find_by_key(A_USER, "another") is None
    assert batches.find_by_key(ANOTHER_USER, KEY.key) is None
    assert jobs.list_newest(A_USER, START, limit=10, batch_id=batches.new_id()) == []


def test_of_a_taken_key_nothing_is_stored(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = both
    first, made = a_batch(batches, key=KEY)
    batches.add(first, made)
    second, refused = a_batch(batches, key=KEY)
    with pytest.raises(IdempotencyKeyTaken):
        batches.add(second, refused)
    assert batches.find(second.id) is None
    assert [jobs.find(job.id) for job in refused] == [None] * 3
    assert batches.find_by_key(A_USER, KEY.key) == first


def test_another_user_may_take_the_same_key(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, _ = both
    for user in (A_USER, ANOTHER_USER):
        batch, made = a_batch(batches, key=KEY)
        theirs = replace(batch, user_id=user)
        batches.add(theirs, made)
        assert batches.find_by_key(user, KEY.key) == theirs


def test_adding_a_batch_again_is_no_error(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, jobs = both
    batch, made = a_batch(batches)
    for _ in range(2):
        batches.add(batch, made)
    assert len(jobs.list_newest(A_USER, START, limit=10)) == 3


def test_a_released_key_is_free_and_the_batch_stays(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, _ = both
    batch, made = a_batch(batches, key=KEY)
    batches.add(batch, made)
    for _ in range(2):
        batches.release_key(batch)
    assert batches.find(batch.id) == replace(batch, idempotency=None)
    again, more = a_batch(batches, key=KEY)
    batches.add(again, more)
    assert batches.find_by_key(A_USER, KEY.key) == again


def test_a_users_batches_are_removed_up_to_a_moment(both: tuple[BatchRepository, JobRepository]) -> None:
    batches, _ = both
    old, made = a_batch(batches)
    batches.add(old, made)
    new, more = a_batch(batches)
    new = replace(new, created_at=START + timedelta(seconds=1))
    batches.add(new, more)
    batches.remove_all(ANOTHER_USER, START)
    assert batches.find(old.id) == old
    batches.remove_all(A_USER, START)
    assert (batches.find(old.id), batches.find(new.id)) == (None, new)
