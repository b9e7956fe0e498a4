"""The frontend guide agrees with its example, the pinned versions, and the client's codes."""

import json
import re

import pytest

from tools.node_packages import ROOT

EXAMPLE = ROOT / "examples" / "react"
GUIDE = (ROOT / "docs" / "start" / "frontend.md").read_text()
BLOCKS = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', GUIDE, re.MULTILINE | re.DOTALL))
TYPES = (ROOT / "web" / "types.d.ts").read_text()


def read_table(first_column: str) -> dict[str, list[str]]:
    """Return the cells of a table's rows by the text in their first cell; the header begins with `first_column`."""
    [table] = re.findall(rf"^\| {re.escape(first_column)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    rows = [[cell.strip().strip("`") for cell in row.strip("|").split(" | ")] for row in table.splitlines()]
    return {first.strip("|` "): rest for first, *rest in rows}


def read_union(*names: str) -> set[str]:
    """Return the texts of union types in the client's types."""
    definitions = [re.search(rf"export type {name} =([^;]*);", TYPES) for name in names]
    return {text for definition in definitions if definition for text in re.findall(r'"(\w+)"', definition[1])}


@pytest.mark.parametrize("name", BLOCKS)
def test_code_of_the_guide_is_that_of_the_example(name: str) -> None:
    assert BLOCKS[name] == (EXAMPLE / name).read_text()


def test_guide_contains_every_file_that_differs_from_the_template_of_vite() -> None:
    code = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.glob("src/*")} - {"src/main.tsx"}
    assert BLOCKS.keys() == code | {"vite.config.ts"}


def test_versions_are_those_of_the_example() -> None:
    package = json.loads((EXAMPLE / "package.json").read_text())
    pinned = package["dependencies"] | package["devDependencies"]
    versions = {name: cells[0] for key, cells in read_table("needed").items() for name in key.split(", ")}
    assert {name: versions.get(name) for name in pinned if not name.startswith("@types/")} == {
        name: version for name, version in pinned.items() if not name.startswith("@types/")
    }
    commands = "\n".join(line for line in GUIDE.splitlines() if line.startswith("npm "))
    for prefix, name, version in re.findall(r"(?<=\s)(create --yes )?([@\w/-]+)@(\d[\w.]+)", commands):
        full_name = f"create-{name}" if prefix else name
        assert versions[full_name] == version


def test_generator_of_types_has_the_versions_that_the_tests_use() -> None:
    tested = json.loads((ROOT / "tests" / "npm" / "package.json").read_text())["dependencies"]
    commands = [
        line for page in ROOT.glob("docs/**/*.md") for line in page.read_text().splitlines() if "npx -p" in line
    ]
    [command] = commands
    assert dict(re.findall(r"-p (\S+)@(\S+)", command)) == {
        name: tested[name] for name in ("openapi-typescript", "typescript")
    }


def test_table_of_errors_has_every_code() -> None:
    assert read_table("`code`").keys() == read_union("ApiErrorCode", "ClientErrorCode")


def test_table_of_reasons_for_polling_has_every_reason() -> None:
    assert read_table("`pollingReason`").keys() == read_union("PollingReason")
