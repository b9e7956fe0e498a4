"""Table of the scenarios that each adapter passes: `python -m tests.providers.conformance_table`."""

import sys
from collections import defaultdict
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from videojobs_providers import AI_PROVIDERS

_FOLDER = Path(__file__).parent
_SUITE = [*sorted(_FOLDER.glob("test_conformance*.py")), _FOLDER / "test_odd_responses.py"]


class Results:
    """Plugin of pytest that stores the outcome of each scenario for each adapter."""

    def __init__(self) -> None:
        """Create the plugin without outcomes."""
        self.passed: dict[str, dict[str, bool]] = defaultdict(dict)
        self._cells: dict[str, tuple[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Store the adapter and the scenario of each test."""
        for item in items:
            values = dict(item.callspec.params) if hasattr(item, "callspec") else {}
            if "adapter" not in values:
                continue  # the test is not about one adapter
            adapter = str(values.pop("adapter"))
            name = item.originalname.removeprefix("test_").replace("_", " ")
            more = f" ({', '.join(map(str, values.values()))})" if values else ""
            self._cells[item.nodeid] = (name + more, adapter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the outcome; a failure in set-up, call or teardown fails the scenario."""
        if report.nodeid not in self._cells:
            return
        scenario, adapter = self._cells[report.nodeid]
        row = self.passed[scenario]
        row[adapter] = row.get(adapter, True) and report.passed


def print_table(passed: dict[str, dict[str, bool]]) -> None:
    """Print a row for each scenario, with a column for each adapter."""
    table = Table("scenario", *AI_PROVIDERS)
    for scenario in sorted(passed):
        row = passed[scenario]
        table.add_row(scenario, *("✓" if row[name] else "✗" if name in row else "" for name in AI_PROVIDERS))
    cells = [cell for row in passed.values() for cell in row.values()]
    table.caption = f"{sum(cells)} of {len(cells)} pass"
    Console(width=180).print(table)


def main() -> int:
    """Run the suite, print its table, and return the exit code of pytest."""
    results = Results()
    code = pytest.main(["-q", "--tb=line", "-p", "no:randomly", *map(str, _SUITE), *sys.argv[1:]], plugins=[results])
    print_table(results.passed)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
