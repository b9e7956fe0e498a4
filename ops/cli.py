"""The command line: what can be asked for, what is shown, how it ends.

Exit codes: 0 done, 1 could not be done (the reason stands on stderr), 2 not understood, 130 interrupted.
"""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from ops.commands import Commands, connect
from ops.errors import OpsError, explain_aws, explain_unavailable
from videojobs.domain.errors import Unavailable
from videojobs.domain.submissions import RETRY_AFTER_SECONDS

PROG = "python -m ops"


def main(words: Sequence[str] | None = None, connect: Callable[[Namespace], Commands] = connect) -> int:
    """Run one command; the exit code. `connect`: what finds the system and everything in it."""
    arguments = _parser().parse_args(words)
    try:
        done: int = getattr(connect(arguments), arguments.command)(arguments)
    except OpsError as error:
        print(error, file=sys.stderr)
        return 1
    except Unavailable as error:
        print(explain_unavailable(error), file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(explain_aws(error, f"the command {arguments.command}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return done


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROG, description="What operators do. Every command may be repeated.")
    where = parser.add_argument_group("which system")
    where.add_argument("--stack", metavar="NAME", help="a stack on AWS; without it the local system (make up)")
    where.add_argument("--profile", help="of the AWS configuration")
    where.add_argument("--region", help="of the stack")
    parser.add_argument("--json", action="store_true", help="for machines")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    timeline = _add(commands, "timeline", "what happened to a job, in one table", "timeline 6921f0c2a1b2c3d4e5f60718")
    timeline.add_argument("job", metavar="JOB")
    timeline.add_argument(
        "--show-prompt", action="store_true", help="the prompt is its user's: shown only when asked for"
    )
    pause = _add(
        commands, "pause", "refuse new jobs with 503; all else goes on", "pause --reason 'provider down' --yes"
    )
    pause.add_argument("--reason", default="", help="for operators; no caller is shown it")
    pause.add_argument("--retry-after", type=int, default=RETRY_AFTER_SECONDS, metavar="SECONDS")
    _add_yes(pause)
    _add_yes(_add(commands, "resume", "take new jobs again", "resume --yes"))
    _add(commands, "status", "how full the queues are, how far behind it is, whether new jobs are taken", "status")
    redrive = _add(
        commands, "redrive", "deliver dead letters again; those of jobs' steps end their job: see replay", "redrive all"
    )
    redrive.add_argument("queue", choices=["events", "webhooks", "all"])
    redrive.add_argument("--limit", type=int, default=1_000, metavar="N", help="at most so many of each queue")
    _add_yes(redrive)
    replay = _add(
        commands, "replay", "queue failed jobs anew, within their users' shares", "replay --code timeout --since 2h"
    )
    replay.add_argument("job", nargs="*", metavar="JOB")
    replay.add_argument("--code", help="in place of jobs: all that failed with this code")
    replay.add_argument("--since", type=_read_span, default=timedelta(hours=1), metavar="2h", help="created since")
    replay.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many")
    _add_yes(replay)
    return parser


def _read_span(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if len(text) < 2 or text[-1] not in units or not text[:-1].isdecimal():
        raise argparse.ArgumentTypeError("say it as 30m, 2h or 1d")
    return timedelta(**{units[text[-1]]: int(text[:-1])})


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, does: str, example: str
) -> argparse.ArgumentParser:
    example = f"for example:  {PROG} --stack videojobs-prod {example}"
    return commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=example)


def _add_yes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="do it without being asked")
