"""Every query of the repository uses an index, so its cost does not grow with the number of jobs."""

from collections.abc import Callable, Mapping
from copy import replace
from typing import Any

import pytest
from pymongo.database import Database

from tests.builders import A_USER, a_job, a_lease, a_started_job, a_waiting_job, an_id
from tests.fakes.clock import START
from tests.integration.recorder import RECORDER
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.connections import MongoConnectionRepository
from videojobs.adapters.mongo.indexes import INDEXES, ensure_indexes
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.domain.job import BatchId, IdempotencyKey, JobStatus, VideoJob
from videojobs.domain.request import Priority
from videojobs.ports.jobs import Position

LAST = Position(START, an_id())
A_BATCH = BatchId("6" * 24)
JOB = a_started_job(idempotency=IdempotencyKey("key", "f"))


@pytest.fixture
def jobs(connection: MongoConnection) -> MongoJobRepository:
    """Return a repository with 21 jobs, one of which is `JOB`."""
    repository = MongoJobRepository(connection)
    for job in (JOB, *(a_job() for _ in range(20))):
        repository.add(job)
    return repository


BY_ID: dict[str, Callable[[MongoJobRepository], object]] = {
    "find": lambda jobs: jobs.find(JOB.id),
    "claim": lambda jobs: jobs.claim(JOB.id, JOB.next.id if JOB.next else "", a_lease(), START),
    "save": lambda jobs: jobs.save(JOB, replace(JOB, progress=0.5)),
    "release_key": lambda jobs: jobs.release_key(JOB),
    "mark_announced": lambda jobs: jobs.mark_announced(JOB.id, JOB.outbox),
}
BY_INDEX: dict[str, tuple[Callable[[MongoJobRepository], object], str]] = {
    "find_unadopted": (lambda jobs: jobs.find_unadopted(START, 10), "sweep"),
    "find_overdue": (lambda jobs: jobs.find_overdue(START, START, 10), "sweep"),
    "find_unannounced": (lambda jobs: jobs.find_unannounced(START, 10), "outbox"),
    "list_newest": (lambda jobs: jobs.list_newest(A_USER, START, limit=10), "user_newest"),
    "list_newest, a later page": (lambda jobs: jobs.list_newest(A_USER, START, limit=10, after=LAST), "user_newest"),
    "list_newest, of a status": (
        lambda jobs: jobs.list_newest(A_USER, START, limit=10, status=JobStatus.FAILED, after=LAST),
        "user_status",
    ),
    "list_newest, of a batch": (
        lambda jobs: jobs.list_newest(A_USER, START, limit=10, batch_id=A_BATCH, after=LAST),
        "user_batch",
    ),
    "find_waiting": (lambda jobs: jobs.find_waiting(A_USER, Priority.NORMAL), "waiting"),
    "list_waiting": (lambda jobs: jobs.list_waiting(A_USER, Priority.NORMAL, 10), "waiting"),
}


