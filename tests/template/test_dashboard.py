"""Dashboard: it shows every metric of every resource, and links to the runbook."""

import itertools
import re
from typing import Any

import pytest

from localcloud.template import read_template
from tests.template.monitored import OURS, alarms, anchor, complaints, dashboard, metrics_shown
from tests.template.parsed import ROOT, resources, template
from videojobs.observability import NAMESPACE

WIDGETS: list[dict[str, Any]] = dashboard()["widgets"]
METRICS = [widget for widget in WIDGETS if widget["type"] == "metric"]
SHOWN = [(metric, options) for widget in METRICS for metric, options in metrics_shown(widget)]
TEXTS = [widget["properties"]["markdown"] for widget in WIDGETS if widget["type"] == "text"]
DASHBOARD = ROOT / "infrastructure" / "dashboard.yaml"
RUNBOOK = (ROOT / "docs" / "operations" / "runbook.md").read_text()


def title(widget: dict[str, Any]) -> str:
    return str(widget["properties"]["title"])


@pytest.mark.parametrize("widget", METRICS, ids=title)
def test_metrics_of_a_widget_exist(widget: dict[str, Any]) -> None:
    shown = [metric for metric, _ in metrics_shown(widget)]
    assert shown
    assert {metric: list(complaints(metric)) for metric in shown if list(complaints(metric))} == {}


@pytest.mark.parametrize("widget", METRICS, ids=title)
def test_expression_uses_only_metrics_of_its_widget(widget: dict[str, Any]) -> None:
    entries = [entry[-1] for entry in widget["properties"]["metrics"] if isinstance(entry[-1], dict)]
    ids = {entry["id"] for entry in entries if "id" in entry}
    for entry in entries:
        if "expression" in entry and not entry["expression"].startswith("SEARCH"):
            assert set(re.findall(r"\b[a-z]\w*", entry["expression"])) <= ids


def test_search_names_one_metric_of_this_stack() -> None:
    searches = [
        entry[0]["expression"]
        for widget in METRICS
        for entry in widget["properties"]["metrics"]
        if isinstance(entry[0], dict) and entry[0]["expression"].startswith("SEARCH")
    ]
    metrics = [metric for metric, options in SHOWN if options.get("expression") in searches]
    assert len(metrics) == len(searches) > 0


def test_widgets_fill_rows_of_twenty_four_columns_without_gaps() -> None:
    covered: dict[tuple[int, int], str] = {}
    for widget in WIDGETS:
        columns = range(widget["x"], widget["x"] + widget["width"])
        for cell in itertools.product(columns, range(widget["y"], widget["y"] + widget["height"])):
            assert cell not in covered, f"{widget['properties'].get('title')} overlaps {covered.get(cell)}"
            covered[cell] = str(widget["properties"].get("title"))
    rows = 1 + max(y for _, y in covered)
    assert set(covered) == set(itertools.product(range(24), range(rows)))


@pytest.mark.parametrize("name", ["Errors", "Throttles", "Duration"])
def test_dashboard_shows_every_function(name: str) -> None:
    shown = {metric.dimensions["FunctionName"] for metric, _ in SHOWN if metric.name == name}
    assert shown == {f"${{{function}}}" for function in resources("AWS::Serverless::Function")}


def test_dashboard_shows_every_queue_except_dead_letter_queues_that_the_reconciler_reads() -> None:
    shown = {
        metric.dimensions["QueueName"].split(".")[0].strip("${")
        for metric, _ in SHOWN
        if "QueueName" in metric.dimensions
    }
    emptied = {"DeadLetterQueue", "RenderDeadLetterQueue", "HighDeadLetterQueue", "HighRenderDeadLetterQueue"}
    assert shown == set(resources("AWS::SQS::Queue")) - emptied


def test_dashboard_shows_every_metric_that_the_functions_log() -> None:
    assert {metric.name for metric, _ in SHOWN if metric.namespace == NAMESPACE} == set(OURS)


def test_dashboard_lists_every_alarm_that_notifies() -> None:
    [widget] = [widget for widget in WIDGETS if widget["type"] == "alarm"]
    listed = [arn.partition(":alarm:")[2] for arn in widget["properties"]["alarms"]]
    assert sorted(listed) == sorted(alarm["AlarmName"] for alarm in alarms().values() if "AlarmActions" in alarm)


def test_dashboard_lists_an_optional_alarm_under_the_condition_of_the_alarm() -> None:
    [widget] = [widget for widget in read_template(DASHBOARD)["widgets"] if widget["type"] == "alarm"]
    [(condition, _, otherwise)] = [arn["Fn::If"] for arn in widget["properties"]["alarms"] if "Fn::If" in arn]
    assert template("monitoring")["Resources"]["ProviderCostAlarm"]["Condition"] == condition
    assert otherwise == {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize("widget", [widget for widget in METRICS if "annotations" in widget["properties"]], ids=title)
def test_annotation_is_the_threshold_of_its_alarm(widget: dict[str, Any]) -> None:
    for line in widget["properties"]["annotations"]["horizontal"]:
        page = line["label"].split(",")[0]
        thresholds = {alarm.get("Threshold") for alarm in alarms().values() if f"#{page}" in alarm["AlarmDescription"]}
        assert line["value"] in thresholds


def test_every_row_has_a_text_with_a_link_to_the_runbook() -> None:
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)}
    for text in TEXTS:
        assert "](docs/operations/runbook.md" in text
        assert set(re.findall(r"docs/runbook\.md#([\w-]+)", text)) <= headings
    rows = {
        widget["y"] for widget in WIDGETS if widget["type"] == "metric" and widget["properties"]["view"] == "timeSeries"
    }
    assert rows == {widget["y"] for widget in WIDGETS if widget["type"] == "text"} - {0}


def test_runbook_uses_the_names_of_the_rows() -> None:
    rows = {text.split("\n")[0].removeprefix("## ") for text in TEXTS[1:]}
    names_in_runbook = set(re.findall(r"\b[Rr]ow \*([^*]+)\*", RUNBOOK))
    assert names_in_runbook
    assert names_in_runbook <= rows


def test_included_file_uses_no_short_forms() -> None:
    # CloudFormation rejects !Ref and the like in a file that AWS::Include inserts.
    assert not re.findall(r"(?<![\w$])!\w+", DASHBOARD.read_text().split("widgets:")[1])


def test_dashboard_includes_the_file() -> None:
    body = template("monitoring")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    include = body["Fn::ToJsonString"]["Fn::Transform"]
    assert (include["Name"], include["Parameters"]["Location"]) == ("AWS::Include", DASHBOARD.name)


def test_every_parameter_of_the_nested_stack_is_given_and_used() -> None:
    declared = set(template("monitoring")["Parameters"])
    assert set(template()["Resources"]["Monitoring"]["Properties"]["Parameters"]) == declared
    texts = (ROOT / "infrastructure" / "monitoring.yaml").read_text() + DASHBOARD.read_text()
    assert [name for name in declared if not re.search(rf"Ref:? {name}\b|\$\{{{name}\}}", texts)] == []
