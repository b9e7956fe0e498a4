"""Actors (workers, sweeps, requests) and the faults at their calls to ports."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Semaphore, Thread
from typing import Any

from tests.fakes.clock import VirtualClock
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobId


class Role(StrEnum):
    """Kinds of actors. The last four are API requests, which end after `LONGEST_REQUEST`."""

    WORKER = "worker"
    SWEEP = "sweep"
    BURIAL = "burial"
    POST = "post"
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


RECONCILER = frozenset({Role.SWEEP, Role.BURIAL})
REQUESTS = frozenset({Role.POST, Role.CANCEL, Role.RETRY, Role.DELETE})
LONGEST_REQUEST = timedelta(seconds=29)


class SimulatedCrash(BaseException):
    """The process of the actor ends here. Effects of earlier calls remain."""


class Hit(StrEnum):
    """Kinds of faults at a call, before or after its effect. The values are part of the printed history."""

    CRASH_BEFORE = "crashes before"
    CRASH_AFTER = "crashes after"
    REFUSED = "gets no response, without an effect, from"
    ANSWER_LOST = "gets no response, after the effect, from"
    PAUSE_BEFORE = "pauses before"
    PAUSE_AFTER = "pauses after"


PAUSES = frozenset({Hit.PAUSE_BEFORE, Hit.PAUSE_AFTER})


@dataclass(frozen=True, slots=True)
class Fault:
    """A hit at the n-th call (from 1) that an actor makes to a port."""

    hit: Hit
    call: int

    def __repr__(self) -> str:
        """Return the fault as it appears in a printed history."""
        return f"'{self.hit} call {self.call}'"


class Outcome(StrEnum):
    """How an actor ended. The values are part of the printed history."""

    DONE = "finishes"
    CRASHED = "has crashed"
    FAILED = "fails and can be retried"


@dataclass(frozen=True, slots=True)
class SkewedClock:
    """Clock of one machine, with a constant skew."""

    true: VirtualClock
    skew: timedelta

    def now(self) -> datetime:
        """Return the time of this machine."""
        return self.true.now() + self.skew

    def every(self, interval: timedelta, action: Callable[[], bool]) -> AbstractContextManager[None]:
        """Return a context without effect: time passes only while an actor is paused, and then its machine is too."""
        return nullcontext()


class Actor:
    """Run of a service until it ends, crashes or pauses. An actor that can pause runs in a separate thread.

    Only one actor runs at a time: `start` and `wake` return when it has ended or paused, so runs are deterministic.
    """

    def __init__(
        self, role: Role, name: str, faults: tuple[Fault, ...], clock: SkewedClock, log: Callable[[str], None]
    ) -> None:
        self.role, self.name, self.clock = role, name, clock
        self._began_at = clock.true.now()
        self.outcome: Outcome | None = None
        self.token: str | None = None
        self.step_id: str | None = None
        self.buries: str | None = None
        self.job_id: JobId | None = None
        self.receipt: Callable[[], object] | None = None
        self._faults = {fault.call: fault.hit for fault in faults}
        self._log, self._calls = log, 0
        self._go, self._still = Semaphore(0), Semaphore(0)
        self._thread: Thread | None = None
        self._error: BaseException | None = None
        self._is_killed = False

    @property
    def sleeps(self) -> bool:
        """Return True while the actor is paused."""
        return self.outcome is None

    def start(self, work: Callable[[], object]) -> None:
        """Run `work` until it ends or pauses. Raise any error that no fault explains."""
        if not PAUSES.isdisjoint(self._faults.values()):
            self._thread = Thread(target=self._run, args=(work,), daemon=True)
            self._thread.start()
            self._still.acquire()
        else:
            self._run(work)
        self._settle()

    def wake(self) -> None:
        """Resume a paused actor. A request that has paused for longer than `LONGEST_REQUEST` crashes instead."""
        if self.role in REQUESTS and self.clock.true.now() > self._began_at + LONGEST_REQUEST:
            self._is_killed = True
        self._log(f"{self.name} resumes at {self.clock.true.now():%d %H:%M:%S}")
        self._go.release()
        self._still.acquire()
        self._settle()

    def kill(self) -> None:
        """Crash a paused actor."""
        self._is_killed = True
        self.wake()

    def call[T](self, name: str, effect: Callable[[], T]) -> T:
        """Make a call to a port, and inject the fault for it, if any. Return the call's result."""
        self._calls += 1
        hit = self._faults.get(self._calls)
        if hit is None:
            return effect()
        self._log(f"{self.name} {hit} {name}")
        match hit:
            case Hit.CRASH_BEFORE:
                raise SimulatedCrash
            case Hit.REFUSED:
                raise _no_answer(name)
            case Hit.PAUSE_BEFORE:
                self._sleep()
        result = effect()
        match hit:
            case Hit.CRASH_AFTER:
                raise SimulatedCrash
            case Hit.ANSWER_LOST:
                raise _no_answer(name)
            case Hit.PAUSE_AFTER:
                self._sleep()
        return result

    def _sleep(self) -> None:
        self._still.release()
        self._go.acquire()
        if self._is_killed:
            raise SimulatedCrash

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
            self.outcome = Outcome.DONE
        except SimulatedCrash:
            self.outcome = Outcome.CRASHED
        except Unavailable:
            self.outcome = Outcome.FAILED
        except BaseException as error:  # noqa: BLE001 - raised again by `_settle`
            self.outcome, self._error = Outcome.FAILED, error
        finally:
            self._still.release()

    def _settle(self) -> None:
        if self._thread is not None and not self.sleeps:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error


class Port:
    """Proxy of a port for one actor. Each method call goes through `Actor.call`."""

    def __init__(self, name: str, port: Any, actor: Actor, before: Callable[[Actor], None]) -> None:
        self._name, self._port, self._actor, self._before = name, port, actor, before

    def __getattr__(self, name: str) -> Any:
        """Return the port's attribute, or its method with the actor's faults."""
        attribute = getattr(self._port, name)
        if not callable(attribute) or name in {"new_id", "created_at"}:
            return attribute

        def call(*args: Any, **named: Any) -> Any:
            def effect() -> Any:
                self._before(self._actor)
                return attribute(*args, **named)

            return self._actor.call(f"{self._name}.{name}", effect)

        return call


def _no_answer(call: str) -> Exception:
    port = call.partition(".")[0]
    if port == "provider":
        return ProviderUnreachable()
    if port == "renderer":
        return ProviderError(FailureCode.RESULT_LOST, "The provider's result is lost.", transient=True)
    return Unavailable()
