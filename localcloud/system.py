"""Brings the whole local system up and takes it down."""

import fcntl
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from localcloud.config import CloudConfig
from localcloud.deployment import (
    DeployedStack,
    build,
    build_folder,
    deploy,
    describe_stack,
    fingerprint,
    template_parameters,
)
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import SecretArns, ensure_secrets, read_jwt_secret
from localcloud.processes import end_processes, find_processes, find_server, run_in_foreground
from localcloud.progress import console, step
from localcloud.servers import (
    AWS,
    MONGO,
    STOP_GRACE_SECONDS,
    WEB,
    end_role,
    ensure_aws,
    ensure_mongo,
    forget_aws,
    stop_aws,
)
from localcloud.stack import Stack
from localcloud.studio import ensure_studio

_ANSWER_SECONDS = 120.0


def bring_up(config: CloudConfig) -> Stack:
    """Start what isn't running, deploy what has changed, and return once the API answers.

    Raises:
        LocalCloudError: If a program is missing, a server or the deployment fails, or the API does not answer.
    """
    _require_programs(config)
    with _only_one(config):
        # What an `up` that was killed left running (sam) would deploy into the middle of this one.
        end_role(config, "tool")
        with step("MongoDB" if config.mongodb_uri else "SecantusDB") as shown:
            mongo_uri = ensure_mongo(config)
            shown.note("yours, from MONGODB_URI" if config.mongodb_uri else mongo_uri.partition("?")[0])
        with step("MiniStack") as shown:
            endpoint_url = ensure_aws(config)
            if (found := describe_stack(config, endpoint_url)) and found.is_stuck:
                forget_aws(config)
                endpoint_url = ensure_aws(config)
            shown.note(endpoint_url)
        with step("Studio") as shown:
            web_url = ensure_studio(config)
            shown.note(web_url)
        arns = ensure_secrets(config, endpoint_url, mongo_uri=mongo_uri)
        deployed = _deploy_changes(config, endpoint_url, web_url, arns)
        secret = read_jwt_secret(config)
        stack = Stack.of(
            deployed,
            stack_name=config.stack_name,
            endpoint_url=endpoint_url,
            web_url=web_url,
            mongo_uri=mongo_uri,
            secret=secret,
        )
        with step("API answers") as shown:
            _wait_for_answer(stack)
            shown.note(stack.api_url)
        stack.write(config)
        return stack


def _deploy_changes(config: CloudConfig, endpoint_url: str, web_url: str, arns: SecretArns) -> DeployedStack:
    parameters = template_parameters(config, endpoint_url, web_url, arns)
    wanted = fingerprint(config, parameters)
    found = describe_stack(config, endpoint_url)
    if found and found.fingerprint == wanted:
        return found
    with build_folder(config):
        with step("sam build"):
            build(config, endpoint_url, parameters)
        with step("sam deploy"):
            deploy(config, endpoint_url, parameters, wanted)
    made = describe_stack(config, endpoint_url)
    if made is None or made.is_stuck or made.fingerprint != wanted:
        raise LocalCloudError(f"sam deploy ended well, yet the stack is not there; see {config.logs / 'deploy.log'}")
    return made


def find_running(config: CloudConfig) -> Stack:
    """The system that is up.

    Raises:
        LocalCloudError: none is.
    """
    stack = Stack.read(config)
    if find_server(config.state, AWS) is None:
        raise LocalCloudError("The local system has ended unasked. Start it again:  make up")
    return stack


def take_down(config: CloudConfig) -> None:
    """End every process of the system; what it holds is kept for the next `up`."""
    with _only_one(config):
        config.stack_file.unlink(missing_ok=True)
        if not find_processes(config.state):
            console.print("Nothing is running.")
            return
        with step("MiniStack and its functions stopped"):
            end_role(config, "tool")
            stop_aws(config)
        with step("SecantusDB stopped"):
            end_role(config, MONGO)
        with step("Studio stopped"):
            end_role(config, WEB)


def run_during(config: CloudConfig, command: Sequence[str]) -> int:
    """Run a command that may start this system, from an empty state folder, and return the command's exit status.

    When the command ends or a signal interrupts it, every process of the system ends too.
    """
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    _end_everything(config)
    shutil.rmtree(config.state, ignore_errors=True)
    config.state.mkdir(parents=True)
    try:
        return run_in_foreground(command, environment=os.environ, cwd=config.root, state=config.state, role="test")
    finally:
        # A second signal does not interrupt the clean-up, which takes at most twice the grace period.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _end_everything(config)


def _end_everything(config: CloudConfig) -> None:
    config.stack_file.unlink(missing_ok=True)
    end_processes(find_processes(config.state), grace_seconds=STOP_GRACE_SECONDS)


@contextmanager
def _only_one(config: CloudConfig) -> Iterator[None]:
    """Let one `up` or `down` work at a time; the kernel frees the lock when its holder dies."""
    config.state.mkdir(parents=True, exist_ok=True)
    with (config.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("another `up` or `down` ended"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait_for_answer(stack: Stack) -> None:
    """Call the API as nobody until it refuses, in its own words."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    last = ""
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{stack.api_url}/api/videos/{'0' * 24}", timeout=30)
        except urllib.error.HTTPError as refusal:
            last = refusal.read().decode(errors="replace")
            if refusal.code == 401 and json.loads(last)["success"] is False:
                return
        except OSError as error:
            last = str(error)
        time.sleep(0.2)
    raise LocalCloudError(f"The API does not answer as it should. It says: {last}\nSee:  make logs")


def _require_programs(config: CloudConfig) -> None:
    needed = [config.tools / "sam", config.servers / "python"]
    if not config.mongodb_uri:
        needed.append(config.servers / "secantusd-py")
    for program in needed:
        if not program.exists():
            raise LocalCloudError(f"The program {program} is missing. Install it:  make setup")
