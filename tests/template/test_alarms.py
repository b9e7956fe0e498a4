"""Alarms: their metrics exist, they notify at the right times, and each has a page in the runbook."""

import re
from typing import Any

import pytest

from localcloud import alarm_states
from tests.template.monitored import COMPOSITE_ALARM, STACK, alarms, anchor, complaints, metrics_of, monitoring
from tests.template.parsed import ROOT, functions, resources, template
from videojobs.observability import METRICS

ALARMS = alarms()
COMPOSITE = alarms(COMPOSITE_ALARM)
NAMES = {alarm["AlarmName"]: name for name, alarm in ALARMS.items()}
PARTS = {
    NAMES.get(part, part.strip("${}")): name
    for name, alarm in COMPOSITE.items()
    for part in re.findall(r'ALARM\("([^"]+)"\)', alarm["AlarmRule"])
}
TOPIC = [{"Ref": "AlarmTopic"}]
TOPIC_BY_NAME = ["arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-alarms"]
RUNBOOK = (ROOT / "docs" / "operations" / "runbook.md").read_text()
RATES = {"ApiErrors": 0.1, "FailureRate": 1.0}
"""Percentage of failures that docs/operations/slo.md allows."""


def description(name: str) -> re.Match[str]:
    """Return the match of an alarm's description: its kind (1), its sentence (2) and its page in the runbook (3).

    Raises:
        AssertionError: If the description has another form.
    """
    match = re.fullmatch(
        r"(Page|Ticket|Part): ([^.].+?)\. docs/operations/runbook\.md#([a-z-]+)", ALARMS[name]["AlarmDescription"]
    )
    assert match, f"{name}: a description consists of a kind, one sentence and a link"
    return match


@pytest.mark.parametrize("name", ALARMS)
def test_metrics_of_alarms_exist(name: str) -> None:
    metrics = metrics_of(ALARMS[name])
    assert metrics or name in COMPOSITE
    assert {metric: list(complaints(metric)) for metric in metrics.values() if list(complaints(metric))} == {}


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_notifies_when_it_starts_and_ends_unless_it_is_part_of_a_composite_alarm(name: str) -> None:
    alarm = ALARMS[name]
    if name in PARTS:
        assert description(name)[1] == "Part"
        assert not {"AlarmActions", "OKActions"} & set(alarm)
        assert description(name)[3] == description(PARTS[name])[3]
    else:
        assert description(name)[1] in {"Page", "Ticket"}
        assert alarm["AlarmActions"] == alarm["OKActions"]
        assert alarm["AlarmActions"] in (TOPIC, TOPIC_BY_NAME)


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_declares_the_treatment_of_missing_data(name: str) -> None:
    assert ("TreatMissingData" in ALARMS[name]) == (name not in COMPOSITE)


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_is_named_after_its_page_and_its_stack(name: str) -> None:
    own_name = ALARMS[name]["AlarmName"].removeprefix(f"{STACK}-")
    assert name in PARTS or own_name.startswith(description(name)[3])


def test_every_alarm_has_a_page_in_the_runbook_and_the_reverse() -> None:
    pages = RUNBOOK.split("\n## Alarms\n")[1].split("\n## ")[0]
    headings = [anchor(heading) for heading in re.findall(r"^### (.+)$", pages, re.MULTILINE)]
    assert sorted(headings) == sorted({description(name)[3] for name in ALARMS})


def test_page_begins_with_the_kind_of_its_alarm() -> None:
    for name in set(ALARMS) - set(PARTS):
        kind, page = description(name)[1], description(name)[3]
        assert f"\n### {page}\n\n{kind}. " in RUNBOOK, name


@pytest.mark.parametrize("document", ["runbook", "slo"])
def test_links_into_the_runbook_are_valid(document: str) -> None:
    text = (ROOT / "docs" / "operations" / f"{document}.md").read_text()
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)}
    links = set(re.findall(r"\((?:runbook\.md)?#([^)]+)\)", text))
    assert links
    assert links <= headings


