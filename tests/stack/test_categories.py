"""Rules of `make test-real`: each test has one category, and read-only environments are never changed."""

import boto3
import pytest

from tests.stack.deployed import Deployed
from tests.stack.environment import CATEGORIES, Environment

READING = Environment.of({"VERIFY_STACK": "videojobs-dev"})
WRITING = Environment.of({"VERIFY_STACK": "videojobs-dev", "VERIFY_WRITE": "1", "VERIFY_TOKEN": "a.b.c"})


def test_every_test_of_the_deployed_system_has_one_category(request: pytest.FixtureRequest) -> None:
    ours = [item for item in request.session.items if item.path.parent == request.path.parent]
    assert ours
    for item in ours:
        own = [category for category in CATEGORIES if item.get_closest_marker(category)]
        assert len(own) == 1, f"{item.nodeid} is {own}"


def test_writing_tests_run_only_with_permission() -> None:
    assert READING is not None
    assert WRITING is not None
    assert [category for category in CATEGORIES if READING.why_not(category) is None] == ["reads"]
    assert [category for category in CATEGORIES if WRITING.why_not(category) is None] == ["reads", "writes"]


def test_tests_start_their_own_system_without_a_named_stack() -> None:
    assert Environment.of({}) is None


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"VERIFY_STACK": ""}, "Which stack?"),
        ({"VERIFY_STACK": "videojobs-dev", "VERIFY_TOKEN": "a.b.c"}, "Set WRITE=1 too"),
    ],
)
def test_incomplete_variables_are_rejected_with_the_missing_one(variables: dict[str, str], message: str) -> None:
    with pytest.raises(pytest.UsageError, match=message):
        Environment.of(variables)


def test_read_only_clients_never_send_a_call_that_could_change_something() -> None:
    nowhere = Deployed(boto3.Session("a", "b", region_name="us-east-1"), "any", "http://127.0.0.1:9", read_only=True)
    with pytest.raises(PermissionError, match="PurgeQueue could change something"):
        nowhere.client("sqs").purge_queue(QueueUrl="http://127.0.0.1:9/0/any")
