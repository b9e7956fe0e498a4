"""Alarms: that they measure what there is, wake whom they should and no others, and that each has its page."""

import re
from typing import Any

import pytest

from localcloud import alarm_states
from tests.template.monitored import STACK, alarms, anchor, complaints, metrics_of
from tests.template.parsed import ROOT, functions, resources, template

ALARMS = alarms()
COMPOSITE = resources("AWS::CloudWatch::CompositeAlarm")
PARTS = {
    part: name for name, alarm in COMPOSITE.items() for part in re.findall(r"\$\{(\w+)\}", str(alarm["AlarmRule"]))
}
TOPIC = [{"Ref": "AlarmTopic"}]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
RATES = {"ApiErrors": 0.1, "FailureRate": 1.0}
"""Per cent that may fail, docs/slo.md."""


def description(name: str) -> re.Match[str]:
    """Whom it is for, what it says, and the name of its page."""
    found = re.fullmatch(
        r"(Page|Ticket|Part): ([^.].+?)\. \$\{RunbookUrl\}#([a-z-]+)", ALARMS[name]["AlarmDescription"]["Fn::Sub"]
    )
    assert found, f"{name}: a description is whom it is for, one sentence, and a link"
    return found


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_measures_what_there_is(name: str) -> None:
    found = metrics_of(ALARMS[name])
    assert found or name in COMPOSITE
    assert {metric: list(complaints(metric)) for metric in found.values() if list(complaints(metric))} == {}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_somebody_when_it_comes_and_when_it_goes_unless_it_is_part_of_another(name: str) -> None:
    alarm = ALARMS[name]
    if name in PARTS:
        assert description(name)[1] == "Part"
        assert not {"AlarmActions", "OKActions"} & set(alarm)
        assert description(name)[3] == description(PARTS[name])[3]
    else:
        assert description(name)[1] in {"Page", "Ticket"}
        assert alarm["AlarmActions"] == alarm["OKActions"] == TOPIC


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_what_missing_data_means(name: str) -> None:
    assert ("TreatMissingData" in ALARMS[name]) == (name not in COMPOSITE)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_named_after_its_page_and_its_stack(name: str) -> None:
    own_name = ALARMS[name]["AlarmName"]["Fn::Sub"].removeprefix(f"{STACK}-")
    assert name in PARTS or own_name.startswith(description(name)[3])


def test_alarms_and_pages_of_the_runbook_are_the_same() -> None:
    pages = RUNBOOK.split("\n# The alarms\n")[1].split("\n# ")[0]
    headings = [anchor(each) for each in re.findall(r"^## (.+)$", pages, re.MULTILINE)]
    assert sorted(headings) == sorted({description(name)[3] for name in ALARMS})


def test_a_page_says_whom_the_alarm_wakes() -> None:
    for name in set(ALARMS) - set(PARTS):
        kind, page = description(name)[1], description(name)[3]
        assert f"\n## {page}\n\n{kind}. " in RUNBOOK, name


@pytest.mark.parametrize("document", ["runbook", "slo"])
def test_links_into_the_runbook_lead_somewhere(document: str) -> None:
    text = (ROOT / "docs" / f"{document}.md").read_text()
    headings = {anchor(each) for each in re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)}
    links = set(re.findall(r"\((?:runbook\.md)?#([^)]+)\)", text))
    assert links
    assert links <= headings


def test_the_alarms_that_take_a_deployment_back_are_there() -> None:
    assert {"ApiErrorsAlarm", "ApiLatencyAlarm", "WorkerErrorsAlarm", "FailureRateAlarm"} <= set(
        resources("AWS::CloudWatch::Alarm")
    )


def test_every_queue_that_somebody_waits_for_has_an_age_beyond_its_longest_delay_and_run() -> None:
    ages = {
        metric.dimensions["QueueName"]: alarm["Threshold"]
        for alarm in ALARMS.values()
        for metric in metrics_of(alarm).values()
        if metric.name == "ApproximateAgeOfOldestMessage"
    }
    worker, render = (functions()[name]["Timeout"] for name in ("worker", "render"))
    for lane in ("", "High"):
        assert ages[f"${{{lane}JobsQueue.QueueName}}"] >= 900 + worker
        assert ages[f"${{{lane}RenderQueue.QueueName}}"] >= 300 + render
    assert ages["${EventsQueue.QueueName}"] > 2 * functions()["notifier"]["Timeout"]


def test_crashes_of_every_function_are_noticed() -> None:
    measured = {
        metric.dimensions["FunctionName"]
        for alarm in ALARMS.values()
        for metric in metrics_of(alarm).values()
        if metric.name == "Errors"
    }
    everybody = {f"${{{name}}}" for name in resources("AWS::Serverless::Function")}
    assert everybody - measured == {"${IndexesFunction}"}, "that one fails a deployment"


def fires(name: str, **values: float) -> bool:
    """Whether an alarm fires at one look; a metric that is not given has no data."""
    return alarm_states.fires(ALARMS[name], values)


