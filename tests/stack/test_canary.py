"""A canary on the deployed system: what CodeDeploy does with an alias and an alarm, done here by hand.

CodeDeploy itself is AWS's alone. Its parts are real: a version that is published, an alias that gives it a tenth of the
API's calls, the answers of those calls, the alarm's rule as the template has it, and the alias that is moved back.
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
SHARE = 0.1
NOT_THERE = "0" * 24


@dataclass
class Canary:
    """The alias of one function, and the version that it stood at."""

    functions: Any
    name: str
    stable: str

    def publish(self, **variables: str) -> str:
        """A version with other environment variables; `$LATEST` is then as before."""
        kept = self.functions.get_function_configuration(FunctionName=self.name)["Environment"]
        changed = {"Variables": kept["Variables"] | variables}
        self.functions.update_function_configuration(FunctionName=self.name, Environment=changed)
        version: str = self.functions.publish_version(FunctionName=self.name)["Version"]
        self.functions.update_function_configuration(FunctionName=self.name, Environment=kept)
        return version

    def shift(self, candidate: str, share: float) -> None:
        """Give a version that share of the alias's calls."""
        weights = {candidate: share} if share else {}
        routing = {"AdditionalVersionWeights": weights}
        self.functions.update_alias(
            FunctionName=self.name, Name="live", FunctionVersion=self.stable, RoutingConfig=routing
        )

    def promote(self, version: str) -> None:
        """Give it all."""
        self.stable = version
        self.shift(version, 0)


@pytest.fixture
def canary(stack: Stack, deployed: Deployed) -> Iterator[Canary]:
    """Of `status`; afterwards everything is as it was."""
    functions, name = deployed.client("lambda"), stack.functions["status"]
    before = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    known = {each["Version"] for each in functions.list_versions_by_function(FunctionName=name)["Versions"]}
    made = Canary(functions, name, before)
    yield made
    made.promote(before)
    for each in functions.list_versions_by_function(FunctionName=name)["Versions"]:
        if each["Version"] not in known:
            functions.delete_function(FunctionName=name, Qualifier=each["Version"])


def rings(answers: Counter[int]) -> bool:
    """Whether ApiErrorsAlarm would, of these answers within its five minutes."""
    alarm = resources("AWS::CloudWatch::Alarm")["ApiErrorsAlarm"]
    [rule] = [metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric]
    least = re.fullmatch(r"IF\(errors >= (\d+), 100 \* errors / calls, 0\)", rule)
    assert least is not None, f"this test reads another rule than {rule}"
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    errors = sum(count for status, count in answers.items() if status >= 500)
    return errors >= int(least[1]) and 100 * errors / answers.total() > alarm["Threshold"]


def call(user: User, what: str) -> Counter[int]:
    """Many calls; their statuses."""
    answers = Counter(user.call("GET", f"/api/videos/{NOT_THERE}").status for _ in range(CALLS))
    print(f"{what:32} {dict(sorted(answers.items()))}  alarm: {'rings' if rings(answers) else 'silent'}")  # noqa: T201 - `pytest -s` shows the run
    return answers


def test_a_version_that_fails_gets_a_tenth_of_the_calls_and_is_taken_back(canary: Canary, user: User) -> None:
    assert not rings(call(user, "the stable version"))
    broken = canary.publish(READ_CALLS_PER_MINUTE="many")  # it can't even start
    canary.shift(broken, SHARE)
    answers = call(user, f"a tenth to version {broken}, broken")
    assert rings(answers)
    assert answers[404] > CALLS * 0.7, "more than its share went to the broken version"
    canary.shift(broken, 0)
    assert call(user, "taken back") == {404: CALLS}


def test_a_version_that_is_well_gets_all_in_the_end(canary: Canary, deployed: Deployed, stack: Stack) -> None:
    well = canary.publish(LOG_LEVEL="WARNING")
    canary.shift(well, SHARE)
    assert not rings(call(User(stack), f"a tenth to version {well}, well"))
    canary.promote(well)
    assert call(User(stack), "all of it") == {404: CALLS}
    alias = deployed.client("lambda").get_alias(FunctionName=canary.name, Name="live")
    assert (alias["FunctionVersion"], alias.get("RoutingConfig")) == (well, None)
