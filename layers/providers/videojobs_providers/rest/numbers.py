"""Readers of numbers in a provider's JSON, which can be of any type, not finite, or out of range."""

from decimal import Decimal

MAXIMUM_COST = 1_000_000
"""Cost of one task, in dollars or credits, above which the value is taken for an error."""


def read_fraction(value: object, whole: float = 1.0) -> float | None:
    """Return value / whole (0 to 1), or None if the value is not a number from 0 to `whole`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= whole:
        return None
    return value / whole


def read_cost(value: object) -> Decimal | None:
    """Return a cost, or None if the value is not a number from 0 to `MAXIMUM_COST`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAXIMUM_COST:
        return None
    return Decimal(str(value))
