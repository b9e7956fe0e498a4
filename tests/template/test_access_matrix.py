"""The access matrix covers the API's document, and its page is fresh."""

from tests.access import JOBS, MATRIX, RULES, Caller, Thing, cells, operations, render


def test_every_operation_has_a_rule_and_every_rule_an_operation() -> None:
    assert {operation for operation, _, _ in operations()} == set(RULES)


def test_the_page_is_fresh() -> None:
    assert MATRIX.read_text() == render(), "stale: python -m tests.access > docs/access-matrix.md"


def test_an_operation_on_a_job_or_a_batch_is_asked_about_each_there_is() -> None:
    for operation, _, path in operations():
        of = set(RULES[operation].owner)
        assert ("{jobId}" in path) == (of == set(JOBS)), path
        assert ("{batchId}" in path) <= (of == {Thing.BATCH}), path


def test_nobody_but_its_owner_is_given_what_is_named() -> None:
    named = [cell for cell in cells() if "Id}" in cell.path and cell.caller is not Caller.OWNER]
    assert len(named) > 50
    assert not [cell for cell in named if cell.status < 400]
