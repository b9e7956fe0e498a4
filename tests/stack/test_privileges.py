"""Least privilege in the deployed system: each function tries, by its own role, everything that is there to be done.

What it needs is let through, all else is refused: what its role says is enforced, and its role says no more.
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

ALLOWED, REFUSED = "may", "may not"


@pytest.fixture(scope="module")
def tried(deployed: Deployed) -> Iterator[list[Attempt]]:
    """All that can be tried, a secret of somebody else's included: here there is one, elsewhere just a name."""
    if Environment.named():
        yield attempts(
            deployed, foreign_secret=deployed.arn("secretsmanager", f"secret:{name_foreign_secret()}-abcdef")
        )
        return
    secrets = deployed.client("secretsmanager")
    made = secrets.create_secret(Name=name_foreign_secret(), SecretString="of nobody's concern")
    yield attempts(deployed, foreign_secret=made["ARN"])
    secrets.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def impostor(deployed: Deployed) -> Impostor:
    """Whoever it is told to be."""
    return Impostor(deployed)


def wrong(name: str, found: dict[Attempt, str], wanted: dict[Attempt, str]) -> list[str]:
    """What became of attempts that should have become the opposite, in words."""
    return [f"{name} {found[it]} {it.action} on {it.label} ({it.arn})" for it in wanted if found[it] != wanted[it]]


def verdicts(deployed: Deployed, name: str, tried: list[Attempt]) -> dict[Attempt, str]:
    """What ought to become of each attempt."""
    needed = needs(name, bedrock=bool(deployed.described.parameters["BedrockModelArn"])) | SHARED
    return {each: ALLOWED if (each.action, each.label) in needed else REFUSED for each in tried}


@pytest.mark.reads
def test_every_function_of_the_template_is_deployed_and_no_other(deployed: Deployed) -> None:
    assert sorted(deployed.functions) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_can_do_its_work_and_nothing_else(
    deployed: Deployed, impostor: Impostor, tried: list[Attempt], name: str
) -> None:
    real = [each for each in tried if each.call is not None]
    impostor.become(name)
    found = {each: REFUSED if impostor.is_refused(each) else ALLOWED for each in real}
    for each, verdict in found.items():
        print(f"{name} {verdict} {each.action} on {each.label}")  # noqa: T201 - the matrix, with -s
    assert wrong(name, found, verdicts(deployed, name, real)) == []
    assert set(found.values()) == {ALLOWED, REFUSED}


@pytest.mark.reads
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_simulator_says_the_same_of_what_can_not_be_tried_without_harm(
    deployed: Deployed, tried: list[Attempt], name: str
) -> None:
    told = {each: ALLOWED if may else REFUSED for each, may in simulate(deployed, name, tried).items()}
    assert wrong(name, told, verdicts(deployed, name, tried)) == []


@pytest.mark.reads
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_that_a_role_allows_goes_untried(deployed: Deployed, tried: list[Attempt], name: str) -> None:
    """A privilege of a new kind has to be added to the attempts, else nobody would see who else has it."""
    iam, role = deployed.client("iam"), deployed.functions[name]["Role"].rsplit("/", 1)[1]
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
        documents.append(found["PolicyVersion"]["Document"])
    allowed = {
        action
        for document in documents
        for statement in document["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert allowed
    assert allowed <= {each.action for each in tried}


def test_a_process_has_the_credentials_of_its_functions_role(
    deployed: Deployed, user: User, cloud: CloudConfig
) -> None:
    """What the other tests take is what the functions are given."""
    user.call("GET", "/api/videos")  # now there is one at least
    workers = [process for process in find_processes(cloud.state) if process.function]
    roles = {it["FunctionName"]: it["Role"].rsplit("/", 1)[1] for it in deployed.functions.values()}
    for worker in workers:
        given = read_variables(worker)
        caller = boto3.Session(
            given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"], given["AWS_SESSION_TOKEN"], deployed.region
        )
        arn = caller.client("sts", endpoint_url=deployed.endpoint_url).get_caller_identity()["Arn"]
        assert arn.split("/")[1] == roles[worker.function]
    assert workers


def fetch(url: str, method: str = "GET") -> int:
    """The status of the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.mark.writes
@pytest.mark.usefixtures("pixels")
def test_a_presigned_url_opens_what_it_was_made_for_and_nothing_else(user: User) -> None:
    job_ids = [user.submit(style="background") for _ in range(2)]
    mine, other = (user.wait(job_id)["videoUrl"] for job_id in job_ids)
    parts = urlsplit(mine)
    query = dict(parse_qsl(parts.query))

    def altered(path: str = parts.path, **changes: str | None) -> str:
        kept = {name: value for name, value in {**query, **changes}.items() if value is not None}
        return urlunsplit(parts._replace(path=path, query=urlencode(kept)))

    signature = query["X-Amz-Signature"]
    refused = {
        "another video": fetch(altered(path=urlsplit(other).path)),
        "another folder": fetch(altered(path=parts.path.replace("/videos/", "/bedrock/"))),
        "the bucket": fetch(altered(path=f"/{parts.path.split('/')[1]}")),
        "a longer life": fetch(altered(**{"X-Amz-Expires": str(int(query["X-Amz-Expires"]) * 2)})),
        "a later birth": fetch(altered(**{"X-Amz-Date": "20990101T000000Z"})),
        "a life that is over": fetch(altered(**{"X-Amz-Date": "20260101T000000Z"})),
        "a signature that is made up": fetch(altered(**{"X-Amz-Signature": signature[::-1]})),
        "no signature": fetch(altered(**{"X-Amz-Signature": None})),
        "nothing but the address": fetch(urlunsplit(parts._replace(query=""))),
        "a PUT": fetch(mine, "PUT"),
        "a DELETE": fetch(mine, "DELETE"),
    }
    assert refused == dict.fromkeys(refused, 403) | {"no signature": 400}  # with the rest of one, it is no request
    assert (fetch(mine), fetch(other)) == (200, 200)
