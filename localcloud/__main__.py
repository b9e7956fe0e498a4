"""The command line: `python -m localcloud COMMAND`."""

import argparse
import sys

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.progress import console, errors
from localcloud.system import bring_up, take_down


def main() -> int:
    """Run one command; the exit status is 1 if it could not do it, 130 if it was interrupted."""
    arguments = _parser().parse_args()
    config = CloudConfig.from_environment()
    try:
        if arguments.command == "up":
            stack = bring_up(config)
            console.print(f"\nThe system is up: [bold]{stack.apiUrl}[/bold]")
        elif arguments.command == "down":
            take_down(config)
    except LocalCloudError as error:
        errors.print(str(error), markup=False, style="red")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="The whole system on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start what isn't running, deploy what has changed")
    commands.add_parser("down", help="stop everything")
    return parser


if __name__ == "__main__":
    sys.exit(main())
