"""`make test-real` on the local AWS, with the rights that docs/guides/verify.md lists and no others."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.stack.deployed import Deployed
from tests.template.parsed import ROOT, as_list
from tests.template.resolved import policies

_USER = "verifier"
_MISNAMED = "lambda:ListEventSourceMappings"
"""The action that the local AWS requires for GetEventSourceMapping."""
_SELECTED = "(not simulator or status) and not every_route"
"""Tests that show the rights: one function is simulated, and one route of the API is enough."""
_PARTS = ("test_alarms.py", "test_configuration.py", "test_edge.py", "test_privileges.py")
"""The modules whose tests only read."""


@pytest.fixture
def credentials(deployed: Deployed) -> Iterator[dict[str, str]]:
    """Yield the variables of a user with the actions of the workflow's role, and delete the user.

    The local AWS does not know the resource and the condition keys of every call, so the policy has neither.
    `tests/template/test_rights.py` and `test_policies.py` check them.
    """
    actions = [action for it in policies("dev")["VerifyRole"]["Statement"] for action in as_list(it["Action"])]
    statement = {"Effect": "Allow", "Action": [*actions, _MISNAMED], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = deployed.client("iam")
    iam.create_user(UserName=_USER)
    iam.put_user_policy(UserName=_USER, PolicyName=_USER, PolicyDocument=policy)
    key = iam.create_access_key(UserName=_USER)["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    iam.delete_access_key(UserName=_USER, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=_USER, PolicyName=_USER)
    iam.delete_user(UserName=_USER)


def test_a_user_with_the_listed_rights_can_verify_the_stack(deployed: Deployed, credentials: dict[str, str]) -> None:
    variables = {
        **os.environ,
        **credentials,
        "AWS_ENDPOINT_URL": str(deployed.endpoint_url),
        "AWS_DEFAULT_REGION": deployed.region,
        "VERIFY_STACK": deployed.stack_name,
    }
    arguments = [
        "--quiet",
        "-rfE",
        "--tb=line",
        "-k",
        _SELECTED,
        *(f"tests/stack/{it}" for it in _PARTS),
    ]
    verified = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "AccessDenied" not in verified.stdout
    assert re.search(r"verified\b.*drift, which fails no test\b.*not verified\b", verified.stdout, re.DOTALL)
    assert "simulator confirms the role including harmful calls" in verified.stdout
