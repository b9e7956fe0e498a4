"""System for fault injection: real worker processes, a real database, a real AWS API and a real HTTP provider.

Nothing runs by itself. A test posts, delivers and sweeps, and advances the clock. No code sleeps.
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
    """All components of one system, and the operations of a test on them."""

    nursery: Path
    cloud: Cloud
    mongo_address: str
    seed: int
    mutant: str = ""
    unknown_submit: str = "find"
    yields_pixels: bool = True
    attempts: int = 3
    cap: int = 1000
    """Slots per user and priority."""
    deadline: timedelta = timedelta(hours=1)
    mongo_uri: str = ""
    """Connection string for the functions; by default that of the database at `mongo_address`."""
    database_name: str = "faults"
    auth_source: str = ""
    """Authentication database of the user in `mongo_address`; empty without a user."""
    loses_answers: bool = False
    """True if writes of progress can be applied without confirmation. Their versions may then be missing."""
    skew: timedelta = timedelta()
    """Maximum difference between the clocks of two processes."""
    posts: list[Post] = field(default_factory=list)
    observations: list[dict[str, Any]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    """IDs of the jobs whose deletion was not rejected."""

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
        for (
            collection
        ) in self.database.list_collection_names():  # not dropped, as creating the indexes again takes long
            self.database[collection].delete_many({})
        ensure_indexes(self.database)
        self.sign_with = JWT_SECRET
        self.is_checked = False
        self._processes: list[WorkerProcess] = []
        self._idle: dict[str, WorkerProcess] = {}

    @property
    def now(self) -> datetime:
        """Return the current time of every clock without skew."""
        return self._now

    @now.setter
    def now(self, now: datetime) -> None:
        self._now = self.cloud.now = now.replace(microsecond=now.microsecond // 1000 * 1000)

    def sign_in(self, mongo_address: str) -> str:
        """Connect the test itself to the database. Return the connection string."""
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
        """Kill all processes and close all connections."""
        for process in self._processes:
            process.end()
        self.provider.close()
        self.cloud.now = None
        self.cloud.disturbances.clear()
        if self.client:
            self.client.close()

    # ------------------------------------------------------------------ processes

    def start(self, function: str, *faults: Fault, skew_seconds: float = 0, **more: Any) -> WorkerProcess:
        """Start a new process of a function with these faults."""
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
        """Return an idle process of a function; start one if there is none."""
        idle = self._idle.get(function)
        if idle is None or not idle.alive or idle.stopped:
            idle = self._idle[function] = self.start(function)
        return idle

    def arm(self, function: str, *faults: Fault, **more: Any) -> WorkerProcess:
        """Start a process with these faults, and make it the one that the pollers use next. Return it."""
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
            "HIGH_JOBS_QUEUE_URL": self.queues.urls["JobsQueue"],  # one priority is enough for fault injection
            "HIGH_RENDER_QUEUE_URL": self.queues.urls["RenderQueue"],
            "ACTIVE_JOBS_PER_USER": str(self.cap),
            "GENERATE_CALLS_PER_MINUTE": "10000",  # other tests cover the rate limits
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
        """POST a job, `times` times concurrently. Return the last post; all are recorded for the checker."""
        prompt = prompt or f"prompt {len(self.posts)}"
        event = self.post_event(prompt, key, user)
        outcome = (at or self.warm("generate")).call(event, self.now, times=times)
        return self.acknowledge(prompt, key, outcome)[-1]

    def post_event(self, prompt: str, key: str | None = None, user: str = USER) -> dict[str, Any]:
        """Return the event that API Gateway sends to `generate`."""
        return post_event(user, prompt, key, sign_with=self.sign_with)

    def control(self, action: str, job_id: str, *, at: WorkerProcess | None = None) -> int | None:
        """Send `cancel`, `retry` or `delete` for a job. Return the status of the response, or None without one."""
        outcome = (at or self.warm("jobs")).call(self.control_event(action, job_id), self.now)
        return self.record_control(action, job_id, outcome)

    def control_event(self, action: str, job_id: str) -> dict[str, Any]:
        """Return the event that API Gateway sends to `jobs`."""
        path = f"/api/videos/{job_id}"
        method, path = ("DELETE", path) if action == "delete" else ("POST", f"{path}/{action}")
        return api_event(method, path, USER, sign_with=self.sign_with)

    def record_control(self, action: str, job_id: str, outcome: Outcome) -> int | None:
        """Return the status of the response, or None without one. A deletion without a response counts as accepted."""
        status = outcome.response["statusCode"] if outcome.responses else None
        if action == "delete" and status in (204, None):
            self.deleted.add(job_id)
        return status

    def acknowledge(self, prompt: str, key: str | None, outcome: Outcome) -> list[Post]:
        """Record the responses to a POST and return them."""
        responses = outcome.responses or [{"statusCode": None, "body": "{}"}]
        posts = [
            Post(USER, prompt, key, response["statusCode"], json.loads(response["body"])) for response in responses
        ]
        self.posts += posts
        return posts

    # ------------------------------------------------------------------ the pollers

    def take(self, queue: str = "JobsQueue") -> Message:
        """Receive the only visible message."""
        (message,) = self.queues.receive(queue)
        return message

    def deliver(
        self, *messages: Message, at: WorkerProcess | None = None, times: int = 1, function: str = ""
    ) -> Outcome:
        """Deliver messages to a function as one batch, and delete those that it handled. Return the outcome."""
        function = function or FUNCTION_OF[messages[0].queue]
        outcome = (at or self.warm(function)).call(self.batch(*messages), self.now, times=times)
        self.settle(messages, outcome)
        return outcome

    def batch(self, *messages: Message) -> dict[str, Any]:
        """Return Lambda's event for these messages."""
        return {"Records": [message.record() for message in messages]}

    def settle(self, messages: Sequence[Message], outcome: Outcome) -> None:
        """Delete the messages that were handled, as Lambda's poller does after a call."""
        for response in outcome.responses:
            failed = {failure["itemIdentifier"] for failure in response.get("batchItemFailures", [])}
            if "unhandled" not in response:
                for message in messages:
                    if message.id not in failed:
                        self.queues.delete(message)

    def pump(self, at_most: int = 10_000) -> int:
        """Deliver all visible messages in random order, a tenth of them twice. Return the number of messages."""
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
        """Run the reconciler on the dead letters and on its schedule, as happens each minute."""
        for queue in DEAD_LETTERS_OF.values():
            if dead_letters := self.queues.receive(queue):
                self.deliver(*dead_letters, function="reconciler")
        return (at or self.warm("reconciler")).call({"source": "aws.events"}, self.now)

    # ------------------------------------------------------------------ time

    def pass_time(self, seconds: float) -> None:
        """Advance the clock without processing anything."""
        self.now += timedelta(seconds=seconds)

    def advance(self) -> None:
        """Advance the clock to the next step that is due or to the next sweep, and run the sweep."""
        due = [job["next"]["dueAt"] for job in self.jobs() if job.get("next")]
        soon = [at + timedelta(seconds=1) for at in due if at > self.now]
        if soon and min(soon) < self.next_sweep:
            self.now = min(soon)
            return
        self.now = max(self.now, self.next_sweep)
        self.next_sweep = self.now + SWEEP_EVERY
        self.sweep()

    def run(self, *, hours: float = 3) -> None:
        """Pump and sweep until every job is settled (see `unsettled`), or until `hours` have passed.

        A system that never settles is left unsettled after 300 messages per post.
        """
        end, messages = self.now + timedelta(hours=hours), 300 * len(self.posts)
        messages -= self.pump()
        while self.now < end and messages > 0 and self.unsettled():
            self.advance()
            messages -= self.pump(messages)

    def run_to(self, job_id: str, step: str) -> None:
        """Deliver messages one by one until the job's next step is `step`."""
        while True:
            for message in [message for queue in FUNCTION_OF for message in self.queues.receive(queue)]:
                self.deliver(message)
                if self.job(job_id)["next"]["step"] == step:
                    return
            self.advance()

    # ------------------------------------------------------------------ stored state

    def jobs(self) -> list[dict[str, Any]]:
        """Return the documents of all jobs."""
        return list(self.database["videojobs"].find())

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the document of a job, which must exist."""
        document = self.database["videojobs"].find_one({"_id": ObjectId(job_id)})
        assert document is not None
        return document

    def live(self) -> list[dict[str, Any]]:
        """Return the jobs that have not ended."""
        return list(self.database["videojobs"].find({"status": {"$nin": ENDED}}))

    def unsettled(self) -> list[dict[str, Any]]:
        """Return the jobs that have not ended, have a next step, or have unpublished changes."""
        return [job for job in self.jobs() if job["status"] not in ENDED or job.get("next") or job.get("outbox")]

    def objects(self, job_id: str) -> list[str]:
        """Return the keys of a job's objects in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"videos/{job_id}/")
        return [entry["Key"] for entry in listed.get("Contents", [])]
