"""Roles of infrastructure/github.yaml: what a deployment can and cannot do, and the boundary of the created roles."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from localcloud.overlay import ENVIRONMENT, adapt
from tests.template.handlers import FUNCTION, NOT_NEEDED, STACK, actions, kinds, resources
from tests.template.iam import Request, decide
from tests.template.parsed import as_list, template
from tests.template.refusals import PAGE, cases, decisions, page
from tests.template.resolved import ACCOUNT, IAM, policies, resolved_roles


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.role} {case.action} {case.on}")
def test_request_is_decided_as_the_page_says(case: Any) -> None:
    assert decisions()[case.role, case.action, case.on] is case.allowed


def test_page_has_the_decisions_of_the_evaluator() -> None:
    assert PAGE.read_text() == page(), "run `PYTHONPATH=. .venv/bin/python -m tests.template.refusals`"


def test_deployment_can_do_what_cloudformation_needs() -> None:
    policy = policies("prod", HostedZoneId="ZOWN")["ExecutionRole"]
    context = {
        "aws:RequestTag/stack": STACK,
        "aws:ResourceTag/stack": STACK,
        "iam:PassedToService": "lambda.amazonaws.com",
        "iam:PermissionsBoundary": f"{IAM}:policy/{STACK}-boundary",
        "iam:PolicyARN": f"{IAM}:policy/{STACK}-RuntimePolicy-x",
        "lambda:FunctionArn": FUNCTION,
    }
    needed = [(kind, action) for kind in kinds() for action in sorted(actions(kind))]
    requests = [
        (kind, action, Request(policy, action, resource, context))
        for kind, action in needed
        for resource in resources(kind, action)
    ]
    decided = decide([request for _, _, request in requests])
    allowed = {(kind, action) for (kind, action, _), it in zip(requests, decided, strict=True) if it}
    refused = [pair for pair in needed if pair not in allowed]
    assert len(allowed) > 200
    unexplained = [
        (kind, action) for kind, action in refused if not any(fnmatchcase(action, pattern) for pattern in NOT_NEEDED)
    ]
    assert unexplained == []
    explained = {pattern for pattern in NOT_NEEDED for _, action in refused if fnmatchcase(action, pattern)}
    assert explained == set(NOT_NEEDED), "a reason is not used"


def test_deployer_can_create_and_run_a_change_set_with_the_execution_role() -> None:
    policy = policies("dev")["DeployRole"]
    stack = f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/videojobs-dev/1"
    execution = f"{IAM}:role/videojobs-dev-execution"
    passed = {"iam:PassedToService": "cloudformation.amazonaws.com"}
    requests = [
        *(Request(policy, f"cloudformation:{action}", stack) for action in ("CreateChangeSet", "ExecuteChangeSet")),
        Request(policy, "iam:PassRole", execution, passed),
        Request(policy, "iam:PassRole", execution, {"iam:PassedToService": "lambda.amazonaws.com"}),
        Request(policy, "iam:PassRole", f"{IAM}:role/videojobs-dev-StatusRole-x", passed),
    ]
    assert decide(requests) == [True, True, True, False, False]


# ---------------------------------------------------------------- the boundary

UNKNOWN = {"bedrock:StartAsyncInvoke"}
"""Actions of roles that IAM does not have: this call needs bedrock:InvokeModel."""


def test_every_role_of_a_deployment_has_the_boundary_if_the_environment_has_one() -> None:
    for environment, row in template()["Mappings"]["Environments"].items():
        assert row["Boundary"] in {"true", "false"}
        for name, role in resolved_roles(environment, boundary=True).items():
            assert role["PermissionsBoundary"] == f"{IAM}:policy/videojobs-{environment}-boundary", name
        for name, role in resolved_roles(environment, boundary=False).items():
            assert "PermissionsBoundary" not in role, name


def test_nested_stacks_and_the_local_system_need_no_boundary() -> None:
    assert "AWS::IAM::" not in json.dumps(template("monitoring"))
    local = adapt(dict(template()), "http://127.0.0.1:4566", {})
    assert local["Mappings"]["Environments"][ENVIRONMENT]["Boundary"] == "false"


def test_boundary_allows_all_that_the_roles_allow_and_no_other_action() -> None:
    parameters = {"SecretArns": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:any-AbCdEf"}
    boundary = policies("prod", **parameters)["Boundary"]
    granted = [
        (name, action, resource.replace("*", "x") if resource != "*" else "*")
        for name, role in resolved_roles("prod", boundary=True).items()
        for statement in role["Statements"]
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        if action not in UNKNOWN
        for resource in as_list(statement["Resource"])
    ]
    decided = decide([Request(boundary, action, resource) for _, action, resource in granted])
    assert [it for it, allowed in zip(granted, decided, strict=True) if not allowed] == []
    assert {action for statement in boundary["Statement"] for action in as_list(statement["Action"])} == {
        action for _, action, _ in granted
    }


def test_function_code_cannot_change_network_interfaces_even_with_all_permissions() -> None:
    boundary = policies("dev")["Boundary"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    interface = f"arn:aws:ec2:eu-central-1:{ACCOUNT}:network-interface/x"
    by_code = {"lambda:SourceFunctionArn": FUNCTION}
    action = "ec2:CreateNetworkInterface"
    assert decide(
        [
            Request(everything, action, interface, boundary=boundary),
            Request(everything, action, interface, by_code, boundary=boundary),
        ]
    ) == [True, False]


def test_policies_are_within_the_limits_of_iam() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    documents = policies("staging", HostedZoneId="Z" * 32, SecretArns=",".join(["x" * 120] * 4))
    sizes = {name: len(json.dumps(it, separators=(",", ":"))) for name, it in documents.items()}
    assert sizes["Boundary"] <= 6144
    for name in ("DeployRole", "ExecutionRole", "VerifyRole"):
        assert sizes[name] <= 10_240
