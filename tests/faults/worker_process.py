"""Worker processes for fault injection, forked from a warm parent. They run the functions as Lambda does.

`python -m tests.faults.worker_process SOCKET` imports every function once and then forks a child for each connection to
the socket. A child exchanges lines of JSON: it receives its configuration and then events. It sends its observations,
the fault at which it crashes or pauses, and the handler's responses. All processes end when standard input closes.
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
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TextIO

from tests.fakes.provider import only
from tests.faults.provider_client import HttpProvider, HttpRenderer
from tests.faults.watched_ports import Channel, Fault, WatchedJobs, WatchedPort
from videojobs import bootstrap
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.secrets import CachedSecret
from videojobs_providers import factories

FUNCTIONS = ("generate", "status", "jobs", "worker", "render", "reconciler")
PORTS = ("circuit_repository", "slot_repository", "job_queue", "notifier", "video_store")
_PR_SET_PDEATHSIG = 1


class EventClock:
    """Clock that starts at the event's time plus `skew` and advances by `tick` at each reading.

    In each context of `every`, `repeats` intervals pass.
    """

    def __init__(self, skew: timedelta, tick: timedelta, repeats: int) -> None:
        self._skew, self._tick, self._repeats, self._lock = skew, tick, repeats, threading.Lock()
        self._now = datetime.min.replace(tzinfo=UTC)

    def set(self, now: datetime) -> None:
        """Set the clock to the time of an event."""
        with self._lock:
            self._now = now + self._skew

    def now(self) -> datetime:
        """See `ports.Clock`."""
        with self._lock:
            self._now += self._tick
            return self._now

    @contextmanager
    def every(self, interval: timedelta, action: Callable[[], bool]) -> Iterator[None]:
        """Advance the clock by `repeats` intervals and call `action` after each, before the body of the context."""
        for _ in range(self._repeats):
            with self._lock:
                self._now += interval
            if not action():
                break
        yield


def main() -> None:
    """Fork a child for each connection until standard input ends."""
    for function in FUNCTIONS:
        importlib.import_module(f"functions.{function}.app")
    importlib.import_module("boto3").client("s3", region_name="us-east-1")  # loading its models takes long
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are never waited for
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen(64)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                # A stopped or busy child must not outlive the tests.
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
    skew, tick = timedelta(seconds=config["skew_seconds"]), timedelta(seconds=config["tick_seconds"])
    clock = EventClock(skew, tick, config.get("renewals", 0))
    _wire(config, clock, channel)
    handler = importlib.import_module(f"functions.{config['function']}.app").handler
    channel.send(pid=os.getpid())
    for line in lines:
        call = json.loads(line)
        clock.set(datetime.fromisoformat(call["now"]))
        channel.send(responses=_handle(handler, call["event"], call["times"]))


def _handle(handler: Any, event: Mapping[str, Any], times: int) -> list[Any]:
    """Run the handler `times` times concurrently. Return the responses, or the errors as `unhandled`."""
    context = SimpleNamespace(
        aws_request_id="request",
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn",
        get_remaining_time_in_millis=lambda: 29_000,
    )

    def run(_: int) -> Any:
        try:
            return handler(dict(event), context)
        except Exception as error:  # noqa: BLE001 - Lambda reports any of them as an unhandled error
            return {"unhandled": repr(error)}

    if times == 1:
        return [run(0)]
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))


def _wire(config: Mapping[str, Any], clock: EventClock, channel: Channel) -> None:
    """Replace the factories of clock, provider and renderer, and watch all ports."""
    faults = [Fault(**fault) for fault in config["faults"]]

    def watch(name: str, port: Any) -> Any:
        kind = WatchedJobs if name == "job_repository" else WatchedPort
        return kind(port, name, [fault for fault in faults if fault.port == name], clock, channel)

    def replace(name: str, port: Any) -> None:
        watched = watch(name, port)
        setattr(bootstrap, name, lambda: watched)

    bootstrap.clock = lambda: clock  # type: ignore[assignment]
    if config["mutant"]:
        importlib.import_module("tests.faults.mutants").mutate(config["mutant"])
    if "secret_age_seconds" in config:
        _age_secrets(config["secret_age_seconds"])
    jobs = MongoJobRepository(bootstrap.mongo_connection())
    replace("job_repository", jobs)
    for name in PORTS:
        create = getattr(bootstrap, name)
        # Created on first use, as each function has the settings of its own ports only.
        setattr(bootstrap, name, _lazily(lambda name=name, create=create: watch(name, create())))
    provider = watch("video_provider", HttpProvider(config["provider"]))
    factories.providers = lambda: only(provider)  # type: ignore[assignment]
    replace("video_renderer", HttpRenderer(config["provider"]["url"]))


def _lazily(create: Any) -> Any:
    created: list[Any] = []
    lock = threading.Lock()

    def get() -> Any:
        with lock:
            if not created:
                created.append(create())
            return created[0]

    return get


def _age_secrets(seconds: float) -> None:
    """Advance the clock of secrets by `seconds` at each reading."""
    readings = iter(range(1, 1_000_000))
    cached: dict[str, CachedSecret] = {}

    def secret(arn: str) -> CachedSecret:
        if arn not in cached:
            cached[arn] = CachedSecret(arn, bootstrap._secrets_manager(), monotonic=lambda: next(readings) * seconds)
        return cached[arn]

    bootstrap.secret = secret  # type: ignore[assignment]


if __name__ == "__main__":
    main()
