"""Traffic shifting: all at once by CloudFormation, or gradually by CodeDeploy, which rolls back on alarms."""

from graphlib import TopologicalSorter

import pytest

from tests.template.parsed import resources, template
from tests.template.translated import Resources, of_type, references, translate

ENVIRONMENTS = template()["Mappings"]["Environments"]
GRADUAL = {
    name: row["DeploymentPreference"]
    for name, row in ENVIRONMENTS.items()
    if row["DeploymentPreference"] != "AllAtOnce"
}
SHIFTED = translate(Environment="prod")
GROUPS = of_type(SHIFTED, "AWS::CodeDeploy::DeploymentGroup")
ROLLBACK_ALARMS = ["ApiErrorsAlarm", "ApiLatencyAlarm", "FailureRateAlarm", "WorkerErrorsAlarm"]


def kinds(deployed: Resources) -> set[str]:
    return {resource["Type"] for resource in deployed.values()}


def test_all_at_once_does_not_use_codedeploy() -> None:
    at_once = translate(Environment="dev")
    assert not any(kind.startswith("AWS::CodeDeploy") for kind in kinds(at_once))
    assert not any("UpdatePolicy" in alias for alias in of_type(at_once, "AWS::Lambda::Alias").values())


def test_only_a_gradual_preference_uses_codedeploy() -> None:
    assert {name for name, row in ENVIRONMENTS.items() if row["ByCodeDeploy"] == "true"} == set(GRADUAL)


@pytest.mark.parametrize("environment", GRADUAL)
def test_every_alias_has_the_deployment_preference_of_the_environment(environment: str) -> None:
    shifted = translate(Environment=environment)
    groups = of_type(shifted, "AWS::CodeDeploy::DeploymentGroup")
    for name, alias in of_type(shifted, "AWS::Lambda::Alias").items():
        group = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]
        assert groups[group]["Properties"]["DeploymentConfigName"] == {
            "Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": GRADUAL[environment]}]
        }, name
    assert len(groups) == len(of_type(shifted, "AWS::Lambda::Alias"))


@pytest.mark.parametrize("group", GROUPS)
def test_alarms_roll_back_a_deployment(group: str) -> None:
    properties = GROUPS[group]["Properties"]
    names = [resources("AWS::CloudWatch::Alarm")[alarm]["AlarmName"] for alarm in ROLLBACK_ALARMS]
    assert properties["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": name} for name in names]}
    assert properties["AutoRollbackConfiguration"]["Enabled"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]


@pytest.mark.parametrize("alarm", ROLLBACK_ALARMS)
def test_deployment_takes_longer_than_the_evaluation_of_its_alarms(alarm: str) -> None:
    properties = resources("AWS::CloudWatch::Alarm")[alarm]
    periods = [properties.get("Period", 0)]
    periods += [metric["MetricStat"]["Period"] for metric in properties.get("Metrics", []) if "MetricStat" in metric]
    evaluated_seconds = max(periods) * properties["EvaluationPeriods"]
    assert 0 < evaluated_seconds <= 300
    for choice in GRADUAL.values():
        pause = int(choice.removesuffix("s").removesuffix("Minute").rpartition("t" if "Canary" in choice else "y")[2])
        assert (pause if "Canary" in choice else pause * 9) * 60 > evaluated_seconds, choice


def test_deployment_role_is_limited_to_resources_of_this_stack() -> None:
    role = SHIFTED["DeploymentRole"]
    assert role["Condition"] == "ShiftsTraffic"
    assert "CodeDeployServiceRole" not in SHIFTED, "the default role of SAM has more privileges"
    [policy] = role["Properties"]["Policies"]
    [aliases, alarms] = policy["PolicyDocument"]["Statement"]
    assert [resource["Fn::Sub"].endswith(":${AWS::StackName}-*") for resource in aliases["Resource"]] == [True]
    # The managed policy AWSCodeDeployRoleForLambdaLimited does not limit this action to alarms either.
    assert (alarms["Action"], alarms["Resource"]) == ("cloudwatch:DescribeAlarms", "*")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_resources_have_no_circular_dependencies(environment: str) -> None:
    # cfn-lint checks only the defaults of the parameters, which do not use CodeDeploy.
    deployed = translate(Environment=environment)
    dependencies = {
        name: references({key: value for key, value in resource.items() if key != "Type"}) & set(deployed)
        for name, resource in deployed.items()
    }
    assert len(list(TopologicalSorter(dependencies).static_order())) == len(deployed)
