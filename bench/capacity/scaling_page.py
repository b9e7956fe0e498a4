"""Writes the cost table into docs/scaling.md: `python -m bench.capacity.scaling_page`."""

import re
from pathlib import Path

from bench.capacity.cost_model import COLUMNS, as_markdown, rows

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
_PLACE = re.compile(r"(<!-- cost: [^\n]* -->\n).*?(<!-- /cost -->)", re.DOTALL)


def fill(page: str) -> str:
    """The page with the table as it is now, in US dollars a month."""
    return _PLACE.sub(lambda place: f"{place[1]}\n{as_markdown(COLUMNS, rows())}\n\n{place[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text()))
