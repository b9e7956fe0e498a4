"""Least privilege: a function may do what its environment and its events say it does, to just these resources."""

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

WILDCARDS = {  # each has its reason in docs/privileges.md
    "*",
    "VideosBucket/bedrock/*",
    "VideosBucket/videos/*",
    "WebSocketApi/Environment/DELETE/@connections/*",
    "WebSocketApi/Environment/POST/@connections/*",
    "bedrock:async-invoke/*",
    "ec2:*/*",
}
INTERFACES = {action for action, where in IN_A_VPC if where != "*"}

OF_SERVICES = {"DeploymentRole", "ApiGatewayLogRole"}
"""Roles that no function takes."""


def test_no_action_is_a_wildcard() -> None:
    actions = [action for each in all_statements() for action in as_list(each["Action"])]
    assert actions
    assert not [action for action in actions if "*" in action]


def test_no_resource_is_a_wildcard_that_could_be_named_away() -> None:
    found = {label(resource) for each in all_statements() for resource in as_list(each["Resource"])}
    assert {where for where in found if "*" in where} == WILDCARDS
    reasons = PAGE.read_text().split("## Wildcards that stay")[1]
    assert [where for where in WILDCARDS if f"`{where}`" not in reasons] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_role_allows_what_its_function_needs_and_nothing_else(name: str) -> None:
    assert granted(name) == needs(name)


def test_all_roles_share_what_names_nothing() -> None:
    assert shared() == SHARED | IN_A_VPC


def test_network_interfaces_are_lambdas_business_and_not_the_functions_own() -> None:
    [policy] = resources("AWS::IAM::ManagedPolicy").values()
    written = policy["PolicyDocument"]["Statement"]
    in_a_vpc = [without_condition(each) for each in written if each.get("Fn::If", [""])[0] == "InVpc"]
    assert {
        (action, label(each["Resource"])) for each in in_a_vpc if each["Effect"] == "Allow" for action in each["Action"]
    } == IN_A_VPC
    [denied] = [each for each in in_a_vpc if each["Effect"] == "Deny"]
    assert set(denied["Action"]) == INTERFACES
    assert list(denied["Condition"]["ArnLike"]) == ["lambda:SourceFunctionArn"]


def test_what_is_denied_is_denied_on_purpose() -> None:
    denying = [each for each in all_statements() if each["Effect"] != "Allow"]
    assert [set(each["Action"]) for each in denying] == [INTERFACES]


def test_every_function_has_a_role_of_its_own_that_lambda_alone_may_take() -> None:
    roles = [function["Role"]["Fn::GetAtt"] for function in functions().values()]
    of_functions = {name: role for name, role in resources("AWS::IAM::Role").items() if name not in OF_SERVICES}
    assert set(roles) == {f"{name}.Arn" for name in of_functions}
    assert len(set(roles)) == len(FUNCTIONS)
    for role in of_functions.values():
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert role["ManagedPolicyArns"] == [{"Ref": "RuntimePolicy"}]


def test_one_function_writes_videos_and_only_those_that_know_the_bucket_read() -> None:
    assert {name for name in FUNCTIONS if ("s3:PutObject", VIDEOS) in granted(name)} == {"render"}
    for name in FUNCTIONS:
        touches = {where for action, where in granted(name) if action.startswith("s3:")}
        assert bool(touches) == ("VIDEOS_BUCKET" in variables(functions()[name]))


def test_every_queue_answers_over_tls_alone() -> None:
    [policy] = resources("AWS::SQS::QueuePolicy").values()
    assert {queue["Ref"] for queue in policy["Queues"]} == set(resources("AWS::SQS::Queue"))
    [statement] = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert template()["Resources"]["QueuesPolicy"]["Condition"] == "OnAws"


def test_the_page_tells_what_each_function_may_do() -> None:
    assert PAGE.read_text() == page(), "write it anew: PYTHONPATH=. .venv/bin/python -m tests.template.privileges"
