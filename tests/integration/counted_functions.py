"""The functions of this process on MongoDB, behind a proxy that counts the commands that the server executes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.builders import a_job
from tests.fakes.broadcaster import RecordingBroadcaster
from tests.fakes.clock import VirtualClock
from tests.faults.proxy import LossyProxy
from tests.functions.system_under_test import USER, Response, SystemUnderTest, an_api
from tests.functions.test_realtime import Live
from videojobs import bootstrap
from videojobs.adapters.mongo.batches import MongoBatchRepository
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.connections import MongoConnectionRepository, MongoTicketRepository
from videojobs.adapters.mongo.erasures import MongoErasureRepository
from videojobs.adapters.mongo.indexes import INDEXES, ensure_indexes
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.mongo.rates import MongoRateLimiter
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.adapters.mongo.submissions import MongoSubmissionRepository
from videojobs.adapters.mongo.timings import MongoTimingRepository
from videojobs.adapters.reads import LocalFirstReadLimiter
from videojobs.domain.estimate import timing_kind
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.observability import logger

OWN = {"user_id": USER}
ENDED = {"status": JobStatus.COMPLETED, "next": None, "outbox": (), "video_url": "https://videos.example.com/1.mp4"}
OF_CONNECTIONS = {"hello", "isMaster", "ismaster", "ping", "buildInfo", "saslStart", "saslContinue", "endSessions", ""}
ACTIVE, WAITING = 2, 3

type Call = Callable[[], Any]


@dataclass
class Counted:
    """The functions on MongoDB, behind a proxy that counts."""

    sut: SystemUnderTest
    live: Live
    connection: MongoConnection
    proxy: LossyProxy

    def reset(self) -> None:
        """Delete all documents, and read what warm functions have in their caches."""
        for name in INDEXES:
            self.connection.run(lambda database, name=name: database[name].delete_many({}))
        self.connection.run(lambda database: database["intake"].delete_many({}))
        self.sut.settings = an_api()
        self.sut.rates = MongoRateLimiter(self.connection)  # type: ignore[assignment]
        self.sut.reads = LocalFirstReadLimiter(self.sut.rates)
        self.sut.submissions = MongoSubmissionRepository(self.connection)  # type: ignore[assignment]
        self.sut.submissions.read(self.sut.clock.now())
        self.live.broadcaster = RecordingBroadcaster()

    def put(self, job: VideoJob) -> VideoJob:
        """Store a job, and read the usual duration of its kind."""
        self.sut.jobs.add(job)
        self.sut.timings.usual_seconds(timing_kind(job))
        return job

    def put_ended(self, number: int) -> list[VideoJob]:
        """Store ended jobs, the newest first."""
        now = self.sut.clock.now()
        return [self.put(a_job(**OWN | ENDED, created_at=now - timedelta(seconds=age))) for age in range(number)]

    def count(self, call: Call) -> tuple[list[str], int]:
        """Make the call. Return the names of the commands that the server has executed, and the status."""
        first = len(self.proxy.commands)
        response = call()
        commands = [command for command in self.proxy.commands[first:] if command not in OF_CONNECTIONS]
        return commands, response.status if isinstance(response, Response) else response


@contextmanager
def counting(mongo_address: str) -> Iterator[Counted]:
    """Let the functions of this process use the MongoDB at this address, with warm connections."""
    host, _, port = mongo_address.partition(":")
    proxy = LossyProxy(host, int(port))
    uri = f"mongodb://{proxy.address}/operations?directConnection=true&serverMonitoringMode=poll"
    connection = MongoConnection(lambda **_: uri)
    connection.run(ensure_indexes)
    now = datetime.now(UTC)
    sut = SystemUnderTest(VirtualClock(now.replace(microsecond=now.microsecond // 1000 * 1000)), an_api())
    adapters = {
        "jobs": MongoJobRepository(connection),
        "batches": MongoBatchRepository(connection),
        "slots": MongoSlotRepository(connection, cap=ACTIVE, maximum_waiting=WAITING),
        "rates": MongoRateLimiter(connection),
        "timings": MongoTimingRepository(connection),
        "erasures": MongoErasureRepository(connection),
        "tickets": MongoTicketRepository(connection),
    }
    for name, adapter in adapters.items():
        setattr(sut, name, adapter)
    live = Live(sut, connections=MongoConnectionRepository(connection))  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        sut.install(patch)
        patch.setattr(bootstrap, "connection_repository", lambda: live.connections)
        patch.setattr(bootstrap, "broadcaster", lambda: live.broadcaster)
        patch.setattr(bootstrap, "maximum_connections", lambda: 2)
        patch.setattr(logger.registered_handler, "stream", sut.log)
        yield Counted(sut, live, connection, proxy)
    connection.run(lambda database: database.client.drop_database("operations"))
    connection.run(lambda database: database.client.close())
    proxy.close()
