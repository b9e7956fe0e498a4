"""Local MongoDB and AWS emulator for the measured variants, with the secrets, the queue and the job they need."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
from bson import ObjectId
from pymongo import MongoClient

from bench.delay import delayed
from bench.paths import cloud_config
from bench.variants import FUNCTIONS
from localcloud.aws import ACCESS_KEY, SECRET_KEY, open_session
from localcloud.config import ROOT, CloudConfig
from localcloud.local_secrets import ensure_secrets, read_jwt_secret
from localcloud.processes import end_processes, find_processes
from localcloud.servers import STOP_GRACE_SECONDS, ensure_aws, ensure_mongo
from localcloud.template import read_template

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_DATABASE = "bench"
_USER_ID = "65f0c0ffee0123456789abcd"
_QUEUE_NAME = "bench"
_DELAYED_NAME = "bench/delayed-mongodb"
_ORIGIN = "https://videos.example.com"


@dataclass(frozen=True, slots=True)
class Services:
    """Environment variables and API Gateway events for the functions of each variant, and their database's URI."""

    environment: Mapping[str, str]
    mongo_uri: str
    delayed_uri: str
    """URI of the same database with 1 ms of network latency."""
    delayed_secret: str
    """ARN of the secret that contains `delayed_uri`."""
    events: Mapping[str, Mapping[str, Any]]
    """API Gateway events: `generate`, `status` of a queued job, `ended` and `completed` (with a video to sign)."""


@contextmanager
def bench_processes(config: CloudConfig | None = None) -> Iterator[None]:
    """Stop all processes of a local system on exit: those of the benchmarks' system, or of the system of `config`.

    The processes get SIGTERM and, if they still run after 20 s, SIGKILL.
    """
    try:
        yield
    finally:
        end_processes(find_processes((config or cloud_config()).state), grace_seconds=STOP_GRACE_SECONDS)


def database_uri(mongo_uri: str, database: str) -> str:
    """Return `mongo_uri` with another database name."""
    base, _, options = mongo_uri.partition("?")
    return f"{base.rpartition('/')[0]}/{database}?{options}"


@contextmanager
def run_services() -> Iterator[Services]:
    """Start MongoDB and the AWS emulator, and create the secrets, the queue and the job that the variants need.

    A running server is used. On exit, every process of the benchmarks' system is ended.

    Raises:
        ServerFailedError: If a server does not start.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond.
        PyMongoError: If MongoDB does not respond.
    """
    config = cloud_config()
    with bench_processes(), ExitStack() as stack:
        mongo_uri = database_uri(ensure_mongo(config), _DATABASE)
        delayed_uri = stack.enter_context(delayed(mongo_uri))
        endpoint_url = ensure_aws(config)
        arns = ensure_secrets(config, endpoint_url, mongo_uri=mongo_uri)
        delayed_secret = _keep_uri(
            open_session(config).client("secretsmanager", endpoint_url=endpoint_url), delayed_uri
        )
        secret = read_jwt_secret(config)
        queue_url = open_session(config).client("sqs", endpoint_url=endpoint_url).create_queue(QueueName=_QUEUE_NAME)
        yield Services(
            environment={
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                "AWS_REGION": config.region,
                "AWS_DEFAULT_REGION": config.region,
                "POWERTOOLS_METRICS_NAMESPACE": "videojobs",
                **declared_variables(
                    {
                        **dict.fromkeys(("JobsQueue", "HighJobsQueue", "EventsQueue"), queue_url["QueueUrl"]),
                        "MongoSecretArn": arns.mongo,
                        "JwtSecretArn": arns.jwt,
                    }
                ),
                "AWS_ENDPOINT_URL": endpoint_url,
            },
            mongo_uri=mongo_uri,
            delayed_uri=delayed_uri,
            delayed_secret=delayed_secret,
            events={
                "generate": _post_event(secret),
                **{name: _get_event(secret, job_id) for name, job_id in _seed(mongo_uri).items()},
            },
        )


def _keep_uri(client: "SecretsManagerClient", uri: str) -> str:
    """Store the URI in Secrets Manager and return the ARN of the secret."""
    try:
        return client.create_secret(Name=_DELAYED_NAME, SecretString=uri)["ARN"]
    except client.exceptions.ResourceExistsException:
        return client.put_secret_value(SecretId=_DELAYED_NAME, SecretString=uri)["ARN"]


