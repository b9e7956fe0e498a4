"""Rights that `make test-real` needs, derived from the calls that the tests in tests/stack make.

This command writes the list in docs/guides/verify.md:

    PYTHONPATH=. .venv/bin/python -m tests.template.rights
"""

import ast
from collections.abc import Iterator
from functools import cache
from itertools import groupby

import botocore.session
from botocore import xform_name

from tests.template.parsed import ROOT

PAGE = ROOT / "docs" / "guides" / "verify.md"
OPTIONAL = {"secretsmanager:GetSecretValue"}
"""Rights without which tests are skipped."""
_BEGINNING, _END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
_FOLDER = ROOT / "tests" / "stack"
_FUNCTIONS = {"read_stack": "describe_stacks"}
"""Calls of AWS in functions outside the folder, which receive a client as the first argument."""
_ACTIONS = {
    "apigateway:GetRestApi": ["apigateway:GET"],
    "apigateway:GetStage": ["apigateway:GET"],
    "apigatewayv2:GetStage": ["apigateway:GET"],
    "cloudformation:DetectStackDrift": ["cloudformation:DetectStackDrift", "cloudformation:DetectStackResourceDrift"],
    "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
    "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
}
"""IAM actions of operations that have another name than their action, or need several.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""


def derived() -> set[str]:
    """Return the IAM actions that the tests need which run against a named environment without `WRITE=1`.

    Raises:
        AssertionError: If a test calls an operation that botocore does not know.
    """
    calls = {call for path in sorted(_FOLDER.glob("*.py")) for call in requests_of(ast.parse(path.read_text()))}
    return {action for service, method in calls for action in _actions(service, method)}


def _actions(service: str, method: str) -> list[str]:
    operation = _operations(service).get(method)
    assert operation, f"{service} has no operation {method}"
    action = f"{service}:{operation}"
    return _ACTIONS.get(action, [action])


@cache
def _operations(service: str) -> dict[str, str]:
    names = botocore.session.Session().get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


def requests_of(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield service and method of the calls in helpers, and in tests of the category `reads`."""
    assigned = [node for node in module.body if isinstance(node, ast.Assign)]
    by_default = any("pytestmark" in ast.dump(node) and "'reads'" in ast.dump(node) for node in assigned)
    is_of_tests = any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in module.body)
    reading = [node for node in _functions(module) if _reads(node, by_default)]
    if is_of_tests and not any(node.name.startswith("test_") for node in reading):
        return
    for function in reading:
        yield from _calls_in(function)


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))


def _reads(function: ast.FunctionDef, by_default: bool) -> bool:
    marks = " ".join(ast.dump(decorator) for decorator in function.decorator_list)
    if not function.name.startswith("test_"):
        return True
    return by_default or "'reads'" in marks


def _calls_in(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield service and method of each call of a client that reads. Clients of another name are not recognized."""
    services = {
        target.id: service
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target, value in _pairs(node)
        if isinstance(target, ast.Name) and (service := _service_of(value, {}))
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            yield str(_service_of(node.args[0], services)), _FUNCTIONS[node.func.id]
        if isinstance(node, ast.Attribute) and (service := _service_of(node.value, services)):
            method = node.attr
            if method == "get_paginator":
                [method] = _paginated(function, node)
            if method.startswith(("describe_", "detect_", "get_", "list_", "simulate_")):
                yield service, method


def _pairs(assignment: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    target = assignment.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(assignment.value, ast.Tuple):
        return list(zip(target.elts, assignment.value.elts, strict=True))
    return [(target, assignment.value)]


def _service_of(value: ast.expr, services: dict[str, str]) -> str | None:
    """Return the service of `….client("service")`, or of a name to which such a client is assigned."""
    if isinstance(value, ast.Name):
        return services.get(value.id)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "client":
        first = value.args[0]
        return str(first.value) if isinstance(first, ast.Constant) else None
    return None


def _paginated(function: ast.FunctionDef, attribute: ast.Attribute) -> list[str]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node.func is attribute]
    return [str(node.args[0].value) for node in calls if isinstance(node.args[0], ast.Constant)]


def page() -> str:
    """Return docs/guides/verify.md with its list replaced by the current one."""
    before, rest = PAGE.read_text().split(_BEGINNING)
    lines = ["| service | actions |", "|---|---|"]
    for service, actions in groupby(sorted(derived() - OPTIONAL), lambda action: action.split(":")[0]):
        lines.append(f"| {service} | {', '.join(f'`{action.split(":")[1]}`' for action in actions)} |")
    table = "\n".join(lines)
    return f"{before}{_BEGINNING}{table}\n{_END}{rest.split(_END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page())
