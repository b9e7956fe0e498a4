"""Earlier and current code on the same jobs, as during a deployment and a rollback.

The functions of an earlier commit and the current functions run in separate processes, on one MongoDB and one SQS.
Each version reads and completes the jobs of the other version, and keeps the fields that it does not know.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from bson import ObjectId

from tests.builders import A_USER
from tests.deployment.earlier import ROOT, check_out, earlier_commit
from tests.faults.cloud import Cloud, fake_aws, unused_name
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import COLLECTION

WISH = {"prompt": "A kite over the sea", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
JWT_SECRET = "a-secret-of-thirty-two-bytes-at-least"
EARLIER = {"the version before": None, "before lanes": "029ab96"}
UNKNOWN = {"madeUpLater": {"deep": [1, {"er": None}]}, "another": "field"}
"""Fields that a later version might add to a document."""
FIXED = ("jobId", "status", "errorMessage", "prompt", "style", "duration", "aspectRatio", "createdAt")
"""Fields in the API that must be equal in all versions. URLs are not, because each is signed separately."""


class Version:
    """Functions of one commit, in their own process."""

    def __init__(self, tree: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("other_version.py"), tree],
                env=dict(environment),
                cwd=tree,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def call(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the handler of the function, and return its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"function": function, "event": event}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self._log.read_text()[-3000:]
        response: dict[str, Any] = json.loads(line)
        return response

    def ask(self, function: str, method: str, path: str, body: object = None, **parameters: str) -> Any:
        """Send an authenticated request to the API, and return the field `data` of the response."""
        event = json.loads((ROOT / "events" / "generate.json").read_text())
        expires = datetime.now(UTC) + timedelta(hours=1)
        token = jwt.encode({"userId": A_USER, "exp": expires}, JWT_SECRET, algorithm="HS256")
        headers = {"Cookie": f"token={token}", "Content-Type": "application/json"}
        event |= {"httpMethod": method, "path": path, "resource": path, "pathParameters": parameters or None}
        event |= {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
        event |= {"body": None if body is None else json.dumps(body)}
        event["requestContext"] |= {"httpMethod": method, "resourcePath": path, "path": path}
        response = self.call(function, event)
        assert response["statusCode"] in {200, 201}, (response, self._log.read_text()[-3000:])
        return json.loads(response["body"])["data"]

    def close(self) -> None:
        """Close the input of the process, and wait for its end."""
        self._process.communicate(timeout=60)


class SystemUnderTest:
    """One database, one SQS and one bucket for all versions."""

    def __init__(self, cloud: Cloud, connection: MongoConnection, mongo_uri: str, folder: Path) -> None:
        self._cloud, self._connection, self._folder = cloud, connection, folder
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        session = boto3.Session(**keys)  # type: ignore[arg-type]
        self._sqs: Any = session.client("sqs", endpoint_url=cloud.url)
        self._queues = {name: self._sqs.create_queue(QueueName=unused_name(name))["QueueUrl"] for name in QUEUES}
        secrets = session.client("secretsmanager", endpoint_url=cloud.url)
        arns = {
            name: secrets.create_secret(Name=unused_name(name), SecretString=value)["ARN"]
            for name, value in {"mongo": mongo_uri, "jwt": JWT_SECRET}.items()
        }
        bucket = unused_name("videos")
        session.client("s3", endpoint_url=cloud.url).create_bucket(Bucket=bucket)
        self.environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "MONGODB_SECRET_ARN": arns["mongo"],
            "JWT_SECRET_ARN": arns["jwt"],
            "VIDEOS_BUCKET": bucket,
            "PROVIDER": "sketch",
            "LEASE_SECONDS": "25",
            "STACK_NAME": "versions",
            **{variable: self._queues[name] for name, variable in QUEUES.items()},
        }
        self.environment |= {name: value for name, value in NUMBERS.items() if name not in self.environment}
        self._versions: dict[Path, Version] = {}

    def run(self, tree: Path) -> Version:
        """Return the functions of the tree. They are started once, because their imports take seconds."""
        if tree not in self._versions:
            log = self._folder / f"{len(self._versions)}.log"
            self._versions[tree] = Version(tree, self.environment, log)
        return self._versions[tree]

    def close(self) -> None:
        """Stop all versions."""
        for version in self._versions.values():
            version.close()

    def document(self, job_id: str) -> dict[str, Any]:
        """Return the stored document of the job."""
        document = self._connection.run(lambda database: database[COLLECTION].find_one({"_id": ObjectId(job_id)}))
        assert document is not None
        return document

    def change(self, job_id: str, fields: Mapping[str, object]) -> None:
        """Set fields of the stored document."""
        update = {"$set": dict(fields)}
        self._connection.run(lambda database: database[COLLECTION].update_one({"_id": ObjectId(job_id)}, update))

    def finish(
        self, job_id: str, hands: Sequence[Version], *, as_sent: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> list[str]:
        """Deliver the messages to the versions `hands` in turn until the job has ended. Return the executed steps.

        `as_sent` converts a record to the form in which another version would have sent it.
        """
        steps, turns = [], cycle(hands)
        while (now := self.document(job_id))["status"] in {"queued", "processing"} or now.get("next"):
            self._cloud.now = self._cloud.now or datetime.now(UTC)
            self._cloud.now += timedelta(minutes=16)  # no message is delayed for longer
            function, record, delete = self._receive()
            steps.append(now["next"]["step"])
            assert len(steps) < 20, f"the job does not end: {steps}"
            response = next(turns).call(function, {"Records": [as_sent(record)]})
            assert response == {"batchItemFailures": []}, (function, steps)
            delete()
        return steps

    def _receive(self) -> tuple[str, dict[str, Any], Callable[[], object]]:
        for name, function in {"jobs": "worker", "render": "render"}.items():
            url = self._queues[name]
            for message in self._sqs.receive_message(QueueUrl=url).get("Messages", []):
                record = {"messageId": message["MessageId"], "body": message["Body"], "eventSource": "aws:sqs"}
                record |= {"attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}}
                handle = message["ReceiptHandle"]
                return function, record, lambda: self._sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)  # noqa: B023
        raise AssertionError("the queues are empty, but the job has not ended")


QUEUES = {
    "jobs": "JOBS_QUEUE_URL",
    "highJobs": "HIGH_JOBS_QUEUE_URL",
    "render": "RENDER_QUEUE_URL",
    "highRender": "HIGH_RENDER_QUEUE_URL",
    "events": "EVENTS_QUEUE_URL",
}
NUMBERS = {
    "ACTIVE_JOBS_PER_USER": "20",
    "VIDEO_RETENTION_DAYS": "30",
    "MAXIMUM_ATTEMPTS": "3",
    "JOB_DEADLINE_SECONDS": "3600",
    "PRESIGNED_URL_SECONDS": "900",
    "SIMULATED_MIN_SECONDS": "1",
    "SIMULATED_MAX_SECONDS": "1",
    "SIMULATED_FAILURE_RATE": "0",
}


@pytest.fixture(scope="module")
def system(
    _indexed: MongoConnection, mongo_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SystemUnderTest]:
    """Yield the system of all tests, and stop its versions at the end."""
    with fake_aws() as cloud:
        system = SystemUnderTest(cloud, _indexed, mongo_uri, tmp_path_factory.mktemp("versions"))
        yield system
        system.close()


@pytest.fixture
def sut(system: SystemUnderTest, connection: MongoConnection) -> SystemUnderTest:
    """Return the system with an empty database."""
    return system


@pytest.fixture(params=EARLIER, scope="module")
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tree of an earlier commit; skip the test if the history does not contain it."""
    commit = EARLIER[request.param] or earlier_commit()
    checked = subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT, capture_output=True, check=False)
    if checked.returncode != 0:
        pytest.skip(f"the local history does not contain {commit}")
    return check_out(commit, tmp_path_factory.mktemp("earlier"))


