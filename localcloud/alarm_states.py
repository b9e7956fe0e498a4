"""Whether an alarm of template.yaml fires, as its own definition has it."""

from collections.abc import Mapping
from typing import Any

from localcloud.metric_math import evaluate


def queries_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """An alarm's metrics and expressions, what is compared first; of a plain alarm the one metric, with the id `m`."""
    if "Metrics" in alarm:
        return list(alarm["Metrics"])
    stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return [{"Id": "m", "MetricStat": {"Metric": alarm, "Period": alarm["Period"], "Stat": stat}}]


def compared_value(alarm: Mapping[str, Any], values: Mapping[str, float | None]) -> float | None:
    """What is compared with the threshold, from the metrics' values by id; None, or not there, is missing data."""
    queries = queries_of(alarm)
    known: dict[str, float | None] = {each["Id"]: values.get(each["Id"]) for each in queries}
    for each in reversed(queries):  # an expression stands before what it is made of
        if "Expression" in each:
            known[each["Id"]] = evaluate(each["Expression"], known)
    return known[queries[0]["Id"]]


def fires(alarm: Mapping[str, Any], values: Mapping[str, float | None]) -> bool:
    """Whether one look at these values is beyond the threshold; missing data counts as the alarm says."""
    found, threshold = compared_value(alarm, values), alarm["Threshold"]
    if found is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    compared = {
        "GreaterThanThreshold": found > threshold,
        "GreaterThanOrEqualToThreshold": found >= threshold,
        "LessThanThreshold": found < threshold,
    }
    return bool(compared[alarm["ComparisonOperator"]])
