"""What each function needs to do its work, by its environment and its events, and what its role grants; as labels.

A label is a thing's name in the template: `JobsQueue`, `MongoSecretArn`, `VideosBucket/videos/*`. `docs/privileges.md`
has the table that `page` writes:

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
    variables,
    without_condition,
)

type Privilege = tuple[str, str]
"""An action of IAM's, and the label of what it is done to; `*` where AWS lets it name nothing."""

PAGE = ROOT / "docs" / "privileges.md"
_BEGINNING, _END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"

VIDEOS, RESULTS, NAMES = "VideosBucket/videos/*", "VideosBucket/bedrock/*", "VideosBucket"
CONNECTIONS = "WebSocketApi/Environment/{}/@connections/*"
SHARED = frozenset({("xray:PutTraceSegments", "*"), ("xray:PutTelemetryRecords", "*")})
"""What every function may do: no trace belongs to anything that could be named."""
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
"""What Lambda itself does with every role, where the functions run in a VPC; the functions' own code may not."""

_VIDEOS = {
    "status": {"s3:GetObject"},  # each signs URLs, which are worth what their signer may do
    "notifier": {"s3:GetObject"},
    "realtime": {"s3:GetObject"},
    "jobs": {"s3:GetObject", "s3:DeleteObject"},  # what a user deletes
    "worker": {"s3:GetObject", "s3:DeleteObject"},  # looks whether a video is whole; what a cancelled job left
    "render": {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"},
    "reconciler": {"s3:DeleteObject"},  # the rest of what a user erases
}
_TELLS_MISSING_FROM_FORBIDDEN = ("worker", "render")
_BEDROCK: dict[str, set[Privilege]] = {
    "worker": {
        ("s3:PutObject", RESULTS),  # Bedrock writes the result as whoever has asked for it
        *((f"bedrock:{action}", "BedrockModelArn") for action in ("InvokeModel", "GetFoundationModel")),
        *(
            (f"bedrock:{action}", where)
            for action in ("StartAsyncInvoke", "GetAsyncInvoke", "ListAsyncInvokes")
            for where in ("BedrockModelArn", "bedrock:async-invoke/*")
        ),
    },
    "render": {("s3:GetObject", RESULTS), ("bedrock:GetAsyncInvoke", "bedrock:async-invoke/*")},
}


def needs(name: str, *, bedrock: bool = True) -> frozenset[Privilege]:
    """What a function's work takes, with Bedrock's share or without, and without what all functions may."""
    told = variables(functions()[name])
    found: set[Privilege] = set()
    own_logs = functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]
    found |= {(f"logs:{action}", own_logs) for action in ("CreateLogStream", "PutLogEvents")}
    found |= {("secretsmanager:GetSecretValue", it["Ref"]) for key, it in told.items() if key.endswith("_SECRET_ARN")}
    found |= {("sqs:SendMessage", it["Ref"]) for key, it in told.items() if key.endswith("_QUEUE_URL")}
    for event in events(functions()[name], "SQS"):
        found |= {(f"sqs:{it}", queue_of(event)) for it in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
    if "VIDEOS_BUCKET" in told:
        found |= {(action, VIDEOS) for action in _VIDEOS[name]}
    if name in _TELLS_MISSING_FROM_FORBIDDEN:
        found.add(("s3:ListBucket", NAMES))
    if "WEBSOCKET_API_URL" in told:
        found |= {("execute-api:ManageConnections", CONNECTIONS.format(method)) for method in ("POST", "DELETE")}
    return frozenset(found | (_BEDROCK.get(name, set()) if bedrock else set()))


def granted(name: str) -> frozenset[Privilege]:
    """What a function's own role allows, whatever the conditions, without what all roles share."""
    return frozenset(_pairs(statements(functions()[name])))


def shared() -> frozenset[Privilege]:
    """What the policy that all roles have allows, in a VPC too."""
    [policy] = resources("AWS::IAM::ManagedPolicy").values()
    found = (without_condition(each) for each in policy["PolicyDocument"]["Statement"])
    return frozenset(_pairs(each for each in found if each["Effect"] == "Allow"))


def _pairs(found: Iterable[dict[str, Any]]) -> Iterator[Privilege]:
    for each in found:
        for resource in as_list(each["Resource"]):
            yield from ((action, label(resource)) for action in as_list(each["Action"]))


def label(resource: Any) -> str:
    """A statement's resource, by the names that the template has for things."""
    if isinstance(resource, str):
        return resource
    [(function, value)] = resource.items()
    if function == "Fn::If":
        return label(value[1])
    if function == "Fn::GetAtt":
        return str(value).removesuffix(".Arn")
    if function == "Fn::Sub":
        short = re.sub(
            r"^arn:\$\{AWS::Partition\}:([\w-]+):\$\{AWS::Region\}:(?:\$\{AWS::AccountId\}|\*):", r"\1:", str(value)
        )
        short = short.removeprefix("execute-api:")
        return re.sub(r"\$\{(\w+)(?:\.Arn)?\}", r"\1", short)
    return str(value)


def page() -> str:
    """The page with its table as it should be."""
    before, rest = PAGE.read_text().split(_BEGINNING)
    after = rest.split(_END)[1]
    lines = ["| function | may | on |", "|---|---|---|"]
    for name in FUNCTIONS:
        by_label = sorted((where, action) for action, where in needs(name))
        grouped = [(where, [action for _, action in found]) for where, found in groupby(by_label, lambda it: it[0])]
        merged = sorted((actions, where) for where, actions in grouped)
        for number, (actions, found) in enumerate(groupby(merged, lambda it: it[0])):
            on = ", ".join(f"`{where}`" for _, where in found)
            lines.append(f"| {f'**{name}**' if number == 0 else ''} | {', '.join(actions)} | {on} |")
    return f"{before}{_BEGINNING}{'\n'.join(lines)}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page())
