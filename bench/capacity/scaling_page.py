"""Generator of the cost table in docs/explanation/scaling.md: `python -m bench.capacity.scaling_page`."""

import re
from pathlib import Path

from bench.capacity.cost_model import COLUMNS, as_markdown, rows

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "scaling.md"
_TABLE = re.compile(r"(<!-- cost: [^\n]* -->\n).*?(<!-- /cost -->)", re.DOTALL)


def fill(page: str) -> str:
    """Return the page with its cost table replaced by the current one, in US dollars per month.

    A page without the markers of the table is returned unchanged.
    """
    return _TABLE.sub(lambda match: f"{match[1]}\n{as_markdown(COLUMNS, rows())}\n\n{match[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text()))
