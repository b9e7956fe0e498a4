"""Job documents that another tool damaged: each operation skips them or shows them as far as possible."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, MaxKey, ObjectId, Timestamp

from tests.builders import A_USER, a_job, a_started_job, a_step, a_waiting_job
from tests.fakes.clock import START, VirtualClock
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.queue import RecordingQueue
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import to_document
from videojobs.adapters.mongo.jobs import COLLECTION, MongoJobRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.api.views import serialize_jobs
from videojobs.domain.errors import JobNotFound
from videojobs.domain.job import BatchId, JobId, JobStatus, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import Priority
from videojobs.ports.jobs import JobQuery
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.list_jobs import list_jobs
from videojobs.services.measure_delays import measure_delays
from videojobs.services.read_job import read_job
from videojobs.services.reconcile_jobs import reconcile_jobs, resend_dead_letter

SECRET = "a prompt that no log may contain"
YEAR_9999 = datetime(9999, 6, 1, tzinfo=UTC)
DATES = {"text": SECRET, "number": 5, "list": [], "year 9999": YEAR_9999}
"""SecantusDB stores no dates that Python can't represent; tests/unit/adapters/test_stored_values.py has them."""
REQUEST_FIELDS = {
    "prompt": 5,
    "style": ["fun", SECRET],
    "duration": Decimal128("8"),
    "aspectRatio": {"$gt": SECRET},
    "videoUrl": [SECRET],
    "errorMessage": {"text": SECRET},
    "progress": SECRET,
    "output": SECRET,
    "poster": {"bucket": SECRET},
    "preview": 5,
    "error": SECRET,
    "traceparent": 5,
    "seed": 2**32,
    "negativePrompt": 5,
    "sound": SECRET,
    "resolution": SECRET,
    "ignored": SECRET,
}
DECIDING_FIELDS = {
    "status": SECRET,
    "status of no type": 5,
    "userId": SECRET,
    "version": SECRET,
    "attempt": -1,
    "attempt without end": 2**50,
    "next": {"id": "7", "step": "start"},
    "next of another step": {"id": "7", "step": SECRET, "dueAt": START},
    "lease": {"token": "t", "until": SECRET},
    "startedAt": YEAR_9999,
    "provider": "sketch",
    "outbox": [{"at": START, "id": 5}],
    "history": [{"at": START}],
    "history of nothing": None,
    "idempotency": SECRET,
    "expiresAt": SECRET,
    "priority": "urgent",
    "batchId": SECRET,
    "waitingSince": SECRET,
    "deletedAt": SECRET,
    "wantedProvider": 5,
    "production": {"provider": SECRET},
    "passedOver": SECRET,
}


class Database:
    """Collection of jobs that a test damages by hand."""

    def __init__(self, connection: MongoConnection) -> None:
        self.connection = connection
        self.jobs = MongoJobRepository(connection)
        self.clock = VirtualClock()
        self.dispatcher = JobDispatcher(
            jobs=self.jobs,
            slots=MongoSlotRepository(connection, cap=20, maximum_waiting=1000),
            queue=RecordingQueue(),
            notifier=RecordingNotifier(),
            clock=self.clock,
            policy=StepPolicy(),
        )

    def insert(self, job: VideoJob, **damage: Any) -> JobId:
        """Store the job with damaged fields. The name of a field may be followed by a description."""
        document: Document = to_document(job) | {name.partition(" ")[0]: value for name, value in damage.items()}
        self.connection.run(lambda database: database[COLLECTION].insert_one(document))
        return job.id

    def listed(self, **query: Any) -> list[JobId]:
        """Return the IDs of a user's list as it is shown."""
        page, _ = list_jobs(A_USER, JobQuery(**{"limit": 20, **query}), jobs=self.jobs, clock=self.clock)
        serialize_jobs(page, None, sign=str)
        return [job.id for job in page]


@pytest.fixture
def database(connection: MongoConnection) -> Database:
    """Return an empty collection."""
    return Database(connection)


def logged(caplog: pytest.LogCaptureFixture, job_id: JobId) -> int:
    """Return how many lines name the job as malformed, none of which contains its content."""
    assert SECRET not in caplog.text
    assert not any(SECRET in str(vars(record)) for record in caplog.records)
    lines = [record for record in caplog.records if getattr(record, "job_id", None) == job_id]
    return sum(getattr(record, "action", "").startswith("document_") for record in lines)


@pytest.mark.parametrize("field", ["createdAt", "updatedAt"])
@pytest.mark.parametrize("date", DATES.values(), ids=DATES)
def test_malformed_date_is_replaced(
    database: Database, caplog: pytest.LogCaptureFixture, field: str, date: object
) -> None:
    healthy, damaged = database.insert(a_job()), database.insert(a_job(), **{field: date})
    assert set(database.listed()) == {healthy, damaged}
    assert logged(caplog, damaged) == 1
    job = read_job(damaged, user_id=A_USER, jobs=database.jobs, clock=database.clock)
    expected = ObjectId(damaged).generation_time if field == "createdAt" else job.created_at
    assert getattr(job, "created_at" if field == "createdAt" else "updated_at") == expected
    assert logged(caplog, damaged) == 2


