"""A port of a worker process, watched: what was acknowledged is reported, and at a chosen call the process breaks."""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, JobStatus, Lease, VideoJob
from videojobs.ports.jobs import Clock

KILLED = 137
"""What a shell says of a process that got SIGKILL."""


@dataclass(frozen=True)
class Fault:
    """What happens at the `nth` call of a port's method, before or after its effect.

    `crash`: the process is gone. `pause`: it stops (SIGSTOP) until the test lets it go on. `refuse`: `Unavailable`.
    `nothing`: the call returns None without doing anything, as a read of a stale copy would.
    """

    port: str
    method: str
    do: str
    after: bool = False
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.do} {'after' if self.after else 'before'} {self.port}.{self.method} no. {self.nth}"


class Channel:
    """Lines of JSON to the test."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def send(self, **message: Any) -> None:
        """Say something; the order is that of the calls."""
        with self._lock:
            self._connection.sendall(json.dumps(message, default=_plain).encode() + b"\n")


class WatchedPort:
    """Whatever the port can do, with the faults armed for it."""

    def __init__(self, port: Any, name: str, faults: Sequence[Fault], clock: Clock, channel: Channel) -> None:
        self._port, self._name, self._faults, self._clock, self._channel = port, name, faults, clock, channel
        self._calls: Counter[str] = Counter()

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        return self._watch(method, found) if callable(found) else found

    def _watch(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **keywords: Any) -> Any:
            self._calls[method] += 1
            due = [fault for fault in self._faults if (fault.method, fault.nth) == (method, self._calls[method])]
            for fault in due:
                if not fault.after and self._happens(fault):
                    return None
            result = call(*arguments, **keywords)
            self._observe(method, arguments, result)
            for fault in due:
                if fault.after:
                    self._happens(fault)
            return result

        return watched

    def _happens(self, fault: Fault) -> bool:
        """Whether the call is to be left out."""
        match fault.do:
            case "crash":
                self._channel.send(crashing=str(fault))
                os._exit(KILLED)
            case "pause":
                self._channel.send(pausing=str(fault))
                os.kill(os.getpid(), signal.SIGSTOP)
            case "refuse":
                raise Unavailable
        return fault.do == "nothing"

    def _observe(self, method: str, arguments: Sequence[Any], result: Any) -> None:
        """Report what the checker wants to know of."""

    def _report(self, **observed: Any) -> None:
        self._channel.send(observed={"at": time.monotonic_ns(), "pid": os.getpid(), **observed})


class WatchedJobs(WatchedPort):
    """Reports every claim and every write that the database acknowledged: what the checker holds against I5."""

    def _observe(self, method: str, arguments: Sequence[Any], result: Any) -> None:
        if method == "claim" and result is not None:
            self._claimed(*arguments, won=result)
        elif method == "save" and result:
            self._saved(*arguments)

    def _claimed(self, job_id: JobId, step_id: str, lease: Lease, now: datetime, *, won: VideoJob) -> None:
        self._report(
            kind="claim",
            job=job_id,
            step=step_id,
            found=won.next and won.next.id,
            token=lease.token,
            until=lease.until,
            now=now,
            attempt=won.attempt,
        )

    def _saved(self, before: VideoJob, after: VideoJob) -> None:
        is_wish = before.status is not after.status and (after.status is JobStatus.CANCELLED or not before.is_live)
        is_wish = is_wish or (after.deleted_at is not None and before.deleted_at is None)
        self._report(
            kind="wish" if is_wish else "save",
            job=before.id,
            step=before.next and before.next.id,
            left=before.next != after.next
            and (after.next is None or before.next is None or after.next.id != before.next.id),
            token=before.lease and before.lease.token,
            until=after.lease and after.lease.until,
            now=self._clock.now(),
        )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value)} can't be told")
