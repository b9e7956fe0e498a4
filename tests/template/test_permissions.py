"""Least privilege: a function may do what its environment and its events say it does, to just these resources."""

from typing import Any

import pytest

from tests.template.parsed import (
    FUNCTIONS,
    all_statements,
    as_list,
    events,
    functions,
    queue_of,
    resources,
    statements,
    variables,
)

UNNAMEABLE = {  # AWS lets these name no resource
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
VIDEOS = {"Fn::Sub": "${VideosBucket.Arn}/videos/*"}
BEDROCK_RESULTS = {"Fn::Sub": "${VideosBucket.Arn}/bedrock/*"}
BEDROCK_TASKS = {"Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:async-invoke/*"}
OPEN_CONNECTIONS = {
    "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    "${WebSocketApi}/${Environment}/*/@connections/*"
}


def _allowed(name: str, action: str) -> list[Any]:
    found = [each for each in statements(functions()[name]) if action in as_list(each["Action"])]
    resources = (resource for each in found for resource in as_list(each["Resource"]))
    return sorted((resource["Fn::If"][1] if "Fn::If" in resource else resource for resource in resources), key=str)


def _told(name: str, ending: str) -> list[str]:
    return sorted(value["Ref"] for key, value in variables(functions()[name]).items() if key.endswith(ending))


def _arn(queue: str) -> dict[str, str]:
    return {"Fn::GetAtt": f"{queue}.Arn"}


def test_no_action_is_a_wildcard() -> None:
    actions = [action for each in all_statements() for action in as_list(each["Action"])]
    assert actions
    assert not [action for action in actions if "*" in action]


def test_every_resource_that_can_be_named_is() -> None:
    for each in all_statements():
        assert each["Effect"] == "Allow"
        if each["Resource"] == "*":
            assert set(as_list(each["Action"])) <= UNNAMEABLE
        else:
            assert all(resource != "*" for resource in as_list(each["Resource"]))
            assert all(
                "*" not in str(resource) or resource in (VIDEOS, OPEN_CONNECTIONS, BEDROCK_RESULTS, BEDROCK_TASKS)
                for resource in as_list(each["Resource"])
            )


def test_every_function_has_a_role_of_its_own_that_lambda_alone_may_take() -> None:
    roles = [function["Role"]["Fn::GetAtt"] for function in functions().values()]
    assert len(set(roles)) == len(FUNCTIONS) == len(resources("AWS::IAM::Role"))
    for role in resources("AWS::IAM::Role").values():
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert role["ManagedPolicyArns"] == [{"Ref": "RuntimePolicy"}]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_writes_to_its_own_logs_alone(name: str) -> None:
    logs = functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert _allowed(name, "logs:PutLogEvents") == [_arn(logs)]
    assert _allowed(name, "logs:CreateLogStream") == [_arn(logs)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_reads_the_secrets_that_it_is_told_of(name: str) -> None:
    told = [{"Ref": secret} for secret in _told(name, "_SECRET_ARN")]
    assert _allowed(name, "secretsmanager:GetSecretValue") == told


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_sends_to_the_queues_that_it_is_told_of(name: str) -> None:
    assert _allowed(name, "sqs:SendMessage") == [_arn(queue) for queue in _told(name, "_QUEUE_URL")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_messages_from_the_queues_that_feed_it(name: str) -> None:
    fed = [_arn(queue) for queue in sorted(queue_of(event) for event in events(functions()[name], "SQS"))]
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        assert _allowed(name, action) == fed


def test_one_function_writes_videos_and_those_that_show_or_check_them_read() -> None:
    assert {name for name in FUNCTIONS if VIDEOS in _allowed(name, "s3:PutObject")} == {"render"}
    assert _allowed("worker", "s3:PutObject") == [BEDROCK_RESULTS]
    reading = {"jobs", "notifier", "realtime", "render", "status", "worker"}
    assert {name for name in FUNCTIONS if _allowed(name, "s3:GetObject")} == reading
    assert {name for name in FUNCTIONS if _allowed(name, "s3:DeleteObject")} == {
        "jobs",  # what a user deletes
        "worker",  # what a cancelled job left
        "render",  # what it has just stored, when the job was cancelled meanwhile
        "reconciler",  # the rest of what a user erases
    }
    for name in {"render", "reconciler"} | reading:
        assert variables(functions()[name])["VIDEOS_BUCKET"] == {"Ref": "VideosBucket"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_speaks_over_the_connections_that_it_is_told_of(name: str) -> None:
    told = [OPEN_CONNECTIONS] if "WEBSOCKET_API_URL" in variables(functions()[name]) else []
    assert _allowed(name, "execute-api:ManageConnections") == told


def test_a_function_may_do_nothing_else() -> None:
    services = {action.split(":")[0] for each in all_statements() for action in as_list(each["Action"])}
    assert services == {"logs", "secretsmanager", "sqs", "s3", "execute-api", "xray", "ec2", "bedrock"}
