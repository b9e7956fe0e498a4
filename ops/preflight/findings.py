"""Results of checks, and the table that shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table


class Outcome(StrEnum):
    """Result of a check. `NOT_ESTABLISHED` does not fail the preflight: a right or a response is missing."""

    PASSED = "ok"
    FAILED = "FAILED"
    NOT_ESTABLISHED = "not established"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and advice, which is empty if there is nothing to do. Neither contains a secret."""

    outcome: Outcome
    text: str
    advice: str = ""


class NotEstablishedError(Exception):
    """Error for a check without a result. The message is the reason, such as the right that is missing."""


@dataclass(frozen=True, slots=True)
class Check:
    """Check with the title of its row. `run` raises `NotEstablishedError` if there is no result."""

    title: str
    run: Callable[[], Finding]


def passed(text: str, advice: str = "") -> Finding:
    """Return the finding of a check that passed."""
    return Finding(Outcome.PASSED, text, advice)


def failed(text: str, advice: str) -> Finding:
    """Return the finding of a check that failed. `advice` is the remedy."""
    return Finding(Outcome.FAILED, text, advice)


def run_checks(checks: Sequence[Check]) -> list[tuple[str, Finding]]:
    """Run the checks in order and return the title and the finding of each."""
    return [(check.title, _run(check)) for check in checks]


def print_findings(console: Console, findings: Sequence[tuple[str, Finding]]) -> None:
    """Print the findings as one table. Long cells continue on the next line and are not cut."""
    table = Table(
        "check", "result", "found", "advice", box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0)
    )
    for title, finding in findings:
        style = {Outcome.FAILED: "red", Outcome.NOT_ESTABLISHED: "yellow"}.get(finding.outcome, "")
        table.add_row(title, finding.outcome.value, finding.text, finding.advice, style=style)
    console.print(table, markup=False)


def _run(check: Check) -> Finding:
    try:
        return check.run()
    except NotEstablishedError as error:
        return Finding(Outcome.NOT_ESTABLISHED, str(error))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return Finding(Outcome.NOT_ESTABLISHED, f"AWS rejects {error.operation_name} ({code})")
