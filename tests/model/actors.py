"""Whoever acts (a worker, a sweep, a request), and the fault that hits it at one of its calls to the outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Semaphore, Thread
from typing import Any

from tests.fakes.clock import VirtualClock
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable, Unavailable
from videojobs.domain.job import JobId


class Role(StrEnum):
    """What an actor is for. The last four answer a user, and live no longer than an API call may last."""

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
    """The process ends here; nothing of the actor happens any more, and what was done stays done."""


class Hit(StrEnum):
    """What befalls an actor at one of its calls: before the call's effect, or after it."""

    CRASH_BEFORE = "crashes before"
    CRASH_AFTER = "crashes after"
    REFUSED = "gets no answer, and nothing was done, by"
    ANSWER_LOST = "gets no answer, though it was done, by"
    PAUSE_BEFORE = "falls asleep before"
    PAUSE_AFTER = "falls asleep after"


PAUSES = frozenset({Hit.PAUSE_BEFORE, Hit.PAUSE_AFTER})


@dataclass(frozen=True, slots=True)
class Fault:
    """A hit at the n-th call (from 1) that an actor makes to a port."""

    hit: Hit
    call: int

    def __repr__(self) -> str:
        """Read as a sentence in a printed story."""
        return f"'{self.hit} call {self.call}'"


class Outcome(StrEnum):
    """How an actor ended."""

    DONE = "is done"
    CRASHED = "is dead"
    FAILED = "gives up for now"


@dataclass(frozen=True, slots=True)
class SkewedClock:
    """A machine's own idea of the time."""

    true: VirtualClock
    skew: timedelta

    def now(self) -> datetime:
        """The time as this machine has it."""
        return self.true.now() + self.skew


class Actor:
    """Runs a service until it ends, crashes or falls asleep; one that may sleep runs in a thread of its own.

    Only one actor runs at a time: `start` and `wake` return when it has ended or sleeps, so a run can be repeated.
    """

    def __init__(
        self, role: Role, name: str, faults: tuple[Fault, ...], clock: SkewedClock, tell: Callable[[str], None]
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
        self._tell, self._calls = tell, 0
        self._go, self._still = Semaphore(0), Semaphore(0)
        self._thread: Thread | None = None
        self._error: BaseException | None = None
        self._is_killed = False

    @property
    def sleeps(self) -> bool:
        """Whether it fell asleep and was not woken."""
        return self.outcome is None

    def start(self, work: Callable[[], object]) -> None:
        """Run `work` as far as it goes. An error that no fault explains comes out here."""
        if not PAUSES.isdisjoint(self._faults.values()):
            self._thread = Thread(target=self._run, args=(work,), daemon=True)
            self._thread.start()
            self._still.acquire()
        else:
            self._run(work)
        self._settle()

    def wake(self) -> None:
        """Go on where it fell asleep; a request that has slept for too long was ended meanwhile."""
        if self.role in REQUESTS and self.clock.true.now() > self._began_at + LONGEST_REQUEST:
            self._is_killed = True
        self._tell(f"{self.name} wakes up at {self.clock.true.now():%d %H:%M:%S}")
        self._go.release()
        self._still.acquire()
        self._settle()

    def kill(self) -> None:
        """The machine is switched off while it sleeps."""
        self._is_killed = True
        self.wake()

    def call[T](self, name: str, effect: Callable[[], T]) -> T:
        """One call to the outside, hit or not."""
        self._calls += 1
        hit = self._faults.get(self._calls)
        if hit is None:
            return effect()
        self._tell(f"{self.name} {hit} {name}")
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
        except BaseException as error:  # noqa: BLE001 - handed to whoever started it
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
    """A port as one actor sees it: each method goes through the actor, everything else is the port's own."""

    def __init__(self, name: str, port: Any, actor: Actor, before: Callable[[Actor], None]) -> None:
        self._name, self._port, self._actor, self._before = name, port, actor, before

    def __getattr__(self, name: str) -> Any:
        """The port's attribute, or its method with the actor's faults."""
        found = getattr(self._port, name)
        if not callable(found) or name in {"new_id", "created_at"}:
            return found

        def call(*args: Any, **named: Any) -> Any:
            def effect() -> Any:
                self._before(self._actor)
                return found(*args, **named)

            return self._actor.call(f"{self._name}.{name}", effect)

        return call


def _no_answer(call: str) -> Exception:
    port = call.partition(".")[0]
    if port == "provider":
        return ProviderUnreachable()
    if port == "renderer":
        return ProviderError(FailureCode.RESULT_LOST, "The provider's result is lost.", transient=True)
    return Unavailable()
