"""The system under fault: real worker processes on a real database, a real AWS API and a real HTTP provider.

Nothing runs by itself. A test posts, delivers and sweeps; time passes when it says so, and nothing sleeps.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId

from tests.faults.cloud import CREDENTIALS, Cloud, unused_name
from tests.faults.posts import Post, api_event, post_event
from tests.faults.processes import Outcome, WorkerProcess, as_config
from tests.faults.queues import DEAD_LETTERS_OF, FUNCTION_OF, Message, Queues
from tests.faults.scripted_provider import ScriptedProvider
from tests.faults.watched_ports import Fault
from videojobs.adapters.mongo.indexes import ensure_indexes

USER = "65a000000000000000000001"
ANOTHER_USER = "65a000000000000000000002"
JWT_SECRET = "correct-horse-battery-staple-0123456789"
SWEEP_EVERY = timedelta(minutes=1)
LEASE_SECONDS = 25
ENDED = ("completed", "failed", "cancelled")


@dataclass
class SystemUnderTest:
    """See the module."""

    nursery: Path
    cloud: Cloud
    mongo_address: str
    seed: int
    mutant: str = ""
    unknown_submit: str = "find"
    yields_pixels: bool = True
    attempts: int = 3
    cap: int = 1000
    """How many jobs of a user may be active."""
    deadline: timedelta = timedelta(hours=1)
    mongo_uri: str = ""
    """What the functions get to see; by default the database at `mongo_address`."""
    database_name: str = "faults"
    auth_source: str = ""
    """Where the user in `mongo_address` is known, if there is one."""
    loses_answers: bool = False
    """Whether writes of progress may have landed unknown: their versions are then skipped."""
    skew: timedelta = timedelta()
    """How far apart the clocks of two processes may be."""
    posts: list[Post] = field(default_factory=list)
    observations: list[dict[str, Any]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    """Jobs that their user wanted nothing to be left of, and was not refused."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.began = self.now
        self.next_sweep = self.now + self.random.uniform(0, 1) * SWEEP_EVERY
        self.provider = ScriptedProvider(one_task_per_token=self.unknown_submit == "repeat")
        self.queues = Queues.create(self.cloud)
        self.s3, self.bucket = self.cloud.client("s3"), unused_name("videos")
        self.s3.create_bucket(Bucket=self.bucket)
        self.secrets = self.cloud.client("secretsmanager")
        self.client: pymongo.MongoClient[dict[str, Any]] | None = None
        own_uri = self.sign_in(self.mongo_address)
        self.jwt_secret = self._secret("jwt", JWT_SECRET)
        self.mongo_secret = self._secret("mongo", self.mongo_uri or own_uri)
        for collection in self.database.list_collection_names():  # emptied, as making the indexes anew takes long
            self.database[collection].delete_many({})
        ensure_indexes(self.database)
        self.sign_with = JWT_SECRET
        self.is_checked = False
        self._processes: list[WorkerProcess] = []
        self._idle: dict[str, WorkerProcess] = {}

    @property
    def now(self) -> datetime:
        """What every clock says, where it is right."""
        return self._now

    @now.setter
    def now(self, now: datetime) -> None:
        self._now = self.cloud.now = now.replace(microsecond=now.microsecond // 1000 * 1000)

    def sign_in(self, mongo_address: str) -> str:
        """Connect the test itself to the database; the connection string."""
        options = "directConnection=true&serverMonitoringMode=poll&w=majority&journal=true"
        if self.auth_source:
            options += f"&authSource={self.auth_source}"
        uri = f"mongodb://{mongo_address}/{self.database_name}?{options}"
        if self.client:
            self.client.close()
        self.client = pymongo.MongoClient(uri, tz_aware=True)
        self.database = self.client[self.database_name]
        return uri

    def close(self) -> None:
        """End everything."""
        for process in self._processes:
            process.end()
        self.provider.close()
        self.cloud.now = None
        self.cloud.disturbances.clear()
        if self.client:
            self.client.close()

    # ------------------------------------------------------------------ processes

    def start(self, function: str, *faults: Fault, skew_seconds: float = 0, **more: Any) -> WorkerProcess:
        """A fresh process of a function, with faults armed."""
        config = {
            "function": function,
            "environment": self._environment(),
            "seed": self.random.getrandbits(32),
            "faults": as_config(faults),
            "mutant": self.mutant,
            "skew_seconds": skew_seconds,
            "tick_seconds": 0.6 if function == "render" else 0.001,  # so that a render reports its progress
            "provider": {
                "url": self.provider.url,
                "yields_pixels": self.yields_pixels,
                "unknown_submit": self.unknown_submit,
            },
            **more,
        }
        process = WorkerProcess(self.nursery, config, self.observations)
        self._processes.append(process)
        return process

    def warm(self, function: str) -> WorkerProcess:
        """The process of a function that has nothing wrong with it and nothing to do."""
        idle = self._idle.get(function)
        if idle is None or not idle.alive or idle.stopped:
            idle = self._idle[function] = self.start(function)
        return idle

    def arm(self, function: str, *faults: Fault, **more: Any) -> WorkerProcess:
        """Let the next process that the pollers use have something wrong with it."""
        self._idle[function] = self.start(function, *faults, **more)
        return self._idle[function]

    def _environment(self) -> dict[str, str]:
        return {
            **CREDENTIALS,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.cloud.url,
            "MONGODB_SECRET_ARN": self.mongo_secret,
            "JWT_SECRET_ARN": self.jwt_secret,
            "JOBS_QUEUE_URL": self.queues.urls["JobsQueue"],
            "RENDER_QUEUE_URL": self.queues.urls["RenderQueue"],
            "HIGH_JOBS_QUEUE_URL": self.queues.urls["JobsQueue"],  # one lane is enough to break things in
            "HIGH_RENDER_QUEUE_URL": self.queues.urls["RenderQueue"],
            "ACTIVE_JOBS_PER_USER": str(self.cap),
            "GENERATE_CALLS_PER_MINUTE": "10000",  # a limit that is tried elsewhere, as the next
            "READ_CALLS_PER_MINUTE": "10000",
            "EVENTS_QUEUE_URL": self.queues.urls["EventsQueue"],
            "VIDEOS_BUCKET": self.bucket,
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "MAXIMUM_ATTEMPTS": str(self.attempts),
            "JOB_DEADLINE_SECONDS": str(self.deadline.total_seconds()),
        }

    def _secret(self, name: str, value: str) -> str:
        return str(self.secrets.create_secret(Name=unused_name(name), SecretString=value)["ARN"])

    # ------------------------------------------------------------------ the API

    def post(
        self,
        prompt: str = "",
        *,
        key: str | None = None,
        at: WorkerProcess | None = None,
        times: int = 1,
        user: str = USER,
    ) -> Post:
        """POST a job, `times` times at once; the last answer. Every answer is kept for the checker."""
        prompt = prompt or f"prompt {len(self.posts)}"
        event = self.post_event(prompt, key, user)
        outcome = (at or self.warm("generate")).call(event, self.now, times=times)
        return self.acknowledge(prompt, key, outcome)[-1]

    def post_event(self, prompt: str, key: str | None = None, user: str = USER) -> dict[str, Any]:
        """What API Gateway hands to `generate`."""
        return post_event(user, prompt, key, sign_with=self.sign_with)

    def wish(self, what: str, job_id: str, *, at: WorkerProcess | None = None) -> int | None:
        """`cancel`, `retry` or `delete` a job; the status that its user is answered, None where no answer comes."""
        outcome = (at or self.warm("jobs")).call(self.wish_event(what, job_id), self.now)
        return self.heard(what, job_id, outcome)

    def wish_event(self, what: str, job_id: str) -> dict[str, Any]:
        """What API Gateway hands to `jobs`."""
        path = f"/api/videos/{job_id}"
        method, path = ("DELETE", path) if what == "delete" else ("POST", f"{path}/{what}")
        return api_event(method, path, USER, sign_with=self.sign_with)

    def heard(self, what: str, job_id: str, outcome: Outcome) -> int | None:
        """What the user is answered; a deletion without an answer may have been done, and is then to be done fully."""
        status = outcome.answer["statusCode"] if outcome.answers else None
        if what == "delete" and status in (204, None):
            self.deleted.add(job_id)
        return status

    def acknowledge(self, prompt: str, key: str | None, outcome: Outcome) -> list[Post]:
        """Keep what the caller of a POST was told."""
        answers = outcome.answers or [{"statusCode": None, "body": "{}"}]
        told = [Post(USER, prompt, key, each["statusCode"], json.loads(each["body"])) for each in answers]
        self.posts += told
        return told

    # ------------------------------------------------------------------ the pollers

    def take(self, queue: str = "JobsQueue") -> Message:
        """The one message that is visible."""
        (message,) = self.queues.receive(queue)
        return message

    def deliver(
        self, *messages: Message, at: WorkerProcess | None = None, times: int = 1, function: str = ""
    ) -> Outcome:
        """Give messages to a function as one batch, and delete those that it handled."""
        function = function or FUNCTION_OF[messages[0].queue]
        outcome = (at or self.warm(function)).call(self.batch(*messages), self.now, times=times)
        self.settle(messages, outcome)
        return outcome

    def batch(self, *messages: Message) -> dict[str, Any]:
        """The event of some messages."""
        return {"Records": [message.record() for message in messages]}

    def settle(self, messages: Sequence[Message], outcome: Outcome) -> None:
        """Delete what was handled, as Lambda's poller does after a call."""
        for answer in outcome.answers:
            failed = {each["itemIdentifier"] for each in answer.get("batchItemFailures", [])}
            if "unhandled" not in answer:
                for message in messages:
                    if message.id not in failed:
                        self.queues.delete(message)

    def pump(self, at_most: int = 10_000) -> int:
        """Deliver whatever is visible, in any order and now and then twice, until nothing is; how much it was."""
        delivered = 0
        while delivered < at_most and (
            visible := [message for queue in FUNCTION_OF for message in self.queues.receive(queue)]
        ):
            self.random.shuffle(visible)
            for message in visible:
                self.deliver(message)
                if self.random.random() < 0.1:
                    self.deliver(message)
            delivered += len(visible)
        return delivered

    def sweep(self, at: WorkerProcess | None = None) -> Outcome:
        """What the schedule does each minute, the dead letters included."""
        for queue in DEAD_LETTERS_OF.values():
            if buried := self.queues.receive(queue):
                self.deliver(*buried, function="reconciler")
        return (at or self.warm("reconciler")).call({"source": "aws.events"}, self.now)

    # ------------------------------------------------------------------ time

    def pass_time(self, seconds: float) -> None:
        """Let time pass, without anything happening in it."""
        self.now += timedelta(seconds=seconds)

    def advance(self) -> None:
        """Let time pass until something is due: a step, or the next sweep, which then happens."""
        due = [job["next"]["dueAt"] for job in self.jobs() if job.get("next")]
        soon = [at + timedelta(seconds=1) for at in due if at > self.now]
        if soon and min(soon) < self.next_sweep:
            self.now = min(soon)
            return
        self.now = max(self.now, self.next_sweep)
        self.next_sweep = self.now + SWEEP_EVERY
        self.sweep()

    def run(self, *, hours: float = 3) -> None:
        """Pump and sweep until every job has ended and everything was announced, or so many hours have passed.

        A system that keeps itself busy for ever is left to it, unsettled.
        """
        end, messages = self.now + timedelta(hours=hours), 300 * len(self.posts)
        messages -= self.pump()
        while self.now < end and messages > 0 and self.unsettled():
            self.advance()
            messages -= self.pump(messages)

    def run_to(self, job_id: str, step: str) -> None:
        """Deliver one message after the other until that step is next."""
        while True:
            for message in [message for queue in FUNCTION_OF for message in self.queues.receive(queue)]:
                self.deliver(message)
                if self.job(job_id)["next"]["step"] == step:
                    return
            self.advance()

    # ------------------------------------------------------------------ what is stored

    def jobs(self) -> list[dict[str, Any]]:
        """Every document."""
        return list(self.database["videojobs"].find())

    def job(self, job_id: str) -> dict[str, Any]:
        """One document."""
        found = self.database["videojobs"].find_one({"_id": ObjectId(job_id)})
        assert found is not None
        return found

    def live(self) -> list[dict[str, Any]]:
        """Those that have not ended."""
        return list(self.database["videojobs"].find({"status": {"$nin": ENDED}}))

    def unsettled(self) -> list[dict[str, Any]]:
        """Those that have not ended, are not cleaned up, or not announced."""
        return [job for job in self.jobs() if job["status"] not in ENDED or job.get("next") or job.get("outbox")]

    def objects(self, job_id: str) -> list[str]:
        """The keys of everything of a job that lies in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"videos/{job_id}/")
        return [each["Key"] for each in listed.get("Contents", [])]
