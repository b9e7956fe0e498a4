"""Command-line parser and entry point.

Exit codes: 0 success, 1 failure (stderr has the reason), 2 invalid arguments, 130 interrupted.
"""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.terminal import print_safely
from ops.commands import Commands, connect
from ops.errors import OpsError, explain_aws, explain_unavailable
from videojobs.domain.errors import Unavailable
from videojobs.domain.submissions import RETRY_AFTER_SECONDS

PROG = "python -m ops"
_JOB = "6921f0c2a1b2c3d4e5f60718"

type _Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name


def main(words: Sequence[str] | None = None, connect: Callable[[Namespace], Commands] = connect) -> int:
    """Run a command and return its exit code.

    The code is 0 after success, 1 after an error of the command, MongoDB or AWS, whose reason is printed to stderr, and
    130 after Ctrl-C. `words` are the arguments (None: those of the process), and `connect` creates the commands of the
    selected system.

    Raises:
        SystemExit: 2 if the arguments are invalid, 0 after `--help`.
        SettingsError: If the function's environment variables are missing or malformed.
    """
    arguments = _parser().parse_args(words)
    try:
        done: int = getattr(connect(arguments), arguments.command.replace("-", "_"))(arguments)
    except OpsError as error:
        print_safely(str(error), file=sys.stderr)
        return 1
    except Unavailable as error:
        print_safely(explain_unavailable(error), file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print_safely(explain_aws(error, f"the command {arguments.command}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description="Commands for operators. Every command is safe to repeat.")
    where = parser.add_argument_group("target system")
    where.add_argument("--stack", metavar="NAME", help="stack on AWS (default: the local system of `make up`)")
    where.add_argument("--profile", help="AWS profile to use")
    where.add_argument("--region", help="AWS region of the stack")
    parser.add_argument("--json", action="store_true", help="output JSON")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    timeline = _add(commands, "timeline", "show what happened to a job", f"timeline {_JOB}")
    timeline.add_argument("job", metavar="JOB", help="job ID")
    private = "also show the prompt, which is private to the user"
    timeline.add_argument("--show-prompt", action="store_true", help=private)
    _add_pause(commands)
    _add_yes(_add(commands, "resume", "accept new jobs again", "resume --yes"))
    _add(commands, "status", "show queue depths, delays and whether new jobs are accepted", "status")
    _add_redrive(commands)
    _add_replay(commands)
    does = "fetch the finished result of a failed job, after its host was allowed and deployed"
    fetch_result = _add(commands, "fetch-result", does, f"fetch-result {_JOB}")
    fetch_result.add_argument("job", metavar="JOB", help="job ID")
    _add_yes(fetch_result)
    return parser


def _add_pause(commands: _Commands) -> None:
    does = "refuse new jobs with status 503; jobs in progress continue"
    pause = _add(commands, "pause", does, "pause --reason 'provider down' --yes")
    pause.add_argument("--reason", default="", help="note for operators; callers do not see it")
    shown = "Retry-After of refused requests (default: %(default)s)"
    pause.add_argument("--retry-after", type=int, default=RETRY_AFTER_SECONDS, metavar="SECONDS", help=shown)
    _add_yes(pause)


def _add_redrive(commands: _Commands) -> None:
    does = "move dead letters back to the events or webhooks queue; for failed jobs use replay"
    redrive = _add(commands, "redrive", does, "redrive all")
    redrive.add_argument("queue", choices=["events", "webhooks", "all"], help="queue whose dead letters to move")
    most = "maximum number of messages to move per queue (default: %(default)s)"
    redrive.add_argument("--limit", type=int, default=1_000, metavar="N", help=most)
    _add_yes(redrive)


def _add_replay(commands: _Commands) -> None:
    does = "queue failed jobs again, within the slots of their users"
    replay = _add(commands, "replay", does, "replay --code timeout --since 2h")
    replay.add_argument("job", nargs="*", metavar="JOB", help="job ID")
    replay.add_argument("--code", help="replay the jobs that failed with this code, instead of job IDs")
    since = "with --code: only jobs created in the last TIME, such as 30m, 2h or 1d (default: 1h)"
    replay.add_argument("--since", type=_read_span, default=timedelta(hours=1), metavar="TIME", help=since)
    most = "with --code: maximum number of jobs (default: %(default)s)"
    replay.add_argument("--limit", type=int, default=100, metavar="N", help=most)
    _add_yes(replay)


def _read_span(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if len(text) < 2 or text[-1] not in units or not text[:-1].isdecimal():
        raise argparse.ArgumentTypeError("use a duration such as 30m, 2h or 1d")
    return timedelta(**{units[text[-1]]: int(text[:-1])})


def _add(commands: _Commands, name: str, does: str, example: str) -> argparse.ArgumentParser:
    example = f"Example: {PROG} --stack videojobs-prod {example}"
    return commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=example)


def _add_yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="skip the confirmation")
