"""The dashboard: that it shows what is measured, of everything there is, and says what to do about it."""

import itertools
import re
from typing import Any

import pytest

from localcloud.template import read_dashboard
from tests.template.monitored import OURS, alarms, anchor, complaints, metrics_shown
from tests.template.parsed import ROOT, resources, template
from videojobs.observability import NAMESPACE

BODY = read_dashboard(ROOT / "template.yaml")
WIDGETS: list[dict[str, Any]] = BODY["widgets"]
METRICS = [widget for widget in WIDGETS if widget["type"] == "metric"]
SHOWN = [(metric, options) for widget in METRICS for metric, options in metrics_shown(widget)]
TEXTS = [widget["properties"]["markdown"] for widget in WIDGETS if widget["type"] == "text"]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def title(widget: dict[str, Any]) -> str:
    return str(widget["properties"]["title"])


@pytest.mark.parametrize("widget", METRICS, ids=title)
def test_a_widget_shows_metrics_that_there_are(widget: dict[str, Any]) -> None:
    shown = [metric for metric, _ in metrics_shown(widget)]
    assert shown
    assert {metric: list(complaints(metric)) for metric in shown if list(complaints(metric))} == {}


@pytest.mark.parametrize("widget", METRICS, ids=title)
def test_an_expression_reckons_with_what_stands_beside_it(widget: dict[str, Any]) -> None:
    entries = [entry[-1] for entry in widget["properties"]["metrics"] if isinstance(entry[-1], dict)]
    ids = {each["id"] for each in entries if "id" in each}
    for each in entries:
        if "expression" in each and not each["expression"].startswith("SEARCH"):
            assert set(re.findall(r"\b[a-z]\w*", each["expression"])) <= ids


def test_a_search_names_one_metric_of_this_stack() -> None:
    searches = [
        entry[0]["expression"]
        for widget in METRICS
        for entry in widget["properties"]["metrics"]
        if isinstance(entry[0], dict) and entry[0]["expression"].startswith("SEARCH")
    ]
    found = [metric for metric, options in SHOWN if options.get("expression") in searches]
    assert len(found) == len(searches) > 0


def test_widgets_fill_rows_of_twenty_four_columns_without_a_gap() -> None:
    covered: dict[tuple[int, int], str] = {}
    for widget in WIDGETS:
        columns = range(widget["x"], widget["x"] + widget["width"])
        for place in itertools.product(columns, range(widget["y"], widget["y"] + widget["height"])):
            assert place not in covered, f"{widget['properties'].get('title')} lies on {covered.get(place)}"
            covered[place] = str(widget["properties"].get("title"))
    rows = 1 + max(y for _, y in covered)
    assert set(covered) == set(itertools.product(range(24), range(rows)))


@pytest.mark.parametrize("name", ["Errors", "Throttles", "Duration"])
def test_every_function_is_on_it(name: str) -> None:
    shown = {metric.dimensions["FunctionName"] for metric, _ in SHOWN if metric.name == name}
    assert shown == {f"${{{function}}}" for function in resources("AWS::Serverless::Function")}


def test_every_queue_that_people_wait_for_and_every_one_that_nothing_empties_is_on_it() -> None:
    shown = {
        metric.dimensions["QueueName"].split(".")[0].strip("${")
        for metric, _ in SHOWN
        if "QueueName" in metric.dimensions
    }
    emptied = {"DeadLetterQueue", "RenderDeadLetterQueue", "HighDeadLetterQueue", "HighRenderDeadLetterQueue"}
    assert shown == set(resources("AWS::SQS::Queue")) - emptied


def test_every_metric_of_ours_is_on_it() -> None:
    assert {metric.name for metric, _ in SHOWN if metric.namespace == NAMESPACE} == set(OURS)


def test_every_alarm_that_tells_somebody_is_on_it() -> None:
    [widget] = [widget for widget in WIDGETS if widget["type"] == "alarm"]
    listed = [arn.removeprefix("${Alarm}-") for arn in widget["properties"]["alarms"]]
    telling = {
        alarm["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
        for name, alarm in alarms().items()
        if "AlarmActions" in alarm and name != "ProviderCostAlarm"
    }
    assert sorted(listed) == sorted(telling)
    filled_in = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][1]
    condition, there, away = filled_in["CostAlarm"]["Fn::If"]
    assert (condition, away) == ("HasDailyBudget", "")
    assert there["Fn::Sub"].endswith('-provider-cost"')


@pytest.mark.parametrize("widget", [each for each in METRICS if "annotations" in each["properties"]], ids=title)
def test_a_line_stands_where_its_alarm_fires(widget: dict[str, Any]) -> None:
    for line in widget["properties"]["annotations"]["horizontal"]:
        page = line["label"].split(",")[0]
        thresholds = {
            alarm.get("Threshold") for alarm in alarms().values() if f"#{page}" in alarm["AlarmDescription"]["Fn::Sub"]
        }
        assert line["value"] in thresholds


def test_every_row_says_what_it_means_and_leads_to_the_runbook() -> None:
    headings = {anchor(each) for each in re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)}
    for text in TEXTS:
        assert "](${RunbookUrl}" in text
        assert set(re.findall(r"\$\{RunbookUrl\}#([\w-]+)", text)) <= headings
    rows = {
        widget["y"] for widget in WIDGETS if widget["type"] == "metric" and widget["properties"]["view"] == "timeSeries"
    }
    assert rows == {widget["y"] for widget in WIDGETS if widget["type"] == "text"} - {0}


def test_rows_are_called_in_the_runbook_as_they_are() -> None:
    rows = {text.split("\n")[0].removeprefix("## ") for text in TEXTS[1:]}
    called = set(re.findall(r"\b[Rr]ow \*([^*]+)\*", RUNBOOK))
    assert called
    assert called <= rows


def test_nothing_is_filled_in_that_the_template_does_not_know() -> None:
    body = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    names = {each.split(".")[0] for each in re.findall(r"\$\{([^}]+)\}", body[0])}
    known = set(template()["Resources"]) | set(template()["Parameters"]) | {"AWS::StackName", "AWS::Region"}
    assert names - set(body[1]) <= known
    assert set(body[1]) <= names