def declared_variables(known: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that the template declares for `generate` and `status`.

    `known` contains values by the logical IDs of parameters and resources. Other parameters have their defaults.

    Raises:
        KeyError: If `known` lacks a resource, or a parameter without a default, that a variable refers to.
    """
    template = read_template(ROOT / "template.yaml")
    defaults = {
        name: str(parameter["Default"]) for name, parameter in template["Parameters"].items() if "Default" in parameter
    }
    values = {
        **defaults,
        "AWS::StackName": "bench",
        "AWS::URLSuffix": "amazonaws.com",
        "VideosBucket": "bench",
        "AllowedOrigins": _ORIGIN,
        **known,
    }
    declared = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    for logical_id in FUNCTIONS.values():
        declared |= template["Resources"][logical_id]["Properties"]["Environment"]["Variables"]
    declared.pop("CONFIGURATION_DIGEST")  # set at deployment; the functions do not read it

    def resolve(value: str | dict[str, Any]) -> str:
        if isinstance(value, str):
            return value
        if "Ref" in value:
            return values[value["Ref"]]
        name, group, key = value["Fn::FindInMap"]
        return str(template["Mappings"][name][group][key])

    return {name: resolve(value) for name, value in declared.items()}


def new_document(job_id: ObjectId) -> dict[str, Any]:
    """Return the document of a queued job, as `generate` stores it. Nothing is stored."""
    now = datetime.now(UTC)
    return {
        "_id": job_id,
        "userId": ObjectId(_USER_ID),
        "prompt": "A paper boat on a rainy street",
        "style": "calm",
        "duration": 8,
        "aspectRatio": "16:9",
        "status": "queued",
        "videoUrl": None,
        "errorMessage": None,
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
        "attempt": 1,
        "next": {"id": "0123456789abcdef0123456789abcdef", "step": "start", "dueAt": now, "resends": 0},
        "history": [{"at": now, "status": "queued", "note": "accepted"}],
    }


def reset_limits(mongo_uri: str) -> None:
    """Forget the counted calls and the active jobs of all users."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        for collection in ("rates", "shares"):
            client.get_default_database()[collection].delete_many({})


def _seed(mongo_uri: str) -> dict[str, str]:
    """Drop the database, insert a queued, a failed and a completed job and return their IDs by the names of events."""
    queued, failed, completed = (new_document(ObjectId()) for _ in range(3))
    failed |= {"status": "failed", "errorMessage": "The video could not be created.", "version": 3, "next": None}
    stored = {
        kind: {"bucket": "bench", "key": f"videos/{completed['_id']}/1.{kind}", "bytes": 1_000_000}
        for kind in ("mp4", "jpg", "webp")
    }
    completed |= {"status": "completed", "videoUrl": f"s3://bench/{stored['mp4']['key']}", "version": 3, "next": None}
    completed |= {"output": stored["mp4"] | {"width": 1280, "height": 720, "seconds": 8.0}}
    completed |= {"poster": stored["jpg"], "preview": stored["webp"]}
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database(_DATABASE)
        client.get_default_database()["videojobs"].insert_many([queued, failed, completed])
    return {"status": str(queued["_id"]), "ended": str(failed["_id"]), "completed": str(completed["_id"])}


def _post_event(secret: str) -> dict[str, Any]:
    body = '{"prompt":"A paper boat on a rainy street","style":"calm","duration":8,"aspectRatio":"16:9"}'
    return _event(secret, "POST", "/api/videos/generate", body=body)


def _get_event(secret: str, job_id: str) -> dict[str, Any]:
    return _event(secret, "GET", "/api/videos/{jobId}", parameters={"jobId": job_id})


def _event(
    secret: str, method: str, resource: str, *, parameters: dict[str, str] | None = None, body: str | None = None
) -> dict[str, Any]:
    """Return the event that API Gateway's REST API sends to a proxy integration for a request from a browser."""
    path = resource.format_map(parameters or {})
    token = jwt.encode({"userId": _USER_ID, "exp": int(time.time()) + 86_400}, secret, algorithm="HS256")
    headers = {
        "accept": "application/json",
        "accept-encoding": "gzip, deflate, br",
        "accept-language": "en-GB,en;q=0.9",
        "cookie": f"theme=dark; token={token}",
        "host": "api.example.com",
        "origin": _ORIGIN,
        "sec-fetch-site": "same-site",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
    } | ({"content-type": "application/json"} if body else {})
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "domainName": "api.example.com",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": headers["user-agent"]},
            "path": f"/dev{path}",
            "protocol": "HTTP/1.1",
            "requestId": "0f8b6f1e-5f0a-4c1b-9d7e-2b1a3c4d5e6f",
            "requestTime": "23/Nov/2026:05:00:00 +0000",
            "requestTimeEpoch": 1795410000000,
            "resourceId": "abc123",
            "resourcePath": resource,
            "stage": "dev",
        },
        "body": body,
        "isBase64Encoded": False,
    }
