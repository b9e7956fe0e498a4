"""Commands: those of the pages exist with their options, and every option has a help text."""

import ast
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import localcloud.__main__ as local_command
import ops.preflight.__main__ as preflight_command
from ops import cli
from tests.docs.markdown import ROOT, Located, Page, pages
from tools.configuration.variables import LOCAL, TESTS

PAGES = [page for page in pages() if page.name != "CHANGELOG.md"]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
PARSERS = {"localcloud": local_command._parser, "ops": cli._parser, "ops.preflight": preflight_command._parser}
INSTALLED = {"pytest", "venv", "pip", "http.server"}
_MAKE = re.compile(r"(?:^|(?<=[\s;&|(`]))make((?: -[\w-]+)*)((?: [a-z][a-z-]*)+)((?: [A-Z][A-Z_]*=(?:'[^']*'|\S*))*)")
_OPS = re.compile(r"make ops ARGS='([^']*)'")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_MODULE = re.compile(r"python3? -m ([\w.]+)((?: [^\s;&|#`]+| '[^']*')*)")


def commands(page: Page) -> Iterator[Located]:
    """Yield the text of each block of shell commands and the inline code, with continued lines joined."""
    for fence in page.fences("bash", "sh", "console"):
        yield Located(fence.line, _COMMENT.sub("", fence.text.replace("\\\n", " ")))
    yield from (code for code in page.code() if _MODULE.search(code.text) or re.match(r"(\w+=\S+ )*make ", code.text))


COMMANDS = [(page, command) for page in PAGES for command in commands(page)]


def test_targets_and_variables_of_make_exist() -> None:
    wrong = []
    for page, command in COMMANDS:
        for _, targets, variables in _MAKE.findall(command.text):
            names = {name for name in re.findall(r" ([A-Z_]+)=", variables) if not re.search(rf"\b{name}\b", MAKEFILE)}
            unknown = names - LOCAL.keys() - TESTS.keys() | set(targets.split()) - TARGETS
            wrong += [f"{page.name}:{command.line}: {name}" for name in unknown]
    assert wrong == []


def test_modules_and_their_options_exist() -> None:
    found = [(page, command, *match) for page, command in COMMANDS for match in _MODULE.findall(command.text)]
    assert len(found) > 10
    wrong = [(page, command, module, words) for page, command, module, words in found if not can_run(module, words)]
    assert [f"{page.name}:{command.line}: {module}{words}" for page, command, module, words in wrong] == []


def test_operator_commands_of_make_ops_exist() -> None:
    found = [(page, command, words) for page, command in COMMANDS for words in _OPS.findall(command.text)]
    wrong = [(page, command, words) for page, command, words in found if not parses("ops", words)]
    assert [f"{page.name}:{command.line}: {words}" for page, command, words in wrong] == []


def can_run(module: str, words: str) -> bool:
    """Return whether the module exists and accepts the words, which can be incomplete."""
    if module in INSTALLED:
        return True
    path = ROOT / module.replace(".", "/")
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__main__.py"
    if not source.exists():
        return False
    if module in PARSERS:
        return not words.strip() or "$@" in words or parses(module, words)
    return all(f'"{name}"' in source.read_text() for name in re.findall(r"(?<= )--[\w-]+", words))


def parses(module: str, words: str) -> bool:
    """Return whether the command line accepts the words, or accepts them with one more argument."""
    for added in ([], ["x"]):
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                PARSERS[module]().parse_args([*shlex.split(words), *added])
        except SystemExit as end:
            if end.code != 0:
                continue
        return True
    return False


def argument_calls(path: Path) -> Iterator[ast.Call]:
    """Yield each call of `add_argument` and `add_parser` in a Python file."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr="add_argument" | "add_parser")):
                yield node


@pytest.mark.parametrize("folder", ["bench", "localcloud", "ops", "tests/model", "tools"])
def test_every_option_has_a_help_text(folder: str) -> None:
    calls = [(path, call) for path in (ROOT / folder).rglob("*.py") for call in argument_calls(path)]
    without = [(path, call) for path, call in calls if "help" not in {keyword.arg for keyword in call.keywords}]
    assert [f"{path.relative_to(ROOT)}:{call.lineno}" for path, call in without] == []
