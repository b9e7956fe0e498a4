"""What `make test-real` may run where: each test has one category, and what only looks can't change anything."""

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


def test_nobody_writes_without_being_told_to() -> None:
    assert READING is not None
    assert WRITING is not None
    assert [category for category in CATEGORIES if READING.why_not(category) is None] == ["reads"]
    assert [category for category in CATEGORIES if WRITING.why_not(category) is None] == ["reads", "writes"]


def test_without_a_stack_the_tests_make_a_system_of_their_own() -> None:
    assert Environment.of({}) is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"VERIFY_STACK": ""}, "Which stack?"),
        ({"VERIFY_STACK": "videojobs-dev", "VERIFY_TOKEN": "a.b.c"}, "say WRITE=1 too"),
    ],
)
def test_half_a_request_is_told_what_is_missing(variables: dict[str, str], words: str) -> None:
    with pytest.raises(pytest.UsageError, match=words):
        Environment.of(variables)


def test_a_call_that_could_change_something_is_never_sent() -> None:
    nowhere = Deployed(boto3.Session("a", "b", region_name="us-east-1"), "any", "http://127.0.0.1:9", read_only=True)
    with pytest.raises(PermissionError, match="PurgeQueue could change something"):
        nowhere.client("sqs").purge_queue(QueueUrl="http://127.0.0.1:9/0/any")
