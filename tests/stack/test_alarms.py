"""What people look at, and what wakes them, as it is deployed."""

import json
from typing import Any

import pytest

from localcloud.alarm_states import queries_of
from tests.stack.deployed import Deployed

pytestmark = pytest.mark.reads

STANDING_FOR = {"FunctionName": "AWS::Lambda::Function", "QueueName": "AWS::SQS::Queue"}


def names(deployed: Deployed, dimension: str) -> set[str]:
    """What the resources are called that a dimension may name."""
    return {each.id.rsplit("/", 1)[-1] for each in deployed.of_kind(STANDING_FOR[dimension])}


def alarms(deployed: Deployed) -> list[dict[str, Any]]:
    """The stack's, those of metrics."""
    pages = deployed.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return [alarm for alarm in found if alarm["AlarmName"].startswith(f"{deployed.stack_name}-")]


def test_alarms_watch_what_was_deployed_and_tell_the_topic(deployed: Deployed) -> None:
    found = alarms(deployed)
    assert len(found) == len(deployed.of_kind("AWS::CloudWatch::Alarm")) > 10
    for alarm in found:
        metrics = [each["MetricStat"]["Metric"] for each in queries_of(alarm) if "MetricStat" in each]
        for each in (each for metric in metrics for each in metric["Dimensions"]):
            assert each["Name"] not in STANDING_FOR or each["Value"] in names(deployed, each["Name"]), alarm[
                "AlarmName"
            ]
        told = [] if alarm["AlarmDescription"].startswith("Part: ") else [deployed.described.outputs["AlarmTopicArn"]]
        assert alarm["AlarmActions"] == alarm["OKActions"] == told
        assert "$" not in alarm["AlarmDescription"]


def test_the_dashboard_shows_what_was_deployed(deployed: Deployed) -> None:
    [dashboard] = deployed.of_kind("AWS::CloudWatch::Dashboard")
    body = deployed.client("cloudwatch").get_dashboard(DashboardName=dashboard.id)["DashboardBody"]
    assert dashboard.id in deployed.described.outputs["DashboardUrl"]
    shown: dict[str, set[str]] = {dimension: set() for dimension in STANDING_FOR}
    for widget in json.loads(body)["widgets"]:
        for entry in widget["properties"].get("metrics", ()):
            for name, value in zip(entry[2::2], entry[3::2], strict=False):
                if name in STANDING_FOR:
                    shown[name].add(value)
    assert shown["FunctionName"] == names(deployed, "FunctionName")
    assert shown["QueueName"] < names(deployed, "QueueName")
    assert "${" not in body
