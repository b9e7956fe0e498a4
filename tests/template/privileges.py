"""Privileges that each function needs, by its environment and its events, and those that its role grants.

Resources are identified by labels, which are names of the template: `JobsQueue`, `MongoSecretArn`,
`VideosBucket/videos/*`. This command writes the table of docs/reference/privileges.md:

    PYTHONPATH=. .venv/bin/python -m tests.template.privileges
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from tests.template.parsed import (
    FUNCTIONS,
    ROOT,
    as_list,
    events,
    functions,
    queue_of,
    resources,
    statements,
    template,
    variables,
    without_condition,
)

type Privilege = tuple[str, str]
"""IAM action, and the label of its resource; `*` where AWS does not support a resource."""

PAGE = ROOT / "docs" / "reference" / "privileges.md"
_BEGINNING, _END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"

VIDEOS, RESULTS, NAMES = "VideosBucket/videos/*", "VideosBucket/bedrock/*", "VideosBucket"
CONNECTIONS = "WebSocketApi/Environment/{}/@connections/*"
SHARED = frozenset({("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")})
"""Privileges of every function. Traces do not belong to a resource that a policy could name."""
IN_A_VPC = frozenset(
    {
        ("ec2:DescribeNetworkInterfaces", "*"),
        ("ec2:DescribeSubnets", "*"),
        ("ec2:CreateNetworkInterface", "ec2:*/*"),
        ("ec2:DeleteNetworkInterface", "ec2:*/*"),
        ("ec2:AssignPrivateIpAddresses", "ec2:*/*"),
        ("ec2:UnassignPrivateIpAddresses", "ec2:*/*"),
    }
)
"""Privileges that Lambda itself needs for functions in a VPC. They are denied to the functions' own code."""

_VIDEOS = {
    "status": {"s3:GetObject"},  # these three sign URLs, which have the privileges of their signer
    "notifier": {"s3:GetObject"},
    "realtime": {"s3:GetObject"},
    "jobs": {"s3:GetObject", "s3:DeleteObject"},  # deletes videos for the user
    "worker": {"s3:GetObject", "s3:DeleteObject"},  # checks that a video is complete; deletes files of cancelled jobs
    "render": {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"},
    "reconciler": {"s3:DeleteObject"},  # deletes the remaining files of erased users
}
_DISTINGUISHES_MISSING_FROM_FORBIDDEN = ("worker", "render")
_BEDROCK: dict[str, set[Privilege]] = {
    "worker": {
        ("s3:PutObject", RESULTS),  # Bedrock writes the result with the privileges of the caller
        ("s3:DeleteObject", RESULTS),  # discards results that were copied
        *((f"bedrock:{action}", "BedrockModelArn") for action in ("InvokeModel", "GetFoundationModel")),
        *(
            (f"bedrock:{action}", where)
            for action in ("StartAsyncInvoke", "GetAsyncInvoke", "ListAsyncInvokes")
            for where in ("BedrockModelArn", "bedrock:async-invoke/*")
        ),
    },
    "render": {
        ("s3:GetObject", RESULTS),
        ("s3:DeleteObject", RESULTS),
        ("bedrock:GetAsyncInvoke", "bedrock:async-invoke/*"),
    },
}


def needs(name: str, *, bedrock: bool = True) -> frozenset[Privilege]:
    """Return the privileges that a function needs, without the shared ones.

    Those for Amazon Bedrock are included if `bedrock`.
    """
    shared_variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    environment = shared_variables | variables(functions()[name])
    privileges: set[Privilege] = set()
    own_logs = functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]
    privileges |= {(f"logs:{action}", own_logs) for action in ("CreateLogStream", "PutLogEvents")}
    privileges |= {
        ("secretsmanager:GetSecretValue", value["Ref"])
        for key, value in environment.items()
        if key.endswith("_SECRET_ARN")
    }
    privileges |= {
        ("sqs:SendMessage", value["Ref"]) for key, value in environment.items() if key.endswith("_QUEUE_URL")
    }
    for event in events(functions()[name], "SQS"):
        actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        privileges |= {(f"sqs:{action}", queue_of(event)) for action in actions}
    if "VIDEOS_BUCKET" in environment:
        privileges |= {(action, VIDEOS) for action in _VIDEOS[name]}
    if name in _DISTINGUISHES_MISSING_FROM_FORBIDDEN:
        privileges.add(("s3:ListBucket", NAMES))
    if "WEBSOCKET_API_URL" in environment:
        privileges |= {("execute-api:ManageConnections", CONNECTIONS.format(method)) for method in ("POST", "DELETE")}
    return frozenset(privileges | (_BEDROCK.get(name, set()) if bedrock else set()))


def granted(name: str) -> frozenset[Privilege]:
    """Return the privileges of a function's own role with all template conditions true, without the shared ones."""
    return frozenset(_pairs(statements(functions()[name])))


def shared() -> frozenset[Privilege]:
    """Return the privileges that the policy of all roles allows, including those for a VPC."""
    [policy] = resources("AWS::IAM::ManagedPolicy").values()
    shared_statements = (without_condition(statement) for statement in policy["PolicyDocument"]["Statement"])
    return frozenset(_pairs(statement for statement in shared_statements if statement["Effect"] == "Allow"))


def _pairs(policy_statements: Iterable[dict[str, Any]]) -> Iterator[Privilege]:
    for statement in policy_statements:
        for resource in as_list(statement["Resource"]):
            yield from ((action, label(resource)) for action in as_list(statement["Action"]))


def label(resource: Any) -> str:
    """Return the label of a statement's resource."""
    if isinstance(resource, str):
        return resource
    [(function, value)] = resource.items()
    if function == "Fn::If":
        return label(value[1])
    if function == "Fn::GetAtt":
        return str(value).removesuffix(".Arn")
    if function == "Fn::Sub":
        value = value[0].replace("${Region}", "${AWS::Region}") if isinstance(value, list) else value
        short = re.sub(
            r"^arn:\$\{AWS::Partition\}:([\w-]+):\$\{AWS::Region\}:(?:\$\{AWS::AccountId\}|\*):", r"\1:", str(value)
        )
        short = short.removeprefix("execute-api:")
        return re.sub(r"\$\{(\w+)(?:\.Arn)?\}", r"\1", short)
    return str(value)


def page() -> str:
    """Return docs/reference/privileges.md with its table replaced by the current one."""
    before, rest = PAGE.read_text().split(_BEGINNING)
    after = rest.split(_END)[1]
    lines = ["| function | may | on |", "|---|---|---|"]
    for name in FUNCTIONS:
        by_label = sorted((where, action) for action, where in needs(name))
        grouped = [(where, [action for _, action in pairs]) for where, pairs in groupby(by_label, lambda pair: pair[0])]
        merged = sorted((actions, where) for where, actions in grouped)
        for number, (actions, pairs) in enumerate(groupby(merged, lambda pair: pair[0])):
            on = ", ".join(f"`{where}`" for _, where in pairs)
            lines.append(f"| {f'**{name}**' if number == 0 else ''} | {', '.join(actions)} | {on} |")
    return f"{before}{_BEGINNING}{'\n'.join(lines)}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
