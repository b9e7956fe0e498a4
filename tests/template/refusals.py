"""Requests that the roles of infrastructure/github.yaml refuse or allow.

This command writes their table in docs/reference/deployment-roles.md:

    PYTHONPATH=. .venv/bin/python -m tests.template.refusals
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from tests.template.iam import Policy, Request, decide
from tests.template.parsed import ROOT
from tests.template.resolved import ACCOUNT, IAM, REGION, policies

PAGE = ROOT / "docs" / "reference" / "deployment-roles.md"
_BEGINNING, _END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
BOUNDARY = f"{IAM}:policy/videojobs-dev-boundary"
ADMINISTRATOR: Policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
"""The policy that an attacker would give to a role."""
DEPLOYER, EXECUTION, VERIFIER, CREATED = "deployer", "execution", "verifier", "a created role"


@dataclass(frozen=True, slots=True)
class Case:
    """One request of a role of the environment `dev`, and the decision that it must get."""

    role: str
    action: str
    on: str
    """Description of the resource."""
    request: Request
    allowed: bool = False


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


@cache
def cases() -> list[Case]:
    """Return all cases, in the order of the table."""
    return [
        *_of_execution_on_roles(),
        *_of_execution_on_resources(),
        *_of_deployer(),
        *_of_verifier(),
        *_of_created_roles(),
        *_of_tokens(),
    ]


@cache
def _execution() -> Policy:
    policy: Policy = policies("dev", HostedZoneId="ZOWN")["ExecutionRole"]
    return policy


def _case(
    action: str, on: str, resource: str, context: Mapping[str, str] | None = None, *, allowed: bool = False
) -> Case:
    return Case(EXECUTION, action, on, Request(_execution(), action, resource, context or {}), allowed)


def _of_execution_on_roles() -> Iterator[Case]:
    role, own_policy = f"{IAM}:role/videojobs-dev-x", f"{IAM}:policy/videojobs-dev-RuntimePolicy-x"
    bounded = {"iam:PermissionsBoundary": BOUNDARY}
    unbounded = {"iam:PermissionsBoundary": own_policy}
    administrator = {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    yield _case("iam:CreateRole", "a role without the boundary", role)
    yield _case("iam:CreateRole", "a role with another boundary", role, unbounded)
    yield _case("iam:CreateRole", "a role with the boundary", role, bounded, allowed=True)
    yield _case("iam:CreateRole", "a role of prod", f"{IAM}:role/videojobs-prod-x", bounded)
    yield _case("iam:PutRolePolicy", "a role without the boundary", role)
    yield _case("iam:PutRolePolicy", "a role with the boundary", role, bounded, allowed=True)
    yield _case("iam:AttachRolePolicy", "`AdministratorAccess`", role, bounded | administrator)
    yield _case(
        "iam:AttachRolePolicy", "a policy of the stack", role, bounded | {"iam:PolicyARN": own_policy}, allowed=True
    )
    yield _case("iam:DeleteRolePermissionsBoundary", "a role with the boundary", role, bounded)
    yield _case("iam:PutRolePermissionsBoundary", "another policy", role, unbounded)
    for action in ("CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy"):
        yield _case(f"iam:{action}", "the boundary", BOUNDARY)
    for name in (DEPLOYER, EXECUTION, VERIFIER):
        yield _case("iam:PutRolePolicy", f"the {name}'s role", f"{IAM}:role/videojobs-dev-{name}", bounded)
    yield _case("iam:UpdateAssumeRolePolicy", "the deployer's role", f"{IAM}:role/videojobs-dev-{DEPLOYER}")
    for service, allowed in (("lambda", True), ("codedeploy", True), ("ec2", False), ("cloudformation", False)):
        passed = {"iam:PassedToService": f"{service}.amazonaws.com"}
        yield _case("iam:PassRole", f"a role of the stack, to {service}", role, passed, allowed=allowed)
    to_lambda = {"iam:PassedToService": "lambda.amazonaws.com"}
    yield _case("iam:PassRole", "the execution role, to lambda", f"{IAM}:role/videojobs-dev-{EXECUTION}", to_lambda)


def _of_execution_on_resources() -> Iterator[Case]:
    for name, on, allowed in (
        ("videojobs-dev-GenerateFunction-x", "a function of the stack", True),
        ("videojobs-prod-GenerateFunction-x", "a function of prod", False),
        ("another", "another function of the account", False),
    ):
        function = _arn("lambda", f"function:{name}")
        yield _case("lambda:UpdateFunctionCode", on, function, allowed=allowed)
        yield _case("lambda:CreateEventSourceMapping", on, "*", {"lambda:FunctionArn": function}, allowed=allowed)
    for name, on, allowed in (
        ("videojobs-dev-common", "a layer of the stack", True),
        ("videojobs-prod-common", "a layer of prod", False),
        ("CommonLayer", "another layer of the account", False),
    ):
        yield _case("lambda:PublishLayerVersion", on, _arn("lambda", f"layer:{name}"), allowed=allowed)
    for name, on, allowed in (
        ("videojobs-dev-videos", "the stack's trail", True),
        ("management", "another trail", False),
    ):
        yield _case("cloudtrail:StopLogging", on, _arn("cloudtrail", f"trail/{name}"), allowed=allowed)
    key, of_prod = _arn("kms", "key/1"), {"aws:ResourceTag/stack": "videojobs-prod"}
    requested = {"aws:RequestTag/stack": "videojobs-dev"}
    for action in ("PutKeyPolicy", "ScheduleKeyDeletion"):
        yield _case(f"kms:{action}", "the stack's key", key, {"aws:ResourceTag/stack": "videojobs-dev"}, allowed=True)
        yield _case(f"kms:{action}", "a key of prod", key, of_prod)
        yield _case(f"kms:{action}", "another key", key)
    yield _case("kms:TagResource", "a key of prod, as the stack's key", key, of_prod | requested)
    yield _case("kms:CreateKey", "a key with the stack's tag", "*", requested, allowed=True)
    for zone, on, allowed in (("ZOWN", "the zone `HostedZoneId`", True), ("ZOTHER", "another zone", False)):
        yield _case("route53:ChangeResourceRecordSets", on, f"arn:aws:route53:::hostedzone/{zone}", allowed=allowed)
    yield _case("apigateway:PATCH", "the account's logging role", f"arn:aws:apigateway:{REGION}::/account")
    yield _case(
        "secretsmanager:GetSecretValue", "the MongoDB secret", _arn("secretsmanager", "secret:videojobs/dev/mongodb-x")
    )
    yield _case("s3:PutObject", "artifacts of dev", f"arn:aws:s3:::videojobs-artifacts-dev-{ACCOUNT}-{REGION}/x")
    yield _case("s3:GetObject", "videos of prod", "arn:aws:s3:::videojobs-prod-videosbucket-x/videos/x")


def _of_deployer() -> Iterator[Case]:
    policy = policies("dev")["DeployRole"]
    for environment, allowed in (("dev", True), ("prod", False)):
        artifact = f"arn:aws:s3:::videojobs-artifacts-{environment}-{ACCOUNT}-{REGION}/x"
        yield Case(
            DEPLOYER, "s3:PutObject", f"artifacts of {environment}", Request(policy, "s3:PutObject", artifact), allowed
        )
        stack = _arn("cloudformation", f"stack/videojobs-{environment}/1")
        action = "cloudformation:CreateChangeSet"
        yield Case(DEPLOYER, action, f"the stack of {environment}", Request(policy, action, stack), allowed)
    shared = Request(
        policy, "s3:PutObject", "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-x/videojobs-prod/x"
    )
    yield Case(DEPLOYER, "s3:PutObject", "the bucket of `resolve_s3`", shared)
    own = Request(policy, "cloudformation:CreateChangeSet", _arn("cloudformation", "stack/videojobs-dev-deployer/1"))
    yield Case(DEPLOYER, "cloudformation:CreateChangeSet", "the stack of these roles", own)


def _of_verifier() -> Iterator[Case]:
    policy = policies("dev")["VerifyRole"]
    function = _arn("lambda", "function:videojobs-dev-GenerateFunction-x")
    secret = _arn("secretsmanager", "secret:videojobs/dev/mongodb-x")
    stack = _arn("cloudformation", "stack/videojobs-dev/1")
    for action, on, resource in (
        ("lambda:UpdateFunctionCode", "a function of the stack", function),
        ("secretsmanager:GetSecretValue", "the MongoDB secret", secret),
        ("cloudformation:CreateChangeSet", "the stack of dev", stack),
        ("iam:PassRole", "the execution role", f"{IAM}:role/videojobs-dev-execution"),
    ):
        yield Case(VERIFIER, action, on, Request(policy, action, resource))


def _of_created_roles() -> Iterator[Case]:
    boundary = policies("dev")["Boundary"]
    for action, on, resource, allowed in (
        ("iam:CreateUser", "the account", f"{IAM}:user/x", False),
        ("iam:PutRolePolicy", "itself", f"{IAM}:role/videojobs-dev-x", False),
        ("sts:AssumeRole", "another role", f"{IAM}:role/videojobs-prod-x", False),
        ("lambda:UpdateFunctionCode", "a function of prod", _arn("lambda", "function:videojobs-prod-x"), False),
        (
            "secretsmanager:GetSecretValue",
            "a secret of dev",
            _arn("secretsmanager", "secret:videojobs/dev/jwt-x"),
            True,
        ),
        (
            "secretsmanager:GetSecretValue",
            "a secret of prod",
            _arn("secretsmanager", "secret:videojobs/prod/jwt-x"),
            False,
        ),
        ("s3:GetObject", "videos of dev", "arn:aws:s3:::videojobs-dev-videosbucket-x/videos/x", True),
        ("s3:GetObject", "videos of prod", "arn:aws:s3:::videojobs-prod-videosbucket-x/videos/x", False),
    ):
        yield Case(CREATED, action, on, Request(ADMINISTRATOR, action, resource, boundary=boundary), allowed)


def _of_tokens() -> Iterator[Case]:
    trusts, action = policies("dev"), "sts:AssumeRoleWithWebIdentity"
    for role, name, subject, allowed in (
        (DEPLOYER, "DeployRole", "repo:owner/videos:environment:dev", True),
        (DEPLOYER, "DeployRole", "repo:owner/videos:environment:prod", False),
        (DEPLOYER, "DeployRole", "repo:owner/videos:ref:refs/heads/main", False),
        (DEPLOYER, "DeployRole", "repo:owner/videos:pull_request", False),
        (DEPLOYER, "DeployRole", "repo:another/videos:environment:dev", False),
        (VERIFIER, "VerifyRole", "repo:owner/videos:ref:refs/heads/main", True),
        (VERIFIER, "VerifyRole", "repo:owner/videos:ref:refs/heads/branch", False),
        (VERIFIER, "VerifyRole", "repo:owner/videos:pull_request", False),
    ):
        issuer = "token.actions.githubusercontent.com"
        context = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}
        yield Case(role, action, f"`{subject}`", Request(trusts[f"{name}Trust"], action, "*", context), allowed)


@cache
def decisions() -> dict[tuple[str, str, str], bool]:
    """Return the decision of IAM for each case, by role, action and description."""
    decided = decide([case.request for case in cases()])
    return {(case.role, case.action, case.on): it for case, it in zip(cases(), decided, strict=True)}


def page() -> str:
    """Return docs/reference/deployment-roles.md with its table replaced by the evaluator's decisions."""
    before, rest = PAGE.read_text().split(_BEGINNING)
    lines = ["| role | action | on | decision |", "|---|---|---|---|"]
    for (role, action, on), allowed in decisions().items():
        lines.append(f"| {role} | {action} | {on} | {'allowed' if allowed else '**refused**'} |")
    table = "\n".join(lines)
    return f"{before}{_BEGINNING}{table}\n{_END}{rest.split(_END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page())