def filters(commands: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the filters of find and update commands."""
    return [
        dict(query)
        for command in commands
        for query in ([command["filter"]] if "find" in command else [update["q"] for update in command["updates"]])
    ]


def stages(plan: Any) -> list[Mapping[str, Any]]:
    """Return all stages of a query plan, the outermost first."""
    return [plan, *stages(plan["inputStage"])] if "inputStage" in plan else [plan]


@pytest.mark.parametrize("call", BY_ID.values(), ids=BY_ID.keys())
def test_calls_for_one_job_query_its_id_only(
    jobs: MongoJobRepository, call: Callable[[MongoJobRepository], object]
) -> None:
    with RECORDER.listening() as heard:
        call(jobs)
    assert filters(heard)
    for query in filters(heard):
        # With an additional `$or`, SecantusDB scans the collection. `explain` reports a scan for any second field.
        assert str(query["_id"]) == JOB.id
        assert not [name for name in query if name.startswith("$")]


@pytest.mark.parametrize(("call", "index"), BY_INDEX.values(), ids=BY_INDEX.keys())
def test_a_sweep_reads_its_index(
    jobs: MongoJobRepository,
    connection: MongoConnection,
    call: Callable[[MongoJobRepository], object],
    index: str,
) -> None:
    with RECORDER.listening() as heard:
        call(jobs)
    finds = [command for command in heard if "find" in command]
    assert finds
    for command in finds:
        query = {name: command[name] for name in ("find", "filter", "sort", "limit") if name in command}
        plan = connection.run(lambda database, query=query: database.command({"explain": query}))
        scans = [stage for stage in stages(plan["queryPlanner"]["winningPlan"]) if stage["stage"].endswith("SCAN")]
        assert [(stage["stage"], stage["indexName"]) for stage in scans] == [("IXSCAN", index)]


@pytest.mark.parametrize(
    ("job", "index"), [(a_waiting_job(), "waiting"), (a_job(), "sweep")], ids=["waiting", "queued"]
)
def test_queue_position_is_counted_in_an_index(
    jobs: MongoJobRepository, connection: MongoConnection, job: VideoJob, index: str
) -> None:
    with RECORDER.listening() as heard:
        jobs.count_ahead(job, 1000)
    names = ("aggregate", "pipeline", "cursor")
    counts = [{name: command[name] for name in names} for command in heard if "aggregate" in command]
    assert counts
    plans = connection.run(lambda database: [database.command({"explain": count}) for count in counts])
    for plan in plans:
        scans = [stage for stage in stages(plan["queryPlanner"]["winningPlan"]) if stage["stage"].endswith("SCAN")]
        assert [(stage["stage"], stage["indexName"]) for stage in scans] == [("IXSCAN", index)]


def test_unchecked_slots_are_found_by_an_index(connection: MongoConnection) -> None:
    with RECORDER.listening() as heard:
        MongoSlotRepository(connection, cap=3, maximum_waiting=1000).find_unchecked(START, 10)
    [query] = filters(heard)
    plan = connection.run(lambda database: database["shares"].find(query).explain())
    scans = [stage for stage in stages(plan["queryPlanner"]["winningPlan"]) if stage["stage"].endswith("SCAN")]
    assert [stage["indexName"] for stage in scans] == ["checked"]


BY_PARTIAL_INDEX: dict[tuple[str, str], Callable[[MongoConnection], object]] = {
    ("videojobs", "idempotency"): lambda connection: MongoJobRepository(connection).find_by_key(A_USER, "key"),
    ("batches", "idempotency"): lambda connection: MongoBatchRepository(connection).find_by_key(A_USER, "key"),
}


def test_every_partial_index_has_a_query_below() -> None:
    partial = {
        (collection, index.document["name"])
        for collection, indexes in INDEXES.items()
        for index in indexes
        if "partialFilterExpression" in index.document
    }
    assert partial == BY_PARTIAL_INDEX.keys()


@pytest.mark.parametrize(("collection", "index"), BY_PARTIAL_INDEX)
def test_a_filter_implies_the_expression_of_its_partial_index(
    connection: MongoConnection, collection: str, index: str
) -> None:
    # MongoDB uses a partial index only if the filter implies its expression.
    # Source: https://www.mongodb.com/docs/manual/core/index-partial/#query-coverage
    with RECORDER.listening() as heard:
        BY_PARTIAL_INDEX[collection, index](connection)
    [model] = [model.document for model in INDEXES[collection] if model.document["name"] == index]
    assert filters(heard)
    for query in filters(heard):
        assert set(query) == set(model["key"])
        for field, condition in model["partialFilterExpression"].items():
            assert condition == {"$exists": True}
            assert isinstance(query[field], str), "only equality with a value that is not null implies $exists"


def test_a_users_newest_jobs_are_served_by_an_index(connection: MongoConnection) -> None:
    plan = connection.run(
        lambda database: database["videojobs"].find({"userId": 1}).sort({"createdAt": -1, "_id": -1}).explain()
    )
    scans = [stage for stage in stages(plan["queryPlanner"]["winningPlan"]) if stage["stage"].endswith("SCAN")]
    assert [stage["indexName"] for stage in scans] == ["user_newest"]


def test_a_users_connections_are_served_by_the_index_of_their_slots(connection: MongoConnection) -> None:
    with RECORDER.listening() as heard:
        MongoConnectionRepository(connection).find_of_user(A_USER)
    [query] = filters(heard)
    plan = connection.run(lambda database: database["connections"].find(query).explain())
    scans = [stage for stage in stages(plan["queryPlanner"]["winningPlan"]) if stage["stage"].endswith("SCAN")]
    assert [stage["indexName"] for stage in scans] == ["user_slot"]


def test_connections_and_tickets_expire_by_ttl_index(connection: MongoConnection) -> None:
    names = ("connections", "tickets")
    indexes = connection.run(lambda database: [database[name].index_information() for name in names])
    assert [index["expiry"]["expireAfterSeconds"] for index in indexes] == [600, 0]
    assert indexes[0]["user_slot"]["unique"] is True


def test_indexes_match_the_design(connection: MongoConnection) -> None:
    indexes = connection.run(lambda database: database["videojobs"].index_information())
    keys = {name: index["key"] for name, index in indexes.items()}
    assert keys == {
        "_id_": [("_id", 1)],
        "status_age": [("status", 1), ("createdAt", 1)],
        "user_newest": [("userId", 1), ("createdAt", -1), ("_id", -1)],
        "user_status": [("userId", 1), ("status", 1), ("createdAt", -1), ("_id", -1)],
        "user_batch": [("userId", 1), ("batchId", 1), ("createdAt", -1), ("_id", -1)],
        "waiting": [("userId", 1), ("priority", 1), ("waitingSince", 1), ("_id", 1)],
        "sweep": [("status", 1), ("next.dueAt", 1)],
        "idempotency": [("userId", 1), ("idempotency.key", 1)],
        "outbox": [("outbox.at", 1)],
        "expiry": [("expiresAt", 1)],
    }
    assert indexes["idempotency"]["unique"] is True
    assert indexes["idempotency"]["partialFilterExpression"] == {"idempotency.key": {"$exists": True}}
    assert indexes["expiry"]["expireAfterSeconds"] == 0


def test_creating_the_indexes_is_idempotent(connection: MongoConnection) -> None:
    def look(database: Database[Document]) -> dict[str, dict[str, Any]]:
        return {name: dict(database[name].index_information()) for name in INDEXES}

    before = connection.run(look)
    names = connection.run(ensure_indexes)
    assert sorted(names) == sorted(name for indexes in before.values() for name in indexes if name != "_id_")
    assert connection.run(look) == before
