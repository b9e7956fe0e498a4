"""Evaluation of the alarms in template.yaml for given metric values."""

from collections.abc import Mapping
from typing import Any

from localcloud.metric_math import evaluate


def queries_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return an alarm's metric queries, as in CloudFormation's property `Metrics`, the one that is compared first.

    For an alarm on a single metric, return one query with the ID `m`.
    """
    if "Metrics" in alarm:
        return list(alarm["Metrics"])
    stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return [{"Id": "m", "MetricStat": {"Metric": alarm, "Period": alarm["Period"], "Stat": stat}}]


def compared_value(alarm: Mapping[str, Any], values: Mapping[str, float | None]) -> float | None:
    """Return the value that the alarm compares with its threshold; None if data is missing.

    `alarm` contains the properties of the alarm in the template. `values` contains the value of each metric by its
    query ID. A metric that is absent or None has no data.

    Raises:
        ValueError, SyntaxError: If an expression uses an unsupported operation or is malformed.
        KeyError: If an expression names an unknown query.
    """
    queries = queries_of(alarm)
    known: dict[str, float | None] = {query["Id"]: values.get(query["Id"]) for query in queries}
    for query in reversed(queries):  # the template lists an expression before the queries that it uses
        if "Expression" in query:
            known[query["Id"]] = evaluate(query["Expression"], known)
    return known[queries[0]["Id"]]


def fires(alarm: Mapping[str, Any], values: Mapping[str, float | None]) -> bool:
    """Return whether the values of one period breach the threshold; missing data is treated as the alarm specifies.

    `alarm` and `values` are those of `compared_value`. The number of periods that have to breach is not considered.

    Raises:
        ValueError, SyntaxError: If an expression uses an unsupported operation or is malformed.
        KeyError: If an expression names an unknown query, or the comparison operator is not `>`, `>=` or `<`.
    """
    value, threshold = compared_value(alarm, values), alarm["Threshold"]
    if value is None:
        return bool(alarm["TreatMissingData"] == "breaching")
    results = {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
    }
    return bool(results[alarm["ComparisonOperator"]])
