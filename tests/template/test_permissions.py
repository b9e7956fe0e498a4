"""Least privilege: each role allows only what the function's environment and events require."""

import pytest

from tests.template.parsed import (
    FUNCTIONS,
    all_statements,
    as_list,
    functions,
    resources,
    template,
    variables,
    without_condition,
)
from tests.template.privileges import IN_A_VPC, PAGE, SHARED, VIDEOS, granted, label, needs, page, shared

WILDCARDS = {  # docs/reference/privileges.md gives the reason for each
    "*",
    "VideosBucket/bedrock/*",
    "VideosBucket/videos/*",
    "WebSocketApi/Environment/DELETE/@connections/*",
    "WebSocketApi/Environment/POST/@connections/*",
    "bedrock:async-invoke/*",
    "ec2:*/*",
}
INTERFACES = {action for action, where in IN_A_VPC if where != "*"}

SERVICE_ROLES = {"DeploymentRole"}
"""Roles that AWS services assume, not functions."""


def test_actions_contain_no_wildcards() -> None:
    actions = [action for statement in all_statements() for action in as_list(statement["Action"])]
    assert actions
    assert not [action for action in actions if "*" in action]


def test_wildcards_in_resources_are_documented() -> None:
    labels = {label(resource) for statement in all_statements() for resource in as_list(statement["Resource"])}
    assert {where for where in labels if "*" in where} == WILDCARDS
    reasons = PAGE.read_text().split("## Wildcards in resources")[1]
    assert [where for where in WILDCARDS if f"`{where}`" not in reasons] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_role_allows_exactly_what_its_function_needs(name: str) -> None:
    assert granted(name) == needs(name)


def test_shared_policy_allows_only_tracing_and_network_interfaces() -> None:
    assert shared() == SHARED | IN_A_VPC


def test_network_interfaces_are_allowed_to_lambda_but_denied_to_the_functions() -> None:
    [policy] = resources("AWS::IAM::ManagedPolicy").values()
    statements = policy["PolicyDocument"]["Statement"]
    in_a_vpc = [without_condition(statement) for statement in statements if statement.get("Fn::If", [""])[0] == "InVpc"]
    assert {
        (action, label(statement["Resource"]))
        for statement in in_a_vpc
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    } == IN_A_VPC
    [denied] = [statement for statement in in_a_vpc if statement["Effect"] == "Deny"]
    assert set(denied["Action"]) == INTERFACES
    assert list(denied["Condition"]["ArnLike"]) == ["lambda:SourceFunctionArn"]


def test_only_network_interfaces_are_denied() -> None:
    denying = [statement for statement in all_statements() if statement["Effect"] != "Allow"]
    assert [set(statement["Action"]) for statement in denying] == [INTERFACES]


def test_every_function_has_its_own_role_that_only_lambda_may_assume() -> None:
    roles = [function["Role"]["Fn::GetAtt"] for function in functions().values()]
    function_roles = {name: role for name, role in resources("AWS::IAM::Role").items() if name not in SERVICE_ROLES}
    assert set(roles) == {f"{name}.Arn" for name in function_roles}
    assert len(set(roles)) == len(FUNCTIONS)
    for role in function_roles.values():
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert role["ManagedPolicyArns"] == [{"Ref": "RuntimePolicy"}]


def test_only_render_writes_videos_and_only_functions_with_the_bucket_read_them() -> None:
    assert {name for name in FUNCTIONS if ("s3:PutObject", VIDEOS) in granted(name)} == {"render"}
    for name in FUNCTIONS:
        resources_of_s3 = {where for action, where in granted(name) if action.startswith("s3:")}
        assert bool(resources_of_s3) == ("VIDEOS_BUCKET" in variables(functions()[name]))


def test_every_queue_requires_tls() -> None:
    [policy] = resources("AWS::SQS::QueuePolicy").values()
    assert {queue["Ref"] for queue in policy["Queues"]} == set(resources("AWS::SQS::Queue"))
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert "Condition" not in template()["Resources"]["QueuesPolicy"]


def test_page_lists_the_privileges_of_each_function() -> None:
    assert PAGE.read_text() == page(), "Outdated. Run: PYTHONPATH=. .venv/bin/python -m tests.template.privileges"
