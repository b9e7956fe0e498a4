"""Access matrix: it covers the OpenAPI document, and its page is up to date."""

from tests.access import JOBS, MATRIX, RULES, Caller, Thing, cells, operations, render


def test_operations_and_rules_are_the_same() -> None:
    assert {operation for operation, _, _ in operations()} == set(RULES)


def test_page_is_up_to_date() -> None:
    assert MATRIX.read_text() == render(), "Outdated. Run: python -m tests.access > docs/reference/access-matrix.md"


def test_operation_with_an_id_has_a_rule_for_every_job_or_batch() -> None:
    for operation, _, path in operations():
        things = set(RULES[operation].owner)
        assert ("{jobId}" in path) == (things == set(JOBS)), path
        assert ("{batchId}" in path) <= (things == {Thing.BATCH}), path


def test_operations_with_an_id_are_refused_to_all_callers_except_the_owner() -> None:
    named = [cell for cell in cells() if "Id}" in cell.path and cell.caller is not Caller.OWNER]
    assert len(named) > 50
    assert not [cell for cell in named if cell.status < 400]
