"""Categories of the tests of the deployed system (`local`, `reads`, `writes`), and the report of `make test-real`."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.stack.deployed import Deployed
from tests.stack.drift import DRIFT
from tests.stack.environment import CATEGORIES, Environment

_HERE = Path(__file__).parent
_SKIPPED = "Skipped: "


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail before the first test, with a clear message, if the named environment can't be read."""
    named = Environment.named()
    if named and session.items:
        named.look()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its category, and skip the tests that the named environment does not allow."""
    named = Environment.named()
    for item in items:
        if item.path.parent != _HERE:
            continue
        own = [category for category in CATEGORIES if item.get_closest_marker(category)]
        if len(own) > 1:
            raise pytest.UsageError(f"{item.nodeid} is {' and '.join(own)}: a test is one of {', '.join(CATEGORIES)}")
        if not own:
            item.add_marker(CATEGORIES[0])
        if named and (reason := named.why_not(*own or CATEGORIES[:1])):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def invented() -> None:
    """Skip the test if TOKEN is given: it deletes all that its user has, or uses up the user's rate limit."""
    named = Environment.named()
    if named and named.token:
        pytest.skip("would use up the rate limit or delete the videos of TOKEN's user: omit TOKEN to use a new user")


@pytest.fixture
def pixels(deployed: Deployed) -> None:
    """Skip the test if the provider returns no real videos."""
    if deployed.described.parameters["Provider"] == "simulated":
        pytest.skip("the provider `simulated` makes no video")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show which tests verified the named environment, and which were skipped and why."""
    named = Environment.named()
    if named is None:
        return
    terminalreporter.section(f"{named.stack_name}: verified")
    for name, times in _count(terminalreporter, "passed").items():
        terminalreporter.write_line(f"  {name}{f'  ({times})' if times > 1 else ''}")
    terminalreporter.section(f"{named.stack_name}: drift, which fails no test")
    for report in terminalreporter.stats.get("passed", []):
        for name, line in report.user_properties if report.when == "call" else ():
            if name == DRIFT:
                terminalreporter.write_line(f"  {line}")
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix(_SKIPPED)][_sentence(report.nodeid)] += 1
    terminalreporter.section(f"{named.stack_name}: not verified")
    for reason, names in sorted(reasons.items()):
        terminalreporter.write_line(f"  {sum(names.values())} skipped: {reason}")
        if reason != named.why_not("local"):
            for name in sorted(names):
                terminalreporter.write_line(f"      {name}")


def _count(terminalreporter: pytest.TerminalReporter, outcome: str) -> dict[str, int]:
    reports = [it for it in terminalreporter.stats.get(outcome, []) if it.when == "call"]
    return dict(sorted(Counter(_sentence(it.nodeid) for it in reports).items()))


def _sentence(nodeid: str) -> str:
    path, _, name = nodeid.partition("::test_")
    return f"{Path(path).stem.removeprefix('test_')}: {name.split('[')[0].replace('_', ' ')}"
