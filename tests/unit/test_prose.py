"""Prose of the code: no word of a closed list, and docstrings on nearly all public names."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("functions", "layers", "ops", "localcloud", "tools", "bench")
WITH_PROSE = (*FOLDERS, "tests", "web", "infrastructure", "template.yaml")
WORDS = re.compile(
    r"\b(nobody|somebody|whoever|whatever|anew|heed\w*|bur(y|ies|ied)|in vain|goes on|told|let in|desk|rim)\b",
    re.IGNORECASE,
)
DOCUMENTED = 0.96


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def read_prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of comments, docstrings, strings with a space in them, and test names, with their numbers."""
    text = path.read_text()
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield from enumerate(node.value.splitlines(), node.lineno)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")


def test_the_search_reads_comments_docstrings_strings_and_test_names(tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text('"""Is told."""\nx = "is told"  # is told\ndef test_it_is_told(): ...\n')
    found = [number for number, line in read_prose(path) if WORDS.search(line)]
    assert sorted(found) == [1, 2, 2, 3]


@pytest.mark.parametrize("folder", WITH_PROSE)
def test_prose_contains_none_of_the_rejected_words(folder: str) -> None:
    files = [ROOT / folder] if (ROOT / folder).is_file() else (ROOT / folder).rglob("*")
    pages = [path for path in files if path.suffix in {".js", ".mjs", ".html", ".css", ".yaml"}]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in [*python_files(folder), *pages]
        if "node_modules" not in path.parts and path != Path(__file__)
        for number, line in read_prose(path)
        if (match := WORDS.search(line))
    ]
    assert not found, "write the sentence in standard terms:\n" + "\n".join(found)


def public_definitions(path: Path) -> Iterator[ast.AST]:
    """Yield the module, and its public classes and functions; methods of public classes are among them."""

    def visit(node: ast.Module | ast.ClassDef) -> Iterator[ast.AST]:
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
                yield child
                if isinstance(child, ast.ClassDef):
                    yield from visit(child)

    module = ast.parse(path.read_text())
    yield module
    yield from visit(module)


def test_public_names_have_docstrings() -> None:
    names = [
        (f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'module')}", ast.get_docstring(node))
        for path in python_files(*FOLDERS)
        for node in public_definitions(path)
    ]
    missing = [name for name, docstring in names if not docstring]
    assert len(missing) <= len(names) * (1 - DOCUMENTED), "\n".join(missing)
