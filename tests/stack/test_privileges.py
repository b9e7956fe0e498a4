"""Least privilege in the deployed system: with the role of each function, the tests try every known AWS call.

Calls that the function needs are allowed, and all other calls are denied.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import boto3
import pytest

from localcloud.config import CloudConfig
from localcloud.processes import find_processes, read_variables
from tests.stack.client import User
from tests.stack.deployed import Deployed
from tests.stack.environment import Environment
from tests.stack.privileges import Attempt, Impostor, attempts, name_foreign_secret, simulate
from tests.template.parsed import FUNCTIONS
from tests.template.privileges import SHARED, needs

ALLOWED, DENIED = "may", "may not"


@pytest.fixture(scope="module")
def tried(deployed: Deployed) -> Iterator[list[Attempt]]:
    """Yield all attempts, including a secret outside the stack: a real one locally, an unused name elsewhere."""
    if Environment.named():
        yield attempts(
            deployed, foreign_secret=deployed.arn("secretsmanager", f"secret:{name_foreign_secret()}-abcdef")
        )
        return
    secrets = deployed.client("secretsmanager")
    created = secrets.create_secret(Name=name_foreign_secret(), SecretString="any")
    yield attempts(deployed, foreign_secret=created["ARN"])
    secrets.delete_secret(SecretId=created["ARN"], ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def impostor(deployed: Deployed) -> Impostor:
    """Return a client that can take the role of each function."""
    return Impostor(deployed)


def describe_mismatches(name: str, actual: dict[Attempt, str], expected: dict[Attempt, str]) -> list[str]:
    """Return a description of each attempt whose verdict is not the expected one."""
    return [
        f"{name} {actual[it]} {it.action} on {it.label} ({it.arn})" for it in expected if actual[it] != expected[it]
    ]


def verdicts(deployed: Deployed, name: str, tried: list[Attempt]) -> dict[Attempt, str]:
    """Return the expected verdict of each attempt."""
    needed = needs(name, bedrock=bool(deployed.described.parameters["BedrockModelArn"])) | SHARED
    return {it: ALLOWED if (it.action, it.label) in needed else DENIED for it in tried}


@pytest.mark.reads
def test_exactly_the_functions_of_the_template_are_deployed(deployed: Deployed) -> None:
    assert sorted(deployed.functions) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_role_allows_exactly_the_needed_calls(
    deployed: Deployed, impostor: Impostor, tried: list[Attempt], name: str
) -> None:
    real = [attempt for attempt in tried if attempt.call is not None]
    impostor.become(name)
    actual = {attempt: DENIED if impostor.is_refused(attempt) else ALLOWED for attempt in real}
    for attempt, verdict in actual.items():
        print(f"{name} {verdict} {attempt.action} on {attempt.label}")  # noqa: T201 - the matrix, shown with -s
    assert describe_mismatches(name, actual, verdicts(deployed, name, real)) == []
    assert set(actual.values()) == {ALLOWED, DENIED}


@pytest.mark.reads
@pytest.mark.parametrize("name", FUNCTIONS)
def test_iam_simulator_confirms_the_role_including_harmful_calls(
    deployed: Deployed, tried: list[Attempt], name: str
) -> None:
    actual = {it: ALLOWED if is_allowed else DENIED for it, is_allowed in simulate(deployed, name, tried).items()}
    assert describe_mismatches(name, actual, verdicts(deployed, name, tried)) == []


@pytest.mark.reads
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_action_that_a_role_allows_is_tried(deployed: Deployed, tried: list[Attempt], name: str) -> None:
    # A new kind of privilege must be added to the attempts, so that the tests show which other functions have it.
    iam, role = deployed.client("iam"), deployed.functions[name]["Role"].rsplit("/", 1)[1]
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        policy_version = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
        documents.append(policy_version["PolicyVersion"]["Document"])
    allowed = {
        action
        for document in documents
        for statement in document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert allowed
    assert allowed <= {attempt.action for attempt in tried}


def test_environment_has_the_credentials_of_its_functions_role(
    deployed: Deployed, user: User, cloud: CloudConfig
) -> None:
    # The functions really run with the roles that the other tests assume.
    user.call("GET", "/api/videos")  # starts at least one execution environment
    workers = [process for process in find_processes(cloud.state) if process.function]
    roles = {it["FunctionName"]: it["Role"].rsplit("/", 1)[1] for it in deployed.functions.values()}
    for worker in workers:
        variables = read_variables(worker)
        caller = boto3.Session(
            variables["AWS_ACCESS_KEY_ID"],
            variables["AWS_SECRET_ACCESS_KEY"],
            variables["AWS_SESSION_TOKEN"],
            deployed.region,
        )
        arn = caller.client("sts", endpoint_url=deployed.endpoint_url).get_caller_identity()["Arn"]
        assert arn.split("/")[1] == roles[worker.function]
    assert workers


def fetch(url: str, method: str = "GET") -> int:
    """Send a request. Return the status of the response."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.writes
@pytest.mark.usefixtures("pixels")
def test_presigned_url_gives_access_to_one_object_and_method_only(user: User) -> None:
    job_ids = [user.submit(style="background") for _ in range(2)]
    mine, other = (user.wait(job_id)["videoUrl"] for job_id in job_ids)
    parts = urlsplit(mine)
    query = dict(parse_qsl(parts.query))

    def altered(path: str = parts.path, **changes: str | None) -> str:
        kept = {name: value for name, value in {**query, **changes}.items() if value is not None}
        return urlunsplit(parts._replace(path=path, query=urlencode(kept)))

    signature = query["X-Amz-Signature"]
    statuses = {
        "another video": fetch(altered(path=urlsplit(other).path)),
        "another folder": fetch(altered(path=parts.path.replace("/videos/", "/bedrock/"))),
        "the bucket": fetch(altered(path=f"/{parts.path.split('/')[1]}")),
        "a longer validity": fetch(altered(**{"X-Amz-Expires": str(int(query["X-Amz-Expires"]) * 2)})),
        "a later start": fetch(altered(**{"X-Amz-Date": "20990101T000000Z"})),
        "an expired URL": fetch(altered(**{"X-Amz-Date": "20260101T000000Z"})),
        "a forged signature": fetch(altered(**{"X-Amz-Signature": signature[::-1]})),
        "no signature": fetch(altered(**{"X-Amz-Signature": None})),
        "no query": fetch(urlunsplit(parts._replace(query=""))),
        "a PUT": fetch(mine, "PUT"),
        "a DELETE": fetch(mine, "DELETE"),
    }
    assert statuses == dict.fromkeys(statuses, 403) | {
        "no signature": 400
    }  # the remaining parameters make it malformed
    assert (fetch(mine), fetch(other)) == (200, 200)
