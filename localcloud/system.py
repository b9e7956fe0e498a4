"""Start and stop of the whole local system."""

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
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from localcloud.builds import build, build_folder
from localcloud.config import CloudConfig
from localcloud.deployment import (
    DeployedStack,
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
    """Start the servers that are not running, deploy changes, write `stack.json`, and return once the API responds.

    Only one `up` or `down` runs at a time; another one waits. Idempotent: a second call deploys nothing unless an input
    has changed. A CloudFormation stack that can't be updated is removed and deployed again. Progress is printed.

    Raises:
        LocalCloudError: If a program is missing, a server, the build or the deployment fails, sam cannot read a
            parameter, or the API does not respond within 120 s. Servers that have started keep running.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond.
    """
    _require_programs(config)
    with _only_one(config), ThreadPoolExecutor() as threads:
        # A sam process that an interrupted `up` left running would deploy at the same time as this one.
        end_role(config, "tool")
        # The servers take seconds to start. If they run, the fingerprint shows first whether a build is needed.
        building = threads.submit(_build, config) if find_server(config.state, AWS) is None else None
        with step("MongoDB" if config.mongodb_uri else "SecantusDB") as progress:
            mongo_uri = ensure_mongo(config)
            progress.note("yours, from MONGODB_URI" if config.mongodb_uri else mongo_uri.partition("?")[0])
        with step("MiniStack") as progress:
            endpoint_url = ensure_aws(config)
            if (deployed := describe_stack(config, endpoint_url)) and deployed.is_stuck:
                forget_aws(config)
                endpoint_url = ensure_aws(config)
            progress.note(endpoint_url)
        with step("Studio") as progress:
            web_url = ensure_studio(config)
            progress.note(web_url)
        arns = ensure_secrets(config, endpoint_url, mongo_uri=mongo_uri)
        current = _deploy_changes(config, endpoint_url, web_url, arns, building)
        secret = read_jwt_secret(config)
        stack = Stack.of(
            current,
            stack_name=config.stack_name,
            endpoint_url=endpoint_url,
            web_url=web_url,
            mongo_uri=mongo_uri,
            secret=secret,
        )
        with step("API responds") as progress:
            _wait_for_answer(stack)
            progress.note(stack.api_url)
        stack.write(config)
        return stack


def _deploy_changes(
    config: CloudConfig, endpoint_url: str, web_url: str, arns: SecretArns, building: Future[None] | None
) -> DeployedStack:
    """Build and deploy unless the deployed stack has the current fingerprint, and return the stack.

    `building` is the build if it has started.

    Raises:
        LocalCloudError: If the build or the deployment fails.
    """
    parameters = template_parameters(config, web_url, arns)
    expected = fingerprint(config, endpoint_url, parameters)
    before = describe_stack(config, endpoint_url)
    if before and before.fingerprint == expected:
        return before
    with step("sam build"):
        building.result() if building else _build(config)
    with step("sam deploy"), build_folder(config):
        deploy(config, endpoint_url, parameters, expected)
    after = describe_stack(config, endpoint_url)
    if after is None or after.is_stuck or after.fingerprint != expected:
        raise LocalCloudError(
            f"`sam deploy` succeeded, but the stack was not updated. See {config.logs / 'deploy.log'}"
        )
    return after


def _build(config: CloudConfig) -> None:
    with build_folder(config):
        build(config)


def find_running(config: CloudConfig) -> Stack:
    """Return the description of the running system from `stack.json`.

    Raises:
        LocalCloudError: If the system is not running, or its local AWS has stopped unexpectedly.
    """
    stack = Stack.read(config)
    if find_server(config.state, AWS) is None:
        raise LocalCloudError("The local system stopped unexpectedly. Start it again:  make up")
    return stack


def take_down(config: CloudConfig) -> None:
    """Stop every process of the system and delete `stack.json`; its data is kept for the next `up`.

    Each process gets SIGTERM and, if it still runs after 20 s, SIGKILL. While another `up` or `down` runs, wait for it.
    """
    with _only_one(config):
        config.stack_file.unlink(missing_ok=True)
        if not find_processes(config.state):
            console.print("Nothing is running.")
            return
        with step("Stop MiniStack and its functions"):
            end_role(config, "tool")
            stop_aws(config)
        with step("Stop SecantusDB"):
            end_role(config, MONGO)
        with step("Stop the studio"):
            end_role(config, WEB)


def run_during(config: CloudConfig, command: Sequence[str]) -> int:
    """Delete the state folder, run a command that may start this system, and return the command's exit status.

    Processes of the system that run before are ended. When the command ends or a signal interrupts it, every process of
    the system ends too. The signal handlers of this process are replaced, and SIGTERM and SIGINT are ignored in the
    end.

    Raises:
        OSError: If the command can't be started.
        KeyboardInterrupt: If Ctrl-C interrupts it.
        SystemExit: 143 if SIGTERM interrupts it.
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
    """Hold the lock that lets only one `up` or `down` run; the kernel releases it when its holder ends."""
    config.state.mkdir(parents=True, exist_ok=True)
    with (config.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("Wait for another `up` or `down`"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait_for_answer(stack: Stack) -> None:
    """Send requests without a session until the API itself rejects one with 401.

    Raises:
        LocalCloudError: If it does not do so within 120 s.
    """
    deadline = time.monotonic() + _ANSWER_SECONDS
    last = ""
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{stack.api_url}/api/videos/{'0' * 24}", timeout=30)
        except urllib.error.HTTPError as error:
            last = error.read().decode(errors="replace")
            if error.code == 401 and json.loads(last)["success"] is False:
                return
        except OSError as error:
            last = str(error)
        time.sleep(0.2)
    raise LocalCloudError(f"The API does not respond correctly. Its last response: {last}\nSee:  make logs")


def _require_programs(config: CloudConfig) -> None:
    """Raise an error if a program that the servers or the deployment need is not installed."""
    needed = [config.tools / "sam", config.servers / "python"]
    if not config.mongodb_uri:
        needed.append(config.servers / "secantusd-py")
    for program in needed:
        if not program.exists():
            raise LocalCloudError(f"The program {program} is missing. Install it:  make setup")
