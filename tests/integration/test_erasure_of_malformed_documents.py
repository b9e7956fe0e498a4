"""An erasure ends when no document and no object of the user is left, even if another tool damaged the documents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import MaxKey, ObjectId, Timestamp

from tests.builders import A_USER, ANOTHER_USER, a_cancelled_job, a_job, an_id
from tests.fakes.clock import START, VirtualClock
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.queue import RecordingQueue
from tests.fakes.store import InMemoryVideoStore
from videojobs.adapters.mongo.batches import COLLECTION as BATCHES
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.documents import to_document
from videojobs.adapters.mongo.erasures import MongoErasureRepository
from videojobs.adapters.mongo.jobs import COLLECTION, MongoJobRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports.erasures import Erasure
from videojobs.services.erase_videos import PAGE, erase_videos
from videojobs.services.job_dispatcher import JobDispatcher

NOW = START + timedelta(days=1)
UNDATED: dict[str, Any] = {
    "null": None,
    "text": "2026-11-01T00:00:00Z",
    "number": 5,
    "list": [START],
    "timestamp": Timestamp(1, 1),
    "maximum": MaxKey(),
    "next year": NOW + timedelta(days=365),
    "year 9999": datetime(9999, 12, 31, 23, tzinfo=UTC),
}
DAMAGE: dict[str, Any] = {
    "status": "done",
    "attempt": "two",
    "next": {"id": "7"},
    "lease": {"token": 5},
    "expiresAt": "tomorrow",
    "deletedAt": "yesterday",
    "batchId": 5,
    "production": 5,
}


class System:
    """Repositories of the reconciler on MongoDB, with a bucket in memory."""

    def __init__(self, connection: MongoConnection) -> None:
        self.connection, self.store, self.clock = connection, InMemoryVideoStore(), VirtualClock()
        self.clock.advance(days=1)
        self.erasures = MongoErasureRepository(connection)
        self.jobs = MongoJobRepository(connection)
        self.dispatcher = JobDispatcher(
            jobs=self.jobs,
            slots=MongoSlotRepository(connection, cap=2, maximum_waiting=1000),
            queue=RecordingQueue(),
            notifier=RecordingNotifier(),
            clock=self.clock,
            policy=StepPolicy(),
        )

    def insert(self, job: VideoJob, without: str = "", **damage: Any) -> JobId:
        """Store a job with damaged fields, and an object of its first attempt."""
        document = to_document(job) | damage
        document.pop(without, None)
        self.connection.run(lambda database: database[COLLECTION].insert_one(document))
        self.store.objects[f"videos/{job.id}/1.mp4"] = b"video"
        return job.id

    def erase(self) -> bool:
        """Erase what the user has at `NOW`, as the reconciler does."""
        return erase_videos(
            Erasure(A_USER, NOW),
            until=self.clock.now() + timedelta(seconds=15),
            dispatcher=self.dispatcher,
            batches=MongoBatchRepository(self.connection),
            erasures=self.erasures,
            store=self.store,
        )

    def ids(self) -> set[str]:
        """Return the IDs of all stored jobs."""
        return self.connection.run(
            lambda database: {str(it["_id"]) for it in database[COLLECTION].find({}, {"_id": 1})}
        )


@pytest.fixture
def system(connection: MongoConnection) -> System:
    """Return a system with a job of another user."""
    system = System(connection)
    system.insert(a_job(id=OTHERS, user_id=ANOTHER_USER), createdAt=None)
    return system


OTHERS = an_id()


def assert_nothing_is_left(system: System) -> None:
    assert system.ids() == {OTHERS}
    assert list(system.store.objects) == [f"videos/{OTHERS}/1.mp4"]
    assert list(system.erasures.find_all(9)) == []


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.QUEUED])
@pytest.mark.parametrize("date", UNDATED.values(), ids=UNDATED)
def test_job_with_a_malformed_time_of_creation_is_removed(system: System, date: object, status: JobStatus) -> None:
    step = a_job().next if status is JobStatus.QUEUED else None
    system.insert(a_job(status=status, next=step), createdAt=date)
    assert system.erase()
    assert_nothing_is_left(system)


def test_job_without_a_time_of_creation_is_removed(system: System) -> None:
    system.insert(a_job(), without="createdAt")
    assert system.erase()
    assert_nothing_is_left(system)


@pytest.mark.parametrize("field", DAMAGE)
def test_malformed_job_is_removed_with_its_objects(system: System, field: str) -> None:
    job_id = system.insert(a_job(), **{field: DAMAGE[field]})
    system.store.objects |= {f"videos/{job_id}/1000.part12.mp4": b"part", f"videos/{job_id}/2.webp": b"preview"}
    assert system.erase()
    assert_nothing_is_left(system)


def test_job_without_an_object_id_is_removed_and_no_object_of_another_job(system: System) -> None:
    job = a_job()
    system.connection.run(lambda database: database[COLLECTION].insert_one(to_document(job) | {"_id": OTHERS}))
    assert system.erase()
    assert_nothing_is_left(system)


def test_job_with_a_user_id_stored_as_text_is_removed(system: System) -> None:
    system.insert(a_job(), userId=A_USER)
    assert system.erase()
    assert_nothing_is_left(system)


def test_more_malformed_jobs_than_a_page_are_removed(system: System) -> None:
    for number in range(2 * PAGE + 1):
        system.insert(a_job(), **({"status": "done"} if number % 2 else {"createdAt": None}))
    assert system.erase()
    assert_nothing_is_left(system)


def test_expired_job_that_mongodb_has_not_removed_yet_is_removed(system: System) -> None:
    system.insert(a_job(status=JobStatus.COMPLETED, next=None, expires_at=START))
    assert system.erase()
    assert_nothing_is_left(system)


def test_erasure_waits_for_the_clean_up_of_a_job_at_a_provider(system: System) -> None:
    job_id = system.insert(a_cancelled_job())
    assert not system.erase()
    assert system.ids() == {job_id, OTHERS}
    assert list(system.erasures.find_all(9)) == [(A_USER, NOW)]
    assert system.jobs.list_newest(A_USER, NOW, limit=9) == []


def test_removal_that_was_interrupted_is_completed(system: System) -> None:
    job = a_cancelled_job(provider=None, deleted_at=START)
    system.insert(job)
    system.insert(a_job(status=JobStatus.FAILED, next=None, deleted_at=START))
    assert system.erase()
    assert_nothing_is_left(system)


def test_job_submitted_after_the_request_is_kept(system: System) -> None:
    later = a_job(id=JobId(str(ObjectId.from_datetime(NOW))), created_at=NOW + timedelta(milliseconds=1))
    system.insert(later)
    assert system.erase()
    assert system.ids() == {later.id, OTHERS}


@pytest.mark.parametrize("date", UNDATED.values(), ids=UNDATED)
def test_batch_with_a_malformed_time_of_creation_is_removed(system: System, date: object) -> None:
    document = {"_id": ObjectId(), "userId": ObjectId(A_USER), "jobIds": 5, "createdAt": date}
    system.connection.run(lambda database: database[BATCHES].insert_one(document))
    assert MongoBatchRepository(system.connection).find(document["_id"]) is None
    assert system.erase()
    assert system.connection.run(lambda database: database[BATCHES].count_documents({})) == 0


def test_malformed_erasure_stops_no_other(system: System) -> None:
    system.erasures.add(A_USER, NOW)
    damaged = [{"_id": ObjectId(), "createdBefore": "now"}, {"_id": "x", "createdBefore": NOW}]
    system.connection.run(lambda database: database["erasures"].insert_many(damaged))
    assert list(system.erasures.find_all(1)) == [(A_USER, NOW)]
