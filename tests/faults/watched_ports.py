"""Wrappers of the ports in a worker process. They report acknowledged writes and inject faults at chosen calls."""

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
"""Exit code that shells report for a process killed by SIGKILL."""


@dataclass(frozen=True)
class Fault:
    """A fault at the `nth` call of a port's method, before or after its effect.

    `crash` exits the process. `pause` stops it (SIGSTOP) until the test resumes it. `refuse` raises `Unavailable`.
    `nothing` makes the call return None without an effect, like a read of a stale copy.
    """

    port: str
    method: str
    do: str
    after: bool = False
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.do} {'after' if self.after else 'before'} {self.port}.{self.method} no. {self.nth}"


class Channel:
    """Connection that sends lines of JSON to the test."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def send(self, **message: Any) -> None:
        """Send a message. Messages arrive in the order of the calls."""
        with self._lock:
            self._connection.sendall(json.dumps(message, default=_plain).encode() + b"\n")


class WatchedPort:
    """Proxy of a port that injects faults into its methods."""

    def __init__(self, port: Any, name: str, faults: Sequence[Fault], clock: Clock, channel: Channel) -> None:
        self._port, self._name, self._faults, self._clock, self._channel = port, name, faults, clock, channel
        self._calls: Counter[str] = Counter()

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._port, method)
        return self._watch(method, attribute) if callable(attribute) else attribute

    def _watch(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **keywords: Any) -> Any:
            self._calls[method] += 1
            due = [fault for fault in self._faults if (fault.method, fault.nth) == (method, self._calls[method])]
            for fault in due:
                if not fault.after and self._inject(fault):
                    return None
            result = call(*arguments, **keywords)
            self._observe(method, arguments, result)
            for fault in due:
                if fault.after:
                    self._inject(fault)
            return result

        return watched

    def _inject(self, fault: Fault) -> bool:
        """Inject the fault. Return True if the call must be skipped."""
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
        """Report a call that the checker needs. The base class reports nothing."""

    def _report(self, **observed: Any) -> None:
        self._channel.send(observed={"at": time.monotonic_ns(), "pid": os.getpid(), **observed})


class WatchedJobs(WatchedPort):
    """Job repository that reports every acknowledged claim and write, for the check of I5."""

    def _observe(self, method: str, arguments: Sequence[Any], result: Any) -> None:
        if method == "claim" and result is not None:
            self._report_claim(*arguments, won=result)
        elif method == "save" and result:
            self._report_save(*arguments)

    def _report_claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime, *, won: VideoJob) -> None:
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

    def _report_save(self, before: VideoJob, after: VideoJob) -> None:
        is_control = before.status is not after.status and (after.status is JobStatus.CANCELLED or not before.is_live)
        is_control = is_control or (after.deleted_at is not None and before.deleted_at is None)
        self._report(
            kind="control" if is_control else "save",
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
    raise TypeError(f"{type(value)} is not serializable")
