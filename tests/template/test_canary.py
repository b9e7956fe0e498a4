"""How calls move to a new version: at once by CloudFormation, or step by step by CodeDeploy, which heeds alarms."""

from graphlib import TopologicalSorter

import pytest

from tests.template.parsed import resources, template
from tests.template.translated import Resources, of_type, references, translate

CHOICES = template()["Parameters"]["DeploymentPreference"]["AllowedValues"]
GRADUAL = [name for name in CHOICES if name != "AllAtOnce"]
SHIFTED = translate(DeploymentPreference="Canary10Percent10Minutes")
GROUPS = of_type(SHIFTED, "AWS::CodeDeploy::DeploymentGroup")
TAKES_BACK = ["ApiErrorsAlarm", "ApiLatencyAlarm", "FailureRateAlarm", "WorkerErrorsAlarm"]


def kinds(deployed: Resources) -> set[str]:
    return {resource["Type"] for resource in deployed.values()}


def test_at_once_asks_nothing_of_codedeploy() -> None:
    at_once = translate()
    assert not any(kind.startswith("AWS::CodeDeploy") for kind in kinds(at_once))
    assert not any("UpdatePolicy" in alias for alias in of_type(at_once, "AWS::Lambda::Alias").values())


@pytest.mark.parametrize("choice", [GRADUAL[0], GRADUAL[-1]])
def test_every_alias_moves_as_the_parameter_says(choice: str) -> None:
    shifted = translate(DeploymentPreference=choice)
    groups = of_type(shifted, "AWS::CodeDeploy::DeploymentGroup")
    for name, alias in of_type(shifted, "AWS::Lambda::Alias").items():
        group = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]
        assert groups[group]["Properties"]["DeploymentConfigName"] == {
            "Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": choice}]
        }, name
    assert len(groups) == len(of_type(shifted, "AWS::Lambda::Alias"))


@pytest.mark.parametrize("group", GROUPS)
def test_an_alarm_takes_the_deployment_back(group: str) -> None:
    properties = GROUPS[group]["Properties"]
    names = [resources("AWS::CloudWatch::Alarm")[alarm]["AlarmName"] for alarm in TAKES_BACK]
    assert properties["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": name} for name in names]}
    assert properties["AutoRollbackConfiguration"]["Enabled"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]


@pytest.mark.parametrize("alarm", TAKES_BACK)
def test_a_deployment_takes_longer_than_its_alarms_look_back(alarm: str) -> None:
    properties = resources("AWS::CloudWatch::Alarm")[alarm]
    periods = [properties.get("Period", 0)]
    periods += [metric["MetricStat"]["Period"] for metric in properties.get("Metrics", []) if "MetricStat" in metric]
    looks_back = max(periods) * properties["EvaluationPeriods"]
    assert 0 < looks_back <= 300
    for choice in GRADUAL:
        pause = int(choice.removesuffix("s").removesuffix("Minute").rpartition("t" if "Canary" in choice else "y")[2])
        assert (pause if "Canary" in choice else pause * 9) * 60 > looks_back, choice


def test_the_role_may_turn_aliases_of_this_stack_and_look_at_its_alarms() -> None:
    role = SHIFTED["DeploymentRole"]
    assert role["Condition"] == "ShiftsTraffic"
    assert "CodeDeployServiceRole" not in SHIFTED, "SAM's own may do more"
    [policy] = role["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        [place] = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert place["Fn::Sub"].endswith(":${AWS::StackName}-*")


@pytest.mark.parametrize("choice", ["AllAtOnce", "Canary10Percent10Minutes"])
def test_nothing_stands_on_itself(choice: str) -> None:
    # cfn-lint looks for circles with the parameters' defaults alone, hence without CodeDeploy.
    deployed = translate(DeploymentPreference=choice)
    stands_on = {
        name: references({key: value for key, value in resource.items() if key != "Type"}) & set(deployed)
        for name, resource in deployed.items()
    }
    assert len(list(TopologicalSorter(stands_on).static_order())) == len(deployed)
