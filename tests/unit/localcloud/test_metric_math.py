"""Metric math: the value of expressions, also with missing values."""

import pytest

from localcloud.metric_math import evaluate


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("100 * (1 - errors / calls)", {"errors": 1.0, "calls": 200.0}, 99.5),
        ("-a + 2", {"a": 1.0}, 1.0),
        ("a / b", {"a": 1.0, "b": 0.0}, None),
        ("a + b", {"a": 1.0, "b": None}, None),
        ("FILL(a, 0) + FILL(b, 7)", {"a": None, "b": 1.0}, 1.0),
        ("IF(a >= 3, 100 * a / b, 0)", {"a": 3.0, "b": 4.0}, 75.0),
        ("IF(a >= 3, 100 * a / b, 0)", {"a": 2.0, "b": None}, 0.0),
        ("IF(a > 1, 1, 0)", {"a": None}, None),
        ("IF(FILL(a, 0) == 0 AND b > 60, 1, 0)", {"a": None, "b": 61.0}, 1.0),
        ("IF(FILL(a, 0) == 0 AND b > 60, 1, 0)", {"a": 2.0, "b": 61.0}, 0.0),
        ("a < b", {"a": 1.0, "b": 2.0}, 1.0),
        ("a <= b", {"a": 3.0, "b": 2.0}, 0.0),
    ],
)
def test_an_expression_has_the_value_that_cloudwatch_gives_it(
    expression: str, values: dict[str, float | None], expected: float | None
) -> None:
    assert evaluate(expression, values) == expected


@pytest.mark.parametrize("expression", ["RATE(a)", "a ** 2", "a if a else 0", "'a'", "a OR b"])
def test_an_unsupported_expression_is_refused(expression: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        evaluate(expression, {"a": 1.0, "b": 1.0})


def test_an_unknown_name_in_an_expression_is_refused() -> None:
    with pytest.raises(KeyError, match="calls"):
        evaluate("errors / calls", {"errors": 1.0})
