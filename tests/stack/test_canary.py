"""Canary deployment on the deployed system: the test does by hand what CodeDeploy does with an alias and an alarm.

CodeDeploy exists only on AWS. The other parts are real: a published version, an alias that routes a tenth of the API's
calls to it, the responses, the alarm's expression from the template, and the rollback of the alias.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.stack import Stack
from tests.stack.client import User
from tests.stack.deployed import Deployed
from tests.template.parsed import resources

CALLS = 200
"""Calls while two versions share them: with fewer, the tenth is too often below the alarm's minimum of errors."""
CALLS_OF_ONE_VERSION = 60
"""Calls while one version has all. If a tenth still failed, the chance that none of these would is 0.2 %."""
SHARE = 0.1
NOT_THERE = "0" * 24


@dataclass
class Canary:
    """The alias of one function, and its stable version."""

    functions: Any
    name: str
    stable: str

    def publish(self, **variables: str) -> str:
        """Publish a version with changed environment variables, and restore `$LATEST`. Return the version."""
        kept = self.functions.get_function_configuration(FunctionName=self.name)["Environment"]
        changed = {"Variables": kept["Variables"] | variables}
        self.functions.update_function_configuration(FunctionName=self.name, Environment=changed)
        version: str = self.functions.publish_version(FunctionName=self.name)["Version"]
        self.functions.update_function_configuration(FunctionName=self.name, Environment=kept)
        return version

    def shift(self, candidate: str, share: float) -> None:
        """Route a share (0 to 1) of the alias's calls to a version."""
        weights = {candidate: share} if share else {}
        routing = {"AdditionalVersionWeights": weights}
        self.functions.update_alias(
            FunctionName=self.name, Name="live", FunctionVersion=self.stable, RoutingConfig=routing
        )

    def promote(self, version: str) -> None:
        """Route all calls to a version."""
        self.stable = version
        self.shift(version, 0)


@pytest.fixture
def canary(stack: Stack, deployed: Deployed) -> Iterator[Canary]:
    """Yield a canary of `status`; restore the alias and delete new versions afterwards."""
    functions, name = deployed.client("lambda"), stack.functions["status"]
    before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    known = {version["Version"] for version in functions.list_versions_by_function(FunctionName=name)["Versions"]}
    deployment = Canary(functions, name, before)
    yield deployment
    deployment.promote(before)
    for version in functions.list_versions_by_function(FunctionName=name)["Versions"]:
        if version["Version"] not in known:
            functions.delete_function(FunctionName=name, Qualifier=version["Version"])


def is_alarm(statuses: Counter[int]) -> bool:
    """Return True if ApiErrorsAlarm would be in ALARM after these responses, if all fall in its five minutes."""
    alarm = resources("AWS::CloudWatch::Alarm")["ApiErrorsAlarm"]
    [rule] = [metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric]
    minimum = re.fullmatch(r"IF\(errors >= (\d+), 100 \* errors / calls, 0\)", rule)
    assert minimum is not None, f"this test can't evaluate the expression {rule}"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    errors = sum(count for status, count in statuses.items() if status >= 500)
    return errors >= int(minimum[1]) and 100 * errors / statuses.total() > alarm["Threshold"]


def call(user: User, what: str, calls: int) -> Counter[int]:
    """Make `calls` calls. Return the number of responses by status."""
    statuses = Counter(user.call("GET", f"/api/videos/{NOT_THERE}").status for _ in range(calls))
    print(f"{what:32} {dict(sorted(statuses.items()))}  alarm: {'ALARM' if is_alarm(statuses) else 'OK'}")  # noqa: T201 - `pytest -s` shows the run
    return statuses


def test_failing_version_gets_a_tenth_of_the_calls_and_is_rolled_back(canary: Canary, user: User) -> None:
    assert not is_alarm(call(user, "the stable version", CALLS_OF_ONE_VERSION))
    broken = canary.publish(READ_CALLS_PER_MINUTE="many")  # it can't start
    canary.shift(broken, SHARE)
    statuses = call(user, f"a tenth to version {broken}, broken", CALLS)
    assert is_alarm(statuses)
    assert statuses[404] > CALLS * 0.7, "the broken version received more than its share"
    canary.shift(broken, 0)
    assert call(user, "rolled back", CALLS_OF_ONE_VERSION) == {404: CALLS_OF_ONE_VERSION}


def test_healthy_version_gets_all_calls_in_the_end(canary: Canary, deployed: Deployed, stack: Stack) -> None:
    healthy = canary.publish(LOG_LEVEL="WARNING")
    canary.shift(healthy, SHARE)
    assert not is_alarm(call(User(stack), f"a tenth to version {healthy}, healthy", CALLS))
    canary.promote(healthy)
    assert call(User(stack), "promoted", CALLS_OF_ONE_VERSION) == {404: CALLS_OF_ONE_VERSION}
    alias = deployed.client("lambda").get_alias(FunctionName=canary.name, Name="live")
    assert (alias["FunctionVersion"], alias.get("RoutingConfig")) == (healthy, None)
