"""Every promise of docs/reliability.md states its mechanism and is proved by tests that exist."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reliability.md").read_text()
PROMISES = re.findall(r"^- \*\*(I\d+)\. (.*?)(?=^\n|^- |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
"""The number and the text of each promise."""
SETTINGS = re.findall(r"^- \*\*(S\d+)\.", PAGE, flags=re.MULTILINE)
"""The number of each setting of AWS on which the promises depend."""


def _proofs() -> list[tuple[str, str]]:
    """Return each line of the proofs: the number of a promise, by default that of the line above, and a test."""
    (table,) = re.findall(r"^## Proof\n.*?^```text\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    lines, proved = [], ""
    for line in table.splitlines():
        *number, test = line.split()
        proved = "".join(number) or proved
        lines.append((proved, test))
    return lines


def test_promises_and_settings_are_numbered_without_gaps() -> None:
    assert [number for number, _ in PROMISES] == [f"I{number}" for number in range(1, len(PROMISES) + 1)]
    assert [*SETTINGS] == [f"S{number}" for number in range(1, len(SETTINGS) + 1)]
    assert len(PROMISES) >= 31
    assert len(SETTINGS) >= 9


@pytest.mark.parametrize(("number", "text"), PROMISES, ids=[number for number, _ in PROMISES])
def test_promise_states_its_mechanism(number: str, text: str) -> None:
    _, mechanism = text.split("*Mechanism:*")
    assert mechanism.strip(), number


def test_every_promise_and_every_setting_has_a_proof() -> None:
    proved = Counter(number for number, _ in _proofs())
    assert {*(number for number, _ in PROMISES), *SETTINGS} <= proved.keys()
    assert proved.total() > 110


def test_every_test_named_in_the_reliability_document_exists() -> None:
    named = {test for _, test in _proofs()} | set(re.findall(r"\btest_\w+\b(?!\.py)", PAGE))
    written = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)\(", file.read_text(), flags=re.MULTILINE)
    }
    assert named - written == set()
