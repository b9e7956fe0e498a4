"""Documents of the Express server: they are read and shown, and unfinished jobs are completed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Int64, ObjectId

from tests.builders import A_USER
from tests.fakes.clock import START, VirtualClock
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.provider import ScriptedProvider, only
from tests.fakes.queue import RecordingQueue
from tests.fakes.store import InMemoryVideoStore
from videojobs.adapters.mongo.circuits import MongoCircuitRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import COLLECTION, MongoJobRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.adapters.mongo.timings import MongoTimingRepository
from videojobs.api.views import serialize_job
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.read_job import read_job
from videojobs.services.reconcile_jobs import reconcile_jobs
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step

CREATED = datetime(2025, 12, 1, 9, 30, 0, 123_000, tzinfo=UTC)


class Express:
    """Simulation of the former Express server: writes and reads its documents."""

    def __init__(self, connection: MongoConnection) -> None:
        self._connection = connection

    def write(self, without: tuple[str, ...] = (), **changes: Any) -> JobId:
        """Store a job in the form of Mongoose, with `changes` and without the fields `without`. Return its ID."""
        document = {
            "_id": ObjectId(),
            "userId": ObjectId(A_USER),
            "prompt": "A cat on a surfboard",
            "style": "fun",
            "duration": 8,
            "aspectRatio": "16:9",
            "status": "completed",
            "videoUrl": "https://mock-videos.eirthlink.com/videos/1.mp4",
            "errorMessage": None,
            "createdAt": CREATED,
            "updatedAt": CREATED + timedelta(seconds=5),
            "__v": 0,
        } | changes
        stored = {name: value for name, value in document.items() if name not in without}
        self._connection.run(lambda database: database[COLLECTION].insert_one(stored))
        return JobId(str(document["_id"]))

    def read(self, job_id: JobId) -> dict[str, Any]:
        """Return the stored document of the job."""
        document = self._connection.run(lambda database: database[COLLECTION].find_one({"_id": ObjectId(job_id)}))
        assert document is not None
        return document


@pytest.fixture
def express(connection: MongoConnection) -> Express:
    """Return the former server on the same database."""
    return Express(connection)


@pytest.fixture
def jobs(connection: MongoConnection) -> MongoJobRepository:
    """Return the repository of the current code."""
    return MongoJobRepository(connection)


def answer(jobs: MongoJobRepository, job_id: JobId) -> dict[str, Any]:
    """Return the data that `GET /api/videos/{jobId}` returns for the job."""
    job = read_job(job_id, user_id=A_USER, jobs=jobs, clock=VirtualClock())
    return dict(serialize_job(job, sign=lambda url: f"signed:{url}")["data"])


def test_finished_job_is_shown_as_before(express: Express, jobs: MongoJobRepository) -> None:
    job_id = express.write()
    assert answer(jobs, job_id) == {
        "jobId": job_id,
        "status": "completed",
        "videoUrl": "https://mock-videos.eirthlink.com/videos/1.mp4",
        "errorMessage": None,
        "prompt": "A cat on a surfboard",
        "style": "fun",
        "duration": 8,
        "aspectRatio": "16:9",
        "createdAt": "2025-12-01T09:30:00.123Z",
        "updatedAt": "2025-12-01T09:30:05.123Z",
        "progress": None,
        "posterUrl": None,
        "previewUrl": None,
        "priority": "normal",
        "batchId": None,
        "estimatedSecondsLeft": None,
        "queuePosition": None,
        "version": 0,
        "provider": None,
        "promptShortened": False,
        "output": None,
        "estimatedCost": None,
        "actualCost": None,
        "seed": None,
        "negativePrompt": None,
        "sound": False,
        "resolution": "720p",
        "ignored": [],
    }


@pytest.mark.parametrize(
    ("stored", "shown"), [(8, 8), (8.0, 8), (2.5, 2.5), (Int64(8), 8)], ids=["int32", "double", "fraction", "int64"]
)
def test_duration_can_have_any_number_type_of_mongodb(
    express: Express, jobs: MongoJobRepository, stored: float, shown: float
) -> None:
    assert answer(jobs, express.write(duration=stored))["duration"] == shown


@pytest.mark.parametrize("status", ["queued", "processing", "completed", "failed"])
def test_every_status_is_readable(express: Express, jobs: MongoJobRepository, status: str) -> None:
    assert answer(jobs, express.write(status=status))["status"] == status


@pytest.mark.parametrize(
    "field", ["videoUrl", "errorMessage", "prompt", "style", "duration", "aspectRatio", "updatedAt"]
)
@pytest.mark.parametrize("how", ["missing", "null"])
def test_job_with_an_empty_field_is_readable(express: Express, jobs: MongoJobRepository, field: str, how: str) -> None:
    job_id = express.write(without=(field,)) if how == "missing" else express.write(**{field: None})
    assert answer(jobs, job_id)[field] == ("2025-12-01T09:30:00.123Z" if field == "updatedAt" else None)


def test_creation_time_is_derived_from_the_id_if_it_is_missing(express: Express, jobs: MongoJobRepository) -> None:
    job_id = ObjectId.from_datetime(CREATED)
    express.write(_id=job_id, without=("createdAt", "updatedAt"))
    shown = answer(jobs, JobId(str(job_id)))
    assert shown["createdAt"] == shown["updatedAt"] == "2025-12-01T09:30:00.000Z"


def test_unknown_fields_are_ignored_and_kept(express: Express, jobs: MongoJobRepository) -> None:
    job_id = express.write(status="queued", videoUrl=None, note={"by": "hand"})
    job = jobs.find(job_id)
    assert job is not None
    assert jobs.save(job, job.changed(START, progress=0.5))
    assert (express.read(job_id)["note"], express.read(job_id)["__v"]) == ({"by": "hand"}, 0)


@pytest.mark.parametrize("duration", [8.0, Int64(8), 2.5])
def test_save_of_other_fields_keeps_the_number_type(
    express: Express, jobs: MongoJobRepository, duration: float
) -> None:
    job_id = express.write(status="queued", duration=duration)
    job = jobs.find(job_id)
    assert job is not None
    assert jobs.save(job, job.changed(START, progress=0.5))
    stored = express.read(job_id)["duration"]
    assert (stored, type(stored)) == (duration, type(duration))


def bring_to_an_end(connection: MongoConnection, jobs: MongoJobRepository, job_id: JobId) -> VideoJob:
    """Reconcile once, deliver messages until the queue is empty, and return the job."""
    queue, notifier, clock, policy = RecordingQueue(), RecordingNotifier(), VirtualClock(), StepPolicy()
    slots = MongoSlotRepository(connection, cap=20, maximum_waiting=1000)
    dispatcher = JobDispatcher(jobs=jobs, slots=slots, queue=queue, notifier=notifier, clock=clock, policy=policy)
    reconcile_jobs(dispatcher=dispatcher)
    router = ProviderRouter(only(ScriptedProvider()), MongoCircuitRepository(connection))
    while messages := queue.drain():
        for message in messages:
            clock.advance(message.delay_seconds)
            run_step(
                message.job_id,
                message.step_id,
                dispatcher=dispatcher,
                router=router,
                store=InMemoryVideoStore(),
                timings=MongoTimingRepository(connection),
            )
    job = jobs.find(job_id)
    assert job is not None
    return job


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_an_unfinished_job_is_adopted_and_completed(
    express: Express, connection: MongoConnection, jobs: MongoJobRepository, status: str
) -> None:
    job_id = express.write(status=status, videoUrl=None)
    done = bring_to_an_end(connection, jobs, job_id)
    assert (done.status, done.video_url) == (JobStatus.COMPLETED, "https://provider.test/result.mp4")
    assert express.read(job_id)["createdAt"] == CREATED


@pytest.mark.parametrize(
    "wish", [{"style": "sepia"}, {"duration": None}, {"aspectRatio": "2:1"}, {"prompt": ""}], ids=str
)
def test_unfinished_job_with_invalid_fields_fails_with_a_message(
    express: Express, connection: MongoConnection, jobs: MongoJobRepository, wish: dict[str, Any]
) -> None:
    failed = bring_to_an_end(connection, jobs, express.write(status="processing", videoUrl=None, **wish))
    assert failed.status is JobStatus.FAILED
    assert failed.error_message is not None
    assert answer(jobs, failed.id)["status"] == "failed"


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_finished_job_is_never_changed(
    express: Express, connection: MongoConnection, jobs: MongoJobRepository, status: str
) -> None:
    job_id = express.write(status=status)
    before = express.read(job_id)
    bring_to_an_end(connection, jobs, job_id)
    assert express.read(job_id) == before


@pytest.mark.parametrize(
    "damage",
    [{"next": {"id": "of a hand"}}, {"lease": {}}, {"history": [{"at": CREATED}]}, {"provider": "sketch"}],
    ids=["a step without a time", "a lease of nothing", "a history of no status", "a provider that is a word"],
)
def test_damaged_document_does_not_block_the_sweep(
    express: Express, connection: MongoConnection, jobs: MongoJobRepository, damage: dict[str, Any]
) -> None:
    for _ in range(2):
        express.write(status="queued", **damage)
    healthy = express.write(status="queued", videoUrl=None)
    assert bring_to_an_end(connection, jobs, healthy).status is JobStatus.COMPLETED
