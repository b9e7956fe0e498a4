"""Evaluation of CloudWatch metric math, limited to the operations that template.yaml uses."""

import ast
import operator
from collections.abc import Callable, Mapping

_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
}


def evaluate(expression: str, values: Mapping[str, float | None]) -> float | None:
    """Return the value of an expression at one time; None if it has no value then.

    `values` contains the value of each metric at that time. The result of an operation on a missing value is missing,
    except for `FILL`, and so is the result of a division by zero
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html).

    Raises:
        ValueError: If it uses anything but numbers, names, + - * /, comparisons, AND, IF and FILL.
        SyntaxError: If it is malformed.
        KeyError: If it names a metric that is not in `values`.
    """
    parsed = ast.parse(expression.replace(" AND ", " and "), mode="eval")
    return _value(parsed.body, values)


def _value(node: ast.expr, values: Mapping[str, float | None]) -> float | None:  # noqa: PLR0911 - one return per kind of node
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, values)
            return None if inner is None else -inner
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(op=sign) if type(sign) in _ARITHMETIC:
            return _both(node.left, node.right, values, _ARITHMETIC[type(sign)])
        case ast.Compare(ops=[sign], comparators=[right]) if type(sign) in _COMPARISONS:
            return _both(node.left, right, values, _COMPARISONS[type(sign)])
        case ast.BoolOp(op=ast.And(), values=[left, right]):
            return _both(left, right, values, lambda a, b: bool(a and b))
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            chosen = _value(condition, values)
            return None if chosen is None else _value(then if chosen else otherwise, values)
        case ast.Call(func=ast.Name(id="FILL"), args=[metric, filler]):
            value = _value(metric, values)
            return _value(filler, values) if value is None else value
        case _:
            raise ValueError(f"Unsupported metric math: {ast.unparse(node)}")


def _both(
    left: ast.expr, right: ast.expr, values: Mapping[str, float | None], combine: Callable[[float, float], float]
) -> float | None:
    a, b = _value(left, values), _value(right, values)
    if a is None or b is None:
        return None
    try:
        return float(combine(a, b))
    except ZeroDivisionError:
        return None