def test_root_stack_has_the_alarms_that_roll_back_a_deployment() -> None:
    assert {"ApiErrorsAlarm", "ApiLatencyAlarm", "WorkerErrorsAlarm", "FailureRateAlarm"} == set(
        resources("AWS::CloudWatch::Alarm")
    )


def test_composite_alarm_is_created_after_the_alarms_of_the_root_stack() -> None:
    # CloudWatch rejects a composite alarm of an alarm that does not exist.
    parts = set(PARTS) & set(resources("AWS::CloudWatch::Alarm"))
    assert set(template()["Resources"]["Monitoring"]["DependsOn"]) == parts


@pytest.mark.parametrize("name", ["AlarmTopic", "Dashboard", *ALARMS])
def test_name_begins_with_the_name_of_the_root_stack(name: str) -> None:
    properties = monitoring()[name]["Properties"]
    assert next(properties[key] for key in ("TopicName", "DashboardName", "AlarmName") if key in properties).startswith(
        f"{STACK}-"
    )


def test_topic_has_the_name_that_the_alarms_of_the_root_stack_use() -> None:
    topic = monitoring()["AlarmTopic"]["Properties"]
    assert TOPIC_BY_NAME[0].endswith(f":{topic['TopicName']}")


def test_metric_math_uses_at_most_ten_metrics() -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    for name, alarm in ALARMS.items():
        assert sum("MetricStat" in entry for entry in alarm.get("Metrics", ())) <= 10, name


def test_age_alarm_of_a_queue_exceeds_its_longest_delay_and_run() -> None:
    ages = {
        metric.dimensions["QueueName"]: alarm["Threshold"]
        for alarm in ALARMS.values()
        for metric in metrics_of(alarm).values()
        if metric.name == "ApproximateAgeOfOldestMessage"
    }
    worker, render = (functions()[name]["Timeout"] for name in ("worker", "render"))
    for prefix in ("", "High"):
        assert ages[f"${{{prefix}JobsQueue.QueueName}}"] >= 900 + worker
        assert ages[f"${{{prefix}RenderQueue.QueueName}}"] >= 300 + render
    assert ages["${EventsQueue.QueueName}"] > 2 * functions()["notifier"]["Timeout"]


def test_errors_of_every_function_have_an_alarm() -> None:
    measured = {
        metric.dimensions["FunctionName"]
        for alarm in ALARMS.values()
        for metric in metrics_of(alarm).values()
        if metric.name == "Errors"
    }
    names = {f"${{{name}}}" for name in resources("AWS::Serverless::Function")}
    assert names - measured == {"${IndexesFunction}"}, "an error of IndexesFunction fails the deployment"


def fires(name: str, **values: float) -> bool:
    """Return whether an alarm fires for one period with these values; other metrics have no data."""
    return alarm_states.fires(ALARMS[name], values)


@pytest.mark.parametrize("name", [name for name in PARTS if name.startswith("FailureRate")])
def test_failures_caused_by_the_request_do_not_count_against_the_objective(name: str) -> None:
    assert not fires(name, failed=50, rejected=30, invalid=20)
    assert fires(name, failed=50, rejected=30)


@pytest.mark.parametrize("name", PARTS)
def test_single_failure_or_missing_data_does_not_fire_a_burn_rate_alarm(name: str) -> None:
    assert not fires(name)
    assert not fires(name, failed=1)
    assert not fires(name, errors=1, calls=1)
    assert fires(name, failed=5, errors=5, calls=5)


@pytest.mark.parametrize("name", PARTS)
def test_threshold_is_the_burn_rate_of_the_window(name: str) -> None:
    rate = RATES[next(prefix for prefix in RATES if name.startswith(prefix))]
    [seconds] = {entry["MetricStat"]["Period"] for entry in ALARMS[name]["Metrics"] if "MetricStat" in entry}
    burn = {300: 14.4, 3600: 14.4, 1800: 6, 21600: 6}[seconds]
    assert ALARMS[name]["Threshold"] == pytest.approx(burn * rate)


