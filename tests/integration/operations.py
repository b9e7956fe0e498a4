"""Operations on MongoDB of each route, in each state. `python -m tests.integration.operations` writes their table.

The functions run in this process, on the adapters of the deployed system. A proxy in front of MongoDB counts the
commands that the server executes, without those that open a connection. The table is a part of docs/performance.md.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.integration.counted_functions import counting
from tests.integration.operation_scenarios import SCENARIOS
from tests.servers import secantusdb

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def measure(mongo_address: str) -> dict[tuple[str, str], list[str]]:
    """Return the operations of each request and state, in order.

    Raises:
        AssertionError: If a response has an unexpected status.
    """
    operations = {}
    with counting(mongo_address) as counted:
        for request, state, status, prepare in SCENARIOS:
            counted.reset()
            call = prepare(counted)
            operations[request, state], returned = counted.count(call)
            assert returned == status, f"{request}, {state}: {returned}"
    return operations


def format_table(operations: dict[tuple[str, str], list[str]]) -> str:
    """Return a table in Markdown with a row for each request and state."""
    rows = ["| request | state | operations | kinds |", "|---|---|---:|---|"]
    for (request, state), names in operations.items():
        kinds = Counter(names).items()
        shown = ", ".join(name if times == 1 else f"{times} {name}" for name, times in kinds)
        rows.append(f"| {request} | {state} | {len(names)} | {shown} |")
    return "\n".join(rows)


def read_table(page: str) -> str:
    """Return the table of the page.

    Raises:
        ValueError: If the page does not contain one.
    """
    found = _TABLE.search(page)
    if found is None:
        raise ValueError("The page has no table of operations.")
    return found[0]


_TABLE = re.compile(r"\| request \| state \|.*?(?=\n<!--)", re.DOTALL)


def main() -> int:
    """Count on a new SecantusDB, write the table into the page and return 0."""
    with TemporaryDirectory() as folder, secantusdb(Path(folder)) as address:
        table = format_table(measure(address))
    page = PAGE.read_text()
    PAGE.write_text(page.replace(read_table(page), table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
