"""The processes that a fault happens to: real ones, forked from a warm parent, running the functions as Lambda does.

`python -m tests.faults.worker_process SOCKET` imports every function once and then forks a child for each connection to
the socket. A child speaks lines of JSON: first comes how it is to be wired, then events; it answers with what it
observed, where it crashes or pauses, and what the handler returned. All of it ends with standard input.
"""

import ctypes
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TextIO

from tests.fakes.provider import only
from tests.faults.provider_client import HttpProvider, HttpRenderer
from tests.faults.watched_ports import Channel, Fault, WatchedJobs, WatchedPort
from videojobs import bootstrap
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.secrets import CachedSecret

FUNCTIONS = ("generate", "status", "jobs", "worker", "render", "reconciler")
PORTS = ("circuit_repository", "slot_repository", "job_queue", "notifier", "video_store")
_PR_SET_PDEATHSIG = 1


class ToldClock:
    """The time that came with the event, a little later at each look; `skew` is how wrong this machine is about it."""

    def __init__(self, skew: timedelta, tick: timedelta) -> None:
        self._skew, self._tick, self._lock = skew, tick, threading.Lock()
        self._now = datetime.min.replace(tzinfo=UTC)

    def tell(self, now: datetime) -> None:
        """An event has come."""
        with self._lock:
            self._now = now + self._skew

    def now(self) -> datetime:
        """See `ports.Clock`."""
        with self._lock:
            self._now += self._tick
            return self._now


def main() -> None:
    """Fork a child for each connection until standard input ends."""
    for function in FUNCTIONS:
        importlib.import_module(f"functions.{function}.app")
    importlib.import_module("boto3").client("s3", region_name="us-east-1")  # its models take long to load
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                # A child that is stopped, or busy, must not outlive the tests.
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                try:
                    _serve(connection)
                finally:
                    os._exit(0)
            connection.close()


def _serve(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    lines: TextIO = connection.makefile("r")
    config = json.loads(lines.readline())
    channel = Channel(connection)
    os.environ.update(config["environment"])
    random.seed(config["seed"])
    clock = ToldClock(timedelta(seconds=config["skew_seconds"]), timedelta(seconds=config["tick_seconds"]))
    _wire(config, clock, channel)
    handler = importlib.import_module(f"functions.{config['function']}.app").handler
    channel.send(pid=os.getpid())
    for line in lines:
        call = json.loads(line)
        clock.tell(datetime.fromisoformat(call["now"]))
        channel.send(answers=_handle(handler, call["event"], call["times"]))


def _handle(handler: Any, event: Mapping[str, Any], times: int) -> list[Any]:
    """Run the handler, or as many of it at once as asked for."""
    context = SimpleNamespace(
        aws_request_id="request", function_name="function", memory_limit_in_mb=512, invoked_function_arn="arn"
    )

    def run(_: int) -> Any:
        try:
            return handler(dict(event), context)
        except Exception as error:  # noqa: BLE001 - what Lambda calls an unhandled error
            return {"unhandled": repr(error)}

    if times == 1:
        return [run(0)]
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))


def _wire(config: Mapping[str, Any], clock: ToldClock, channel: Channel) -> None:
    """Replace the factories that this process is to be wrong about, and watch all others."""
    faults = [Fault(**fault) for fault in config["faults"]]

    def watch(name: str, made: Any) -> Any:
        kind = WatchedJobs if name == "job_repository" else WatchedPort
        return kind(made, name, [fault for fault in faults if fault.port == name], clock, channel)

    def replace(name: str, made: Any) -> None:
        watched = watch(name, made)
        setattr(bootstrap, name, lambda: watched)

    bootstrap.clock = lambda: clock  # type: ignore[assignment]
    if config["mutant"]:
        importlib.import_module("tests.faults.mutants").mutate(config["mutant"])
    if "secret_age_seconds" in config:
        _age_secrets(config["secret_age_seconds"])
    jobs = MongoJobRepository(bootstrap.mongo_connection())
    replace("job_repository", jobs)
    for name in PORTS:
        made = getattr(bootstrap, name)
        # Made on first use, as each function has the settings of its own ports only.
        setattr(bootstrap, name, _lazily(lambda name=name, made=made: watch(name, made())))
    provider = watch("video_provider", HttpProvider(config["provider"]))
    bootstrap.providers = lambda: only(provider)  # type: ignore[assignment]
    replace("video_renderer", HttpRenderer(config["provider"]["url"]))


def _lazily(make: Any) -> Any:
    made: list[Any] = []
    lock = threading.Lock()

    def get() -> Any:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


def _age_secrets(seconds: float) -> None:
    """Let each look at a secret's clock come so many seconds after the one before."""
    looks = iter(range(1, 1_000_000))
    made: dict[str, CachedSecret] = {}

    def secret(arn: str) -> CachedSecret:
        if arn not in made:
            made[arn] = CachedSecret(arn, bootstrap._secrets_manager(), monotonic=lambda: next(looks) * seconds)
        return made[arn]

    bootstrap._secret = secret  # type: ignore[assignment]


if __name__ == "__main__":
    main()
