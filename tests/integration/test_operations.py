"""The number of operations on MongoDB: the table of docs/performance.md, and the goals of the frequent requests."""

import pytest

from tests.functions.system_under_test import OPEN_ROUTES, ROUTES
from tests.integration.operations import PAGE, format_table, measure, read_table


@pytest.fixture(scope="module")
def operations(mongo_address: str) -> dict[tuple[str, str], list[str]]:
    """Return the operations of each request and state."""
    return measure(mongo_address)


def test_the_table_of_the_page_contains_the_counted_operations(operations: dict[tuple[str, str], list[str]]) -> None:
    assert read_table(PAGE.read_text()) == format_table(operations)


def test_every_route_is_counted(operations: dict[tuple[str, str], list[str]]) -> None:
    routes = {f"`{method} {path}`" for method, path, _ in (*ROUTES, *OPEN_ROUTES)}
    assert routes <= {request for request, _ in operations}


@pytest.mark.parametrize(
    ("route", "states", "at_most"),
    [
        ("GET /api/videos/{jobId}", ("ended", "ended, not modified"), 1),
        ("GET /api/videos/{jobId}", ("processing", "queued", "waiting for a slot"), 2),
        ("POST /api/videos/generate", ("new job", "new job, with a key"), 3),
        ("GET /api/videos", ("all jobs on one page", "first page", "later page", "later page of a status"), 2),
    ],
)
def test_frequent_requests_keep_their_goals(
    operations: dict[tuple[str, str], list[str]], route: str, states: tuple[str, ...], at_most: int
) -> None:
    assert all(len(operations[f"`{route}`", state]) <= at_most for state in states)


def test_reads_write_nothing(operations: dict[tuple[str, str], list[str]]) -> None:
    reads = [names for (request, state), names in operations.items() if "`GET" in request and "120" not in state]
    assert {name for names in reads for name in names} <= {"find", "aggregate"}
