"""Malformed documents of the collections around the jobs: each reads as if it did not exist, and is logged once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from tests.builders import A_USER, ANOTHER_USER
from tests.fakes.clock import START
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.circuits import MongoCircuitRepository
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.connections import MongoConnectionRepository, MongoTicketRepository
from videojobs.adapters.mongo.erasures import MongoErasureRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.adapters.mongo.submissions import MongoSubmissionRepository
from videojobs.adapters.mongo.timings import MongoTimingRepository
from videojobs.adapters.mongo.webhooks import MongoWebhookRepository
from videojobs.domain.circuit import Circuit
from videojobs.domain.job import BatchId, UserId
from videojobs.domain.realtime import ConnectionId
from videojobs.domain.request import Priority
from videojobs.domain.submissions import OPEN
from videojobs.domain.webhook import EndpointId

SECRET = "a text that no log may contain"
LATER = START + timedelta(hours=1)
BATCH = ObjectId("6" * 24)
WELL_FORMED: dict[str, Document] = {
    "batches": {"_id": BATCH, "userId": ObjectId(A_USER), "jobIds": [BATCH], "createdAt": START, "expiresAt": LATER},
    "circuits": {"_id": "fal", "failures": 5, "opened": 1, "openUntil": LATER, "version": 7},
    "connections": {"_id": "c-1", "userId": ObjectId(A_USER), "expiresAt": LATER, "allJobs": True, "jobIds": []},
    "tickets": {"_id": "digest", "userId": ObjectId(A_USER), "sessionExpiresAt": LATER, "expiresAt": LATER},
    "erasures": {"_id": ObjectId(A_USER), "createdBefore": START},
    "shares": {"_id": f"{A_USER}:normal", "active": ["6" * 24], "changedAt": START, "checkedAt": START},
    "intake": {"_id": "switch", "pausedAt": START, "reason": "upgrade", "retryAfterSeconds": 60},
    "timings": {"_id": "fun:8", "seconds": [3.0, 4.0]},
    "webhooks": {"_id": "endpoint", "goneUntil": LATER},
}
READS: dict[str, tuple[Callable[[MongoConnection], Any], Any]] = {
    "batches": (lambda mongo: MongoBatchRepository(mongo).find(BatchId(str(BATCH))), None),
    "circuits": (lambda mongo: MongoCircuitRepository(mongo).find("fal"), Circuit("fal")),
    "connections": (lambda mongo: MongoConnectionRepository(mongo).find(ConnectionId("c-1")), None),
    "tickets": (lambda mongo: MongoTicketRepository(mongo).redeem("digest", START), None),
    "erasures": (lambda mongo: list(MongoErasureRepository(mongo).find_all(9)), []),
    "shares": (
        lambda mongo: list(MongoSlotRepository(mongo, cap=2, maximum_waiting=1000).find_unchecked(LATER, 9)),
        [],
    ),
    "intake": (lambda mongo: MongoSubmissionRepository(mongo).read(START), OPEN),
    "timings": (lambda mongo: MongoTimingRepository(mongo).usual_seconds("fun:8"), None),
    "webhooks": (lambda mongo: MongoWebhookRepository(mongo).find_gone_until(EndpointId("endpoint")), None),
}
DAMAGE: list[tuple[str, str, Any]] = [
    ("batches", "userId", SECRET),
    ("batches", "jobIds", [SECRET]),
    ("batches", "createdAt", None),
    ("batches", "expiresAt", SECRET),
    ("batches", "idempotency", {"key": SECRET}),
    ("circuits", "failures", SECRET),
    ("circuits", "openUntil", SECRET),
    ("circuits", "version", None),
    ("connections", "userId", None),
    ("connections", "expiresAt", SECRET),
    ("connections", "jobIds", SECRET),
    ("tickets", "userId", SECRET),
    ("tickets", "sessionExpiresAt", None),
    ("erasures", "createdBefore", SECRET),
    ("erasures", "createdBefore", START.replace(year=9000)),
    ("shares", "active", SECRET),
    ("shares", "changedAt", None),
    ("shares", "waitingAt", SECRET),
    ("shares", "waiting", [SECRET]),
    ("timings", "seconds", [3.0, SECRET]),
    ("timings", "seconds", []),
    ("webhooks", "goneUntil", SECRET),
]


def insert(mongo: MongoConnection, collection: str, document: Document) -> None:
    mongo.run(lambda database: database[collection].insert_one(document))


@pytest.mark.parametrize("collection", READS)
def test_well_formed_document_is_read(connection: MongoConnection, collection: str) -> None:
    insert(connection, collection, dict(WELL_FORMED[collection]))
    read, without = READS[collection]
    assert read(connection) != without


@pytest.mark.parametrize(("collection", "field", "value"), DAMAGE)
def test_malformed_document_reads_as_missing(
    connection: MongoConnection, caplog: pytest.LogCaptureFixture, collection: str, field: str, value: object
) -> None:
    insert(connection, collection, {**WELL_FORMED[collection], field: value})
    read, without = READS[collection]
    assert read(connection) == without
    [record] = [record for record in caplog.records if getattr(record, "action", "") == "document_unreadable"]
    assert SECRET not in str(vars(record))


@pytest.mark.parametrize("field", ["pausedAt", "reason", "retryAfterSeconds"])
def test_malformed_pause_is_a_pause(connection: MongoConnection, caplog: pytest.LogCaptureFixture, field: str) -> None:
    insert(connection, "intake", {**WELL_FORMED["intake"], field: [SECRET]})
    assert MongoSubmissionRepository(connection).read(START).is_paused
    [record] = [record for record in caplog.records if getattr(record, "action", "") == "document_repaired"]
    assert SECRET not in str(vars(record))


def test_malformed_connection_stops_no_message_to_the_others(connection: MongoConnection) -> None:
    insert(connection, "connections", {**WELL_FORMED["connections"], "slot": 0})
    insert(connection, "connections", {**WELL_FORMED["connections"], "_id": "c-2", "slot": 1, "jobIds": SECRET})
    assert [it.id for it in MongoConnectionRepository(connection).find_of_user(A_USER)] == ["c-1"]


@pytest.mark.parametrize("key", [f"{A_USER}:urgent", "x:normal", A_USER])
def test_malformed_slots_stop_no_check_of_the_others(connection: MongoConnection, key: str) -> None:
    insert(connection, "shares", {**WELL_FORMED["shares"], "_id": key, "checkedAt": datetime(2000, 1, 1, tzinfo=UTC)})
    insert(connection, "shares", {**WELL_FORMED["shares"], "_id": f"{ANOTHER_USER}:high"})
    [slots] = MongoSlotRepository(connection, cap=2, maximum_waiting=1000).find_unchecked(LATER, 1)
    assert (slots.user_id, slots.priority) == (UserId(ANOTHER_USER), Priority.HIGH)