@pytest.mark.parametrize("name", COMPOSITE)
def test_composite_alarm_requires_a_long_and_a_short_window(name: str) -> None:
    windows = {
        part: {entry["MetricStat"]["Period"] for entry in ALARMS[part]["Metrics"] if "MetricStat" in entry}.pop()
        for part, whole in PARTS.items()
        if whole == name
    }
    rule = COMPOSITE[name]["AlarmRule"]
    rule_of_windows = re.sub(
        r'ALARM\("([^"]+)"\)', lambda match: f"{windows[NAMES.get(match[1], match[1].strip('${}'))]:.0f}", rule
    )
    assert rule_of_windows == "(300 AND 3600) OR (1800 AND 21600)"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"completed": 0, "waiting": 400}, True),
        ({"waiting": 400}, True),
        ({"completed": 3, "waiting": 400}, False),
        ({"waiting": 0}, False),
        ({}, False),
    ],
)
def test_no_completions_alarm_fires_only_while_jobs_wait(values: dict[str, float], expected: bool) -> None:
    assert fires("NoCompletionsAlarm", **values) is expected


def test_every_sweep_publishes_the_metrics_of_the_no_completions_alarm() -> None:
    # FILL may not fill a metric that has never had data, as in a stack whose worker has never completed a job.
    assert {metric.name for metric in metrics_of(ALARMS["NoCompletionsAlarm"]).values()} <= {
        metric.name for metric in METRICS["swept"]
    }


def test_reconciler_alarm_fires_when_metrics_are_missing() -> None:
    alarm = ALARMS["ReconcilerSilentAlarm"]
    assert fires("ReconcilerSilentAlarm")
    assert fires("ReconcilerSilentAlarm", m=1)
    assert not fires("ReconcilerSilentAlarm", m=5)
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("SampleCount", "breaching")
    assert alarm["Period"] / 60 > alarm["Threshold"] >= 1


@pytest.mark.parametrize(
    "name", [name for name in ALARMS if "TreatMissingData" in ALARMS[name] and name != "ReconcilerSilentAlarm"]
)
def test_other_alarms_do_not_fire_without_data(name: str) -> None:
    assert not fires(name)
    if "Metrics" not in ALARMS[name] and name != "ProviderCostAlarm":
        assert not fires(name, m=0)
        assert fires(name, m=ALARMS[name]["Threshold"] + 1)


def test_errors_of_several_functions_are_added() -> None:
    assert fires("WorkerErrorsAlarm", worker=2, render=1)
    assert fires("WorkerErrorsAlarm", render=3)
    assert not fires("WorkerErrorsAlarm", worker=2)
    assert fires("FunctionErrorsAlarm", generate=1, webhooks=2)


def test_topic_is_encrypted_by_a_key_that_alarms_may_use() -> None:
    [topic] = resources("AWS::SNS::Topic", "monitoring").values()
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": "AlarmKey.Arn"}
    key = resources("AWS::KMS::Key", "monitoring")["AlarmKey"]
    assert key["EnableKeyRotation"] is True
    [_, use] = key["KeyPolicy"]["Statement"]
    assert use["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert use["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_only_alarms_of_this_stack_may_publish() -> None:
    [policy] = resources("AWS::SNS::TopicPolicy", "monitoring").values()
    assert policy["Topics"] == TOPIC
    [statement] = policy["PolicyDocument"]["Statement"]
    allowed: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}}
    assert {key: statement[key] for key in allowed} == allowed
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":alarm:${StackName}-*")


def test_subscription_exists_if_an_email_address_is_given() -> None:
    subscription = template("monitoring")["Resources"]["AlarmSubscription"]
    assert subscription["Condition"] == "HasAlarmEmail"
    assert subscription["Properties"]["Endpoint"] == {"Ref": "AlarmEmail"}
    assert template()["Parameters"]["AlarmEmail"]["Default"] == ""


@pytest.mark.parametrize("name", [name for name in ALARMS if "Metrics" in ALARMS[name]])
def test_alarm_evaluates_only_its_first_metric(name: str) -> None:
    assert [entry.get("ReturnData", True) for entry in ALARMS[name]["Metrics"]].index(True) == 0
    assert sum(entry.get("ReturnData", True) for entry in ALARMS[name]["Metrics"]) == 1