def bare(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record as the first version sent it, with two IDs only."""
    body = json.loads(record["body"])
    return record | {"body": json.dumps({"jobId": body["jobId"], "stepId": body["stepId"]}), "messageAttributes": {}}


def adorned(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with additional fields and attributes, as a later version might send it."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    attributes = {"traceparent": {"stringValue": trace, "dataType": "String"}}
    attributes |= {"later": {"stringValue": "x", "dataType": "String"}}
    return record | {"body": json.dumps({**json.loads(record["body"]), "later": [1]}), "messageAttributes": attributes}


@pytest.mark.parametrize("order", ["the old one begins", "the new one begins"])
def test_versions_can_alternate_at_every_step_of_a_job(sut: SystemUnderTest, earlier: Path, order: str) -> None:
    old, new = sut.run(earlier), sut.run(ROOT)
    first, second = (old, new) if order == "the old one begins" else (new, old)
    job_id = first.ask("generate", "POST", "/api/videos/generate", WISH)["jobId"]
    sut.change(job_id, UNKNOWN)
    steps = sut.finish(job_id, [second, first], as_sent=adorned if first is new else bare)
    assert len(steps) >= 3
    document = sut.document(job_id)
    assert (document["status"], document["attempt"]) == ("completed", 1)
    assert {name: document[name] for name in UNKNOWN} == UNKNOWN, "a version removed fields that it does not know"
    jobs = [version.ask("status", "GET", f"/api/videos/{job_id}", jobId=job_id) for version in (old, new)]
    assert [[job[name] for name in FIXED] for job in jobs] == [[jobs[0][name] for name in FIXED]] * 2
    assert all(job["videoUrl"] for job in jobs)


def test_job_accepted_by_one_version_is_finished_by_the_other(sut: SystemUnderTest, earlier: Path) -> None:
    old, new = sut.run(earlier), sut.run(ROOT)
    for took, finishes, as_sent in ((old, new, bare), (new, old, adorned)):
        job_id = took.ask("generate", "POST", "/api/videos/generate", WISH)["jobId"]
        sut.finish(job_id, [finishes], as_sent=as_sent)
        completions = [entry for entry in sut.document(job_id)["history"] if entry["status"] == "completed"]
        assert len(completions) == 1
        assert finishes.ask("status", "GET", f"/api/videos/{job_id}", jobId=job_id)["status"] == "completed"


def test_versions_count_a_users_calls_and_slots_together(
    sut: SystemUnderTest, earlier: Path, connection: MongoConnection
) -> None:
    if not (earlier / "layers/common/videojobs/adapters/mongo/rates.py").exists():
        pytest.skip("the earlier version has no rate limits")
    old, new = sut.run(earlier), sut.run(ROOT)
    for version in (old, new, new, old):
        version.ask("generate", "POST", "/api/videos/generate", WISH)
    calls = connection.run(lambda database: database["rates"].find_one({"_id": f"generate:{A_USER}"}))
    slots = connection.run(lambda database: database["shares"].find_one({"_id": f"{A_USER}:normal"}))
    assert calls is not None
    assert slots is not None
    assert (len(calls["calls"]), len(slots["active"])) == (4, 4)
