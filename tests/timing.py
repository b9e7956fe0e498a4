"""The seconds that each folder of tests takes, shown at the end of a test run."""

from collections import defaultdict
from collections.abc import Iterable

import pytest


def sum_by_folder(reports: Iterable[pytest.TestReport]) -> dict[str, tuple[float, float]]:
    """Return the seconds that each folder spends in fixtures and in tests, the slowest folder first."""
    fixtures: defaultdict[str, float] = defaultdict(float)
    tests: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        folder = "/".join(report.nodeid.split("/")[:2])
        (tests if report.when == "call" else fixtures)[folder] += report.duration
    folders = sorted({*fixtures, *tests}, key=lambda folder: -(fixtures[folder] + tests[folder]))
    return {folder: (fixtures[folder], tests[folder]) for folder in folders}
