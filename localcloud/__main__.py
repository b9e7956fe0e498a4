"""The command line: `python -m localcloud COMMAND`."""

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
    """Run one command; the exit status is 1 if it could not do it, 130 if it was interrupted."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments, CloudConfig.from_environment())
    except LocalCloudError as error:
        errors.print(str(error), markup=False, style="red")
        return 1
    except (BotoCoreError, ClientError, PyMongoError) as error:
        errors.print(
            f"A server of the local system does not answer as it should: {error}\nTry:  make down up", style="red"
        )
        return 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: argparse.Namespace, config: CloudConfig) -> int:  # noqa: PLR0912 - a command is a branch
    match arguments.command:
        case "up":
            stack = bring_up(config)
            console.print(f"\nThe system is up. Look at it: [bold]{stack.web_url}[/bold]\nIn the terminal:  make demo")
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
            # Imported for this command alone: it brings the media libraries.
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
            return run_during(config, arguments.words)
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
    parser = argparse.ArgumentParser(prog="python -m localcloud", description="The whole system on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start what isn't running, deploy what has changed")
    commands.add_parser("down", help="stop everything; what it holds is kept")
    logs = commands.add_parser("logs", help="what the functions log")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they log more")
    logs.add_argument("function", nargs="?", help="one function alone, such as worker")
    commands.add_parser("watch", help="queues, jobs and workers, live")
    token = commands.add_parser("token", help="a session token, for the API's cookie")
    token.add_argument("--user", default=SAMPLE_USER, help="the user's id, 24 hexadecimal digits")
    token.add_argument("--minutes", type=float, default=60)
    demo = commands.add_parser("demo", help="turn a prompt into a video")
    demo.add_argument("--prompt", default="A paper boat sails through a thunderstorm of confetti")
    demo.add_argument("--style", default="fun", choices=["fun", "calm", "background"])
    demo.add_argument("--duration", type=float, default=8, help="seconds")
    demo.add_argument("--ratio", default="16:9", choices=["16:9", "9:16", "1:1", "4:3"])
    commands.add_parser("api", help="serve the API with `sam local start-api`, in containers")
    listener = commands.add_parser("webhook-listen", help="show webhooks as they arrive, verified")
    listener.add_argument("--port", type=int, default=4580)
    soak = commands.add_parser("soak", help="put many jobs through it while its parts are killed, and count")
    soak.add_argument("--jobs", type=int, default=2000)
    fairness = commands.add_parser("fairness", help="let one user queue very many jobs, and time those of others")
    fairness.add_argument("--jobs", type=int, default=250)
    published = commands.add_parser("publish", help="put the studio's files where an environment on AWS serves them")
    published.add_argument("environment", help="one of samconfig.toml: dev, staging, prod")
    commands.add_parser("lock", help="pin anew every dependency that pyproject.toml names")
    commands.add_parser("sbom", help="what ships in each layer, as CycloneDX")
    during = commands.add_parser("during", help="run a command; whatever it started of the system ends with it")
    during.add_argument("words", nargs="+", metavar="COMMAND")
    return parser


if __name__ == "__main__":
    sys.exit(main())
