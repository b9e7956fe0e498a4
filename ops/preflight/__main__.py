"""Command line of the preflight: `python -m ops.preflight ENVIRONMENT`, or `make preflight`.

It changes nothing. Exit codes: 0 if no check failed, 1 if one did, 2 for invalid arguments.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import boto3

from localcloud.progress import SafeConsole
from localcloud.terminal import print_safely
from ops.errors import OpsError
from ops.preflight import domains, edge, leftovers, mongodb, quota, secrets, tools
from ops.preflight.findings import Check, Outcome, print_findings, run_checks
from ops.preflight.target import Target

_ROOT = Path(__file__).resolve().parents[2]
_PIPE_WIDTH = 160
"""Columns of the table if the output is not a terminal."""


def main(words: Sequence[str] | None = None, *, root: Path = _ROOT, session: boto3.Session | None = None) -> int:
    """Check an environment, print the table and return the exit code.

    `words` are the arguments (None: those of the process). `session` is the boto3 session (None: the default one).

    Raises:
        SystemExit: 2 if the arguments are invalid, 0 after `--help`.
    """
    arguments = _parser().parse_args(words)
    console = SafeConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, emoji=False)
    try:
        target = Target(root, arguments.environment, session=session or boto3.Session(), studio=arguments.studio)
    except OpsError as error:
        print_safely(str(error), file=sys.stderr)
        return 1
    findings = run_checks(list_checks(target))
    print_findings(console, findings)
    outcomes = [finding.outcome for _, finding in findings]
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome.value}" for outcome in Outcome)
    console.print(
        f"\n{target.stack_name} in {target.region}: {counts}. Nothing was changed. All checks ran from this machine's "
        "network; that of the functions can differ.",
        markup=False,
        soft_wrap=True,
    )
    return 1 if Outcome.FAILED in outcomes else 0


def list_checks(target: Target) -> list[Check]:
    """Return all checks that apply to the target's options, in the order of the table."""
    return [
        *tools.list_checks(target),
        *quota.list_checks(target),
        *secrets.list_checks(target),
        *mongodb.list_checks(target, partial(secrets.read_mongo_uri, target)),
        *domains.list_checks(target),
        *edge.list_checks(target),
        *leftovers.list_checks(target),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops.preflight", description="Check an environment before sam deploy."
    )
    parser.add_argument("environment", help="section of samconfig.toml: dev, staging or prod")
    parser.add_argument(
        "--studio",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="parameter of infrastructure/studio.yaml; repeat it (default: those of the deployed studio)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
