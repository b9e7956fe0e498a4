"""Decisions of IAM about requests, by the policy evaluator of MiniStack, which knows boundaries and conditions."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.environment import ENVIRONMENTS
from tests.template.parsed import ROOT

type Policy = Mapping[str, Any]

_EVALUATOR = """
import json, sys
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

documents, requests = json.load(sys.stdin)
policies = [[parse_policy_document(document)] for document in documents]

def decide(policy, boundary, action, resource, context):
    request = EvalContext(
        principal_arn="", principal_type="AssumedRole", principal_account="", region="",
        action=action, resource_arn=resource,
        service_context={key.lower(): value for key, value in context.items()},
    )
    return evaluate(request, policies[policy], *([] if boundary is None else [policies[boundary]])).decision

print(json.dumps([decide(*request) for request in requests]))
"""


@dataclass(frozen=True, slots=True)
class Request:
    """Request of a role that has one policy."""

    policy: Policy
    """The role's policy document, or its trust policy."""
    action: str
    resource: str
    """ARN, or `*` for an action without resource-level permissions."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Values of condition keys. IAM ignores the case of a key."""
    boundary: Policy | None = None
    """The role's permissions boundary; None if it has none."""


def decide(requests: Sequence[Request]) -> list[bool]:
    """Return for each request whether IAM allows it. Service control policies are not considered."""
    documents: list[Policy] = []

    def number_of(document: Policy | None) -> int | None:
        if document is not None and document not in documents:
            documents.append(document)
        return None if document is None else documents.index(document)

    numbered = [
        (number_of(it.policy), number_of(it.boundary), it.action, it.resource, dict(it.context)) for it in requests
    ]
    [python] = [environment.python for environment in ENVIRONMENTS if environment.name == "local cloud"]
    evaluated = subprocess.run(
        [str(python), "-c", _EVALUATOR],
        cwd=ROOT,
        input=json.dumps([documents, numbered]),
        capture_output=True,
        text=True,
        check=True,
    )
    return [decision == "Allow" for decision in json.loads(evaluated.stdout)]
