"""Alarms and dashboard of the deployed system."""

import json
from typing import Any

import pytest

from localcloud.alarm_states import queries_of
from tests.stack.deployed import Deployed

pytestmark = pytest.mark.reads

KINDS_BY_DIMENSION = {"FunctionName": "AWS::Lambda::Function", "QueueName": "AWS::SQS::Queue"}


def names(deployed: Deployed, dimension: str) -> set[str]:
    """Return the names of the resources that a metric dimension can refer to."""
    return {resource.id.rsplit("/", 1)[-1] for resource in deployed.of_kind(KINDS_BY_DIMENSION[dimension])}


def alarms(deployed: Deployed) -> list[dict[str, Any]]:
    """Return the stack's metric alarms."""
    pages = deployed.client("cloudwatch").get_paginator("describe_alarms").paginate()
    every = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return [alarm for alarm in every if alarm["AlarmName"].startswith(f"{deployed.stack_name}-")]


def test_alarms_refer_to_deployed_resources_and_notify_the_topic(deployed: Deployed) -> None:
    metric_alarms = alarms(deployed)
    kind = "AWS::CloudWatch::Alarm"
    assert len(metric_alarms) == len(deployed.of_kind(kind)) + len(deployed.monitoring.of_kind(kind)) > 10
    for alarm in metric_alarms:
        metrics = [query["MetricStat"]["Metric"] for query in queries_of(alarm) if "MetricStat" in query]
        for dimension in (dimension for metric in metrics for dimension in metric["Dimensions"]):
            name, value = dimension["Name"], dimension["Value"]
            assert name not in KINDS_BY_DIMENSION or value in names(deployed, name), alarm["AlarmName"]
        actions = (
            [] if alarm["AlarmDescription"].startswith("Part: ") else [deployed.described.outputs["AlarmTopicArn"]]
        )
        assert alarm["AlarmActions"] == alarm["OKActions"] == actions
        assert "$" not in alarm["AlarmDescription"]


def test_dashboard_shows_every_function_and_deployed_queues(deployed: Deployed) -> None:
    [dashboard] = deployed.monitoring.of_kind("AWS::CloudWatch::Dashboard")
    body = deployed.client("cloudwatch").get_dashboard(DashboardName=dashboard.id)["DashboardBody"]
    assert dashboard.id in deployed.described.outputs["DashboardUrl"]
    shown: dict[str, set[str]] = {dimension: set() for dimension in KINDS_BY_DIMENSION}
    for widget in json.loads(body)["widgets"]:
        for entry in widget["properties"].get("metrics", ()):
            for name, value in zip(entry[2::2], entry[3::2], strict=False):
                if name in KINDS_BY_DIMENSION:
                    shown[name].add(value)
    assert shown["FunctionName"] == names(deployed, "FunctionName")
    assert shown["QueueName"] < names(deployed, "QueueName")
    assert "${" not in body
