"""Markdown files: links lead somewhere, names in code exist, and snippets parse."""

import json
import re
import tomllib
from fnmatch import fnmatch
from functools import cache

import pytest
import yaml

from tests.docs.markdown import ROOT, Located, Page, pages, read_page, tracked_files, tracked_folders

PAGES = pages()
CURRENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The pages without the one about earlier versions, which names files, tests and headings that no longer exist."""
_PATH = re.compile(r"[\w@*-][\w@*./-]*(\.(py|md|yaml|json|toml|m?js|tsx?|css|html|txt)|/)|(?:[\w-]+/)+[\w.-]+")
_ENDING = re.compile(r"\.(py|md|yaml|json|toml|m?js|tsx?|css|html|txt)$")
_NOT_HERE = (".local/", ".venv/", ".aws-sam/", "out/", "node_modules/", "/", "config.json", "videojobs/")
"""Beginnings of paths that commands create, and of names on AWS."""

_EXAMPLE = "acme"
"""Provider that pages use as an example."""


def test_links_lead_to_files_and_headings() -> None:
    links = [(page, link) for page in CURRENT for link in page.links()]
    assert len(links) > 150
    assert [f"{page.name}:{link.line}: {link.text}" for page, link in links if not leads_somewhere(page, link)] == []


def leads_somewhere(page: Page, link: Located) -> bool:
    """Return whether a relative link leads to a file and, in a Markdown file, to a heading. Accept other links."""
    if re.match(r"[a-z]+:", link.text):
        return True
    path, _, anchor = link.text.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in read_page(target).anchors


def test_map_lists_every_page() -> None:
    [index] = [page for page in PAGES if page.name == "docs/README.md"]
    listed = {(index.path.parent / link.text.partition("#")[0]).resolve() for link in index.links()}
    existing = {page.path for page in PAGES if page.name.startswith("docs/") and page is not index}
    assert {path.name for path in existing - listed if not re.match(r"\d{4}-", path.name)} == set()


def test_named_tests_exist() -> None:
    named = [(page, code) for page in CURRENT for code in page.code() if re.fullmatch(r"test_\w+", code.text)]
    written = {
        name
        for file in tracked_files()
        if re.fullmatch(r"tests/.*/test_\w+\.py", file)
        for name in re.findall(r"^ *(?:async )?def (test_\w+)\(", (ROOT / file).read_text(), re.MULTILINE)
    }
    assert [f"{page.name}:{code.line}: {code.text}" for page, code in named if code.text not in written] == []


def test_named_files_exist() -> None:
    named = [(page, code) for page in CURRENT for code in page.code() if _PATH.fullmatch(code.text)]
    missing = [(page, code) for page, code in named if not file_exists(page, code.text)]
    assert [f"{page.name}:{code.line}: {code.text}" for page, code in missing] == []


def file_exists(page: Page, name: str) -> bool:
    """Return whether a file or folder has this path, or one that ends with it."""
    path = name.rstrip("/")
    if name.startswith(_NOT_HERE) or _EXAMPLE in name or path in endings() or (page.path.parent / path).exists():
        return True
    if "*" in path:
        return any(fnmatch(ending, path) for ending in endings())
    # Without an ending it is a path only if it begins with a folder: `text/plain` does not.
    return not (_ENDING.search(path) or name.endswith("/")) and path.split("/")[0] not in tracked_folders()


@cache
def endings() -> frozenset[str]:
    """Return the path of each file and folder, also without its first folders."""
    split = (name.split("/") for name in tracked_files() | tracked_folders())
    return frozenset("/".join(parts[start:]) for parts in split for start in range(len(parts)))


def parse_toml(text: str) -> object:
    """Parse a snippet of TOML, which can be lines of a list."""
    return tomllib.loads(f"list = [\n{text}]" if text.lstrip().startswith('"') else text)


PARSERS = {"json": json.loads, "toml": parse_toml, "yaml": yaml.safe_load}


@pytest.mark.parametrize("language", PARSERS)
def test_snippets_parse(language: str) -> None:
    snippets = [(page, fence) for page in PAGES for fence in page.fences(language)]
    assert snippets
    wrong = []
    for page, fence in snippets:
        try:
            PARSERS[language](fence.text)
        except (ValueError, yaml.YAMLError) as error:
            wrong.append(f"{page.name}:{fence.line}: {error}")
    assert wrong == []
