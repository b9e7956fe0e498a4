"""Command line of the local system: `python -m localcloud COMMAND`."""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError
from pymongo.errors import PyMongoError

from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.function_logs import show_logs
from localcloud.lock import lock_requirements
from localcloud.progress import console, errors
from localcloud.system import bring_up, find_running, run_during, take_down
from localcloud.tokens import SAMPLE_USER, make_token


def main() -> int:
    """Run the command in `sys.argv` and return its exit status.

    The status is 0 after success, 1 after an error, whose message is printed to stderr, and 130 after Ctrl-C. `soak`
    and `fairness` also return 1 if a result misses its target, and `during` returns the exit status of the command that
    it runs.

    Raises:
        SystemExit: 2 for invalid arguments, 0 after `--help`, 143 if SIGTERM interrupts `during` or `webhook-listen`.
        SetupError: If `lock` or `sbom` cannot install uv or a package.
        ProviderError: If the file that `demo` downloads is not a video.
        OSError: If the API or a download does not respond to `demo` or `fairness`, or `during` can't start its command.
    """
    arguments = _parser().parse_args()
    try:
        return _run(arguments, CloudConfig.from_environment())
    except LocalCloudError as error:
        errors.print(str(error), markup=False, style="red")
        return 1
    except (BotoCoreError, ClientError, PyMongoError) as error:
        errors.print(
            f"A server of the local system returned an error or did not respond: {error}\nRestart it:  make down up",
            markup=False,
            style="red",
        )
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace, config: CloudConfig) -> int:  # noqa: PLR0912 - one branch per command
    match arguments.command:
        case "up":
            stack = bring_up(config)
            console.print(f"\nThe system is running. Open the studio: [bold]{stack.web_url}[/bold]")
            console.print("Or make a video in the terminal:  make demo")
        case "down":
            take_down(config)
        case "logs":
            show_logs(config, find_running(config), function=arguments.function, follow=arguments.follow)
        case "watch":
            from localcloud.watch import watch

            watch(config, find_running(config))
        case "token":
            print(make_token(find_running(config), user_id=arguments.user, minutes=arguments.minutes))
        case "demo":
            # Imported here because only this command needs the media libraries.
            from localcloud.demo import Wish, run_demo

            wish = Wish(arguments.prompt, arguments.style, arguments.duration, arguments.ratio)
            run_demo(config, bring_up(config), wish)
        case "api":
            from localcloud.sam_api import serve_api

            serve_api(config, bring_up(config))
        case "webhook-listen":
            from localcloud.webhook_listener import listen

            listen(config, arguments.port)
        case "during":
            return run_during(config, arguments.command_line)
        case "soak":
            from localcloud.soak import SoakPlan, run_soak

            return run_soak(config, SoakPlan(jobs=arguments.jobs))
        case "fairness":
            from localcloud.fairness import FairnessPlan, run_fairness

            return run_fairness(config, FairnessPlan(flood=arguments.jobs))
        case "publish":
            from localcloud.pages import publish

            console.print(f"The studio is published: [bold]{publish(config.root, arguments.environment)}[/bold]")
        case "lock":
            lock_requirements(config.root)
        case "sbom":
            from localcloud.bill_of_materials import write_bills

            console.print(*(f"{path.relative_to(config.root)}" for path in write_bills(config.root)), sep="\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="Run the whole system on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the system, or deploy changes to it")
    commands.add_parser("down", help="stop the system; its data is kept")
    logs = commands.add_parser("logs", help="show the functions' logs")
    logs.add_argument("-f", "--follow", action="store_true", help="keep showing new events until interrupted")
    logs.add_argument("function", nargs="?", help="show one function only, for example worker")
    commands.add_parser("watch", help="show queues, jobs and workers live")
    token = commands.add_parser("token", help="print a session token for the API's cookie")
    token.add_argument("--user", default=SAMPLE_USER, metavar="ID", help="user ID: 24 hexadecimal digits")
    token.add_argument("--minutes", type=float, default=60, help="time until the token expires; default %(default)s")
    demo = commands.add_parser("demo", help="make a video from a prompt")
    demo.add_argument(
        "--prompt", default="A paper boat sails through a thunderstorm of confetti", help="description of the video"
    )
    demo.add_argument("--style", default="fun", choices=["fun", "calm", "background"], help="default %(default)s")
    demo.add_argument("--duration", type=float, default=8, help="length in seconds; default %(default)s")
    demo.add_argument("--ratio", default="16:9", choices=["16:9", "9:16", "1:1", "4:3"], help="default %(default)s")
    commands.add_parser("api", help="serve the API with `sam local start-api`, in containers")
    listener = commands.add_parser("webhook-listen", help="receive, verify and print webhooks")
    listener.add_argument("--port", type=int, default=4580, help="port to listen on; default %(default)s")
    soak = commands.add_parser("soak", help="run jobs while killing workers and the database")
    soak.add_argument("--jobs", type=int, default=2000, help="number of jobs; default %(default)s")
    fairness = commands.add_parser("fairness", help="measure waits while another user has many jobs")
    fairness.add_argument(
        "--jobs", type=int, default=250, help="number of jobs of that user, at least 200; default %(default)s"
    )
    published = commands.add_parser("publish", help="upload the studio's files to an environment on AWS")
    published.add_argument("environment", help="section of samconfig.toml: dev, staging or prod")
    commands.add_parser("lock", help="pin the newest versions that pyproject.toml allows")
    commands.add_parser("sbom", help="write a CycloneDX bill of materials for each layer")
    during = commands.add_parser("during", help="run a command, then stop the system that it started")
    during.add_argument("command_line", nargs="+", metavar="COMMAND", help="command with its arguments, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
