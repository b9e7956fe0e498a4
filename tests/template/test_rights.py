"""Rights of `make test-real`: those that its tests need, in the role of the workflow and in the documentation."""

import ast

import pytest

from tests.template.parsed import as_list
from tests.template.resolved import policies
from tests.template.rights import OPTIONAL, PAGE, derived, page, requests_of


def test_role_that_verifies_has_exactly_the_rights_that_the_tests_need() -> None:
    statements = policies("dev")["VerifyRole"]["Statement"]
    assert {action for statement in statements for action in as_list(statement["Action"])} == derived() - OPTIONAL


def test_page_lists_the_rights() -> None:
    assert PAGE.read_text() == page(), "run `PYTHONPATH=. .venv/bin/python -m tests.template.rights`"


@pytest.mark.parametrize(
    ("source", "calls"),
    [
        ("deployed.client('sqs').get_queue_url(QueueName='x')", {("sqs", "get_queue_url")}),
        ("get = self.client('lambda').get_policy", {("lambda", "get_policy")}),
        ("s3, bucket = deployed.client('s3'), 'x'; s3.get_bucket_policy(**bucket)", {("s3", "get_bucket_policy")}),
        ("deployed.client('iam').get_paginator('list_roles')", {("iam", "list_roles")}),
        ("read_stack(deployed.client('cloudformation'), 'x')", {("cloudformation", "describe_stacks")}),
        ("deployed.client('sqs').purge_queue(QueueUrl='x')", set()),
    ],
)
def test_calls_that_read_are_found(source: str, calls: set[tuple[str, str]]) -> None:
    helper = f"def helper(deployed): {source}"
    assert set(requests_of(ast.parse(helper))) == calls
    assert set(requests_of(ast.parse(f"def test_it(deployed): {source}"))) == set(), "a test of the category `local`"
    marked = f"@pytest.mark.reads\ndef test_it(deployed): {source}"
    assert set(requests_of(ast.parse(marked))) == calls