@pytest.mark.parametrize("how", ["missing", "null"])
def test_job_without_dates_is_listed_and_not_logged(
    database: Database, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    healthy, damaged = database.insert(a_job()), database.insert(a_job(), createdAt=None, updatedAt=None)
    if how == "missing":
        change = {"$unset": {"createdAt": "", "updatedAt": ""}}
        database.connection.run(lambda mongo: mongo[COLLECTION].update_one({"_id": ObjectId(damaged)}, change))
    assert database.listed() == [healthy, damaged]
    assert logged(caplog, damaged) == 0


@pytest.mark.parametrize("date", [*DATES.values(), None, Timestamp(1, 1), MaxKey()], ids=str)
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_end_and_repeat_no_job(database: Database, date: object, limit: int) -> None:
    dated = [database.insert(a_job(created_at=START - timedelta(seconds=second))) for second in range(3)]
    for _ in range(2):
        database.insert(a_job(), createdAt=date)
    ids: list[JobId] = []
    after = None
    for _ in range(9):
        query = JobQuery(limit=limit, after=after)
        page, after = list_jobs(A_USER, query, jobs=database.jobs, clock=database.clock)
        ids += [job.id for job in page]
        if after is None:
            break
    assert after is None
    assert len(set(ids)) == len(ids)
    assert [job_id for job_id in ids if job_id in dated] == dated


@pytest.mark.parametrize("field", REQUEST_FIELDS)
def test_malformed_field_that_is_only_shown_reads_as_missing(
    database: Database, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    ended = a_job(status=JobStatus.COMPLETED, next=None, outbox=())
    damaged = database.insert(ended, **{field: REQUEST_FIELDS[field]})
    assert database.listed() == [damaged]
    assert logged(caplog, damaged) == 1


@pytest.mark.parametrize("field", REQUEST_FIELDS)
def test_save_leaves_malformed_fields_unchanged(database: Database, field: str) -> None:
    damaged = database.insert(a_job(), **{field: REQUEST_FIELDS[field]})
    job = database.jobs.find(damaged)
    assert job is not None
    assert database.jobs.save(job, job.changed(START))
    document = database.connection.run(lambda mongo: mongo[COLLECTION].find_one({"_id": ObjectId(damaged)}))
    assert document is not None
    assert (document[field], document["version"]) == (REQUEST_FIELDS[field], 2)


@pytest.mark.parametrize("field", DECIDING_FIELDS)
def test_job_with_a_malformed_deciding_field_is_skipped(
    database: Database, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    batch_id = BatchId("6" * 24)
    healthy = database.insert(a_job(batch_id=batch_id))
    damaged = database.insert(a_job(batch_id=batch_id), **{field: DECIDING_FIELDS[field]})
    with pytest.raises(JobNotFound):
        read_job(damaged, user_id=A_USER, jobs=database.jobs, clock=database.clock)
    assert logged(caplog, damaged) == 1
    assert database.listed() == [healthy]
    assert database.listed(batch_id=batch_id) == [healthy]
    assert not resend_dead_letter(damaged, "7", dispatcher=database.dispatcher)
    assert logged(caplog, damaged) <= 4


EVERY_DAMAGE = {**REQUEST_FIELDS, **DECIDING_FIELDS, "createdAt": SECRET, "updatedAt": YEAR_9999}


@pytest.mark.parametrize("field", EVERY_DAMAGE)
def test_sweep_continues_with_the_other_jobs(database: Database, caplog: pytest.LogCaptureFixture, field: str) -> None:
    kinds: list[Callable[[], VideoJob]] = [
        lambda: a_job(next=None),
        lambda: a_started_job(Step.POLL, next=a_step(Step.POLL, due_in_seconds=-100)),
        lambda: a_waiting_job(user_id=A_USER),
        lambda: a_job(status=JobStatus.CANCELLED, next=a_step(Step.CLEAN_UP, due_in_seconds=-100)),
    ]
    for kind in kinds:
        damaged = kind()
        database.insert(damaged, **{field: EVERY_DAMAGE[field]})
        database.dispatcher.slots.acquire(A_USER, Priority.NORMAL, [damaged.id], START - timedelta(hours=1))
    healthy = [database.insert(kind()) for kind in kinds]
    database.clock.advance(minutes=10)
    measure_delays(jobs=database.jobs, clock=database.clock)
    counts = reconcile_jobs(dispatcher=database.dispatcher)
    assert counts["adopted"] >= 1
    assert counts["resent"] >= 2
    waiting = database.jobs.find(healthy[2])
    assert waiting is not None
    assert waiting.waiting_since is None
    assert logged(caplog, damaged.id) > 0


def test_malformed_job_at_the_head_of_the_queue_hides_no_other(database: Database) -> None:
    for second in range(3):
        database.insert(a_job(next=a_step(due_in_seconds=second - 9)), lease={"token": 5})
    first, last = (database.insert(a_job(next=a_step(due_in_seconds=second))) for second in (1, 2))
    for second in range(3):
        database.insert(a_job(next=a_step(due_in_seconds=second + 9)), lease={"token": 5})
    assert [job.id for job in database.jobs.find_startable()] == [first, last]


def test_document_without_an_object_id_is_skipped(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    healthy = database.insert(a_job())
    database.insert(a_job(), _id="7")
    assert database.listed() == [healthy]
    assert logged(caplog, JobId("7")) == 1
