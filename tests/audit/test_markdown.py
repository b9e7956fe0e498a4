"""All Markdown files pass markdownlint.

It runs in Node. Without Node, the test is skipped, and fails in CI.
"""

from tests.node import NPM, run
from tools.node_packages import ROOT


def test_markdownlint_reports_no_problem() -> None:
    lint = run(NPM / "node_modules" / ".bin" / "markdownlint-cli2", folder=ROOT)
    assert lint.returncode == 0, lint.stdout
    assert "Summary: 0 error(s)" in lint.stdout