@pytest.mark.parametrize("name", [name for name in PARTS if name.startswith("FailureRate")])
def test_what_users_ask_for_and_can_t_have_fails_no_objective(name: str) -> None:
    assert not fires(name, failed=50, rejected=30, invalid=20)
    assert fires(name, failed=50, rejected=30)


@pytest.mark.parametrize("name", PARTS)
def test_a_single_failure_wakes_nobody_and_silence_does_not_either(name: str) -> None:
    assert not fires(name)
    assert not fires(name, failed=1)
    assert not fires(name, errors=1, calls=1)
    assert fires(name, failed=5, errors=5, calls=5)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_fires_at_the_burn_rate_of_its_window(name: str) -> None:
    rate = RATES[next(prefix for prefix in RATES if name.startswith(prefix))]
    [seconds] = {each["MetricStat"]["Period"] for each in ALARMS[name]["Metrics"] if "MetricStat" in each}
    burn = {300: 14.4, 3600: 14.4, 1800: 6, 21600: 6}[seconds]
    assert ALARMS[name]["Threshold"] == pytest.approx(burn * rate)


@pytest.mark.parametrize("name", COMPOSITE)
def test_a_budget_pages_when_it_burns_over_a_long_window_and_still_does(name: str) -> None:
    windows = {
        part: {each["MetricStat"]["Period"] for each in ALARMS[part]["Metrics"] if "MetricStat" in each}.pop()
        for part, whole in PARTS.items()
        if whole == name
    }
    rule = COMPOSITE[name]["AlarmRule"]["Fn::Sub"]
    told = re.sub(r'ALARM\("\$\{(\w+)\}"\)', lambda found: str(windows[found[1]]), rule)
    assert told == "(300 AND 3600) OR (1800 AND 21600)"


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
def test_that_nothing_completes_matters_only_while_jobs_wait(values: dict[str, float], expected: bool) -> None:
    assert fires("NoCompletionsAlarm", **values) is expected


def test_silence_of_the_reconciler_is_what_its_alarm_is_about() -> None:
    alarm = ALARMS["ReconcilerSilentAlarm"]
    assert fires("ReconcilerSilentAlarm")
    assert fires("ReconcilerSilentAlarm", m=1)
    assert not fires("ReconcilerSilentAlarm", m=5)
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("SampleCount", "breaching")
    assert alarm["Period"] / 60 > alarm["Threshold"] >= 1


@pytest.mark.parametrize(
    "name", [name for name in ALARMS if "TreatMissingData" in ALARMS[name] and name != "ReconcilerSilentAlarm"]
)
def test_every_other_alarm_sleeps_while_nothing_happens(name: str) -> None:
    assert not fires(name)
    if "Metrics" not in ALARMS[name] and name != "ProviderCostAlarm":
        assert not fires(name, m=0)
        assert fires(name, m=ALARMS[name]["Threshold"] + 1)


def test_crashes_of_several_functions_add_up() -> None:
    assert fires("WorkerErrorsAlarm", worker=2, render=1)
    assert fires("WorkerErrorsAlarm", render=3)
    assert not fires("WorkerErrorsAlarm", worker=2)
    assert fires("FunctionErrorsAlarm", generate=1, webhooks=2)
    assert fires("ThrottlesAlarm", **{name: 1 for name in functions() if name != "indexes"})
    assert not fires("ThrottlesAlarm", **{name: 1 for name in functions() if name not in {"indexes", "status"}})


def test_the_topic_is_encrypted_by_a_key_that_alarms_may_use() -> None:
    [topic] = resources("AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": "AlarmKey.Arn"}
    key = resources("AWS::KMS::Key")["AlarmKey"]
    assert key["EnableKeyRotation"] is True
    [_, use] = key["KeyPolicy"]["Statement"]
    assert use["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert use["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_alarms_of_this_stack_alone_may_publish() -> None:
    [policy] = resources("AWS::SNS::TopicPolicy").values()
    assert policy["Topics"] == TOPIC
    [statement] = policy["PolicyDocument"]["Statement"]
    allowed: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}}
    assert {key: statement[key] for key in allowed} == allowed
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(f":alarm:{STACK}-*")


def test_an_address_hears_of_alarms_where_one_was_given() -> None:
    subscription = template()["Resources"]["AlarmSubscription"]
    assert subscription["Condition"] == "HasAlarmEmail"
    assert subscription["Properties"]["Endpoint"] == {"Ref": "AlarmEmail"}
    assert template()["Parameters"]["AlarmEmail"]["Default"] == ""


def test_what_the_local_aws_refuses_is_made_on_aws_alone() -> None:
    for name, alarm in ALARMS.items():
        refused = "Metrics" in alarm or name in COMPOSITE
        assert (template()["Resources"][name].get("Condition") == "OnAws") is refused, name


@pytest.mark.parametrize("name", [name for name in ALARMS if "Metrics" in ALARMS[name]])
def test_an_alarm_compares_the_one_value_that_it_names_first(name: str) -> None:
    assert [each.get("ReturnData", True) for each in ALARMS[name]["Metrics"]].index(True) == 0
    assert sum(each.get("ReturnData", True) for each in ALARMS[name]["Metrics"]) == 1
