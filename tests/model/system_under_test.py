"""System of the model: database, queues, provider, bucket and clock in memory, and the events that can happen."""

from collections.abc import Callable
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.clock import VirtualClock
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.provider import only
from tests.fakes.queue import RecordingQueue, SentMessage
from tests.fakes.renderer import ScriptedRenderer
from tests.fakes.slots import InMemorySlotRepository
from tests.fakes.timings import InMemoryTimingRepository
from tests.model.actors import Actor, Fault, Outcome, Port, Role, SkewedClock
from tests.model.provider import LedgerProvider
from tests.model.watched import WatchedJobRepository
from tests.model.watched_store import WatchedVideoStore
from videojobs.domain.job import JobId, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.reconcile_jobs import reconcile_jobs, resend_dead_letter
from videojobs.services.render_video import render_video
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step

POLICY = StepPolicy(lease_duration=timedelta(seconds=25), maximum_attempts=2, deadline=timedelta(minutes=10))
RECEIVES_TO_DIE = 5
VISIBILITY = timedelta(seconds=180)
MOST_SKEW = timedelta(minutes=5)
RENDER_PACE = timedelta(seconds=7)
"""Time between two progress reports of a render. Five of them exceed a lease that is not renewed."""


@dataclass(slots=True)
class Message:
    """A message on a queue; SQS would deliver it at `visible_at`."""

    sent: SentMessage
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class SystemUnderTest:
    """All components. `log` receives the lines of the history in the caller's thread; `check` runs after each event."""

    provider: LedgerProvider
    log: Callable[[str], None]
    check: Callable[["SystemUnderTest"], None]
    clock: VirtualClock = field(default_factory=VirtualClock)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    circuits: InMemoryCircuitRepository = field(default_factory=InMemoryCircuitRepository)
    timings: InMemoryTimingRepository = field(default_factory=InMemoryTimingRepository)
    store: WatchedVideoStore = field(default_factory=WatchedVideoStore)
    messages: list[Message] = field(default_factory=list)
    dead_letters: list[Message] = field(default_factory=list)
    sleepers: list[Actor] = field(default_factory=list)
    most_skew: timedelta = timedelta()
    is_broken: bool = False
    has_slept: bool = False
    history: list[str] = field(default_factory=list)
    cap: int = 20
    maximum_waiting: int = 1000
    uncounted: set[JobId] = field(default_factory=set)
    """Jobs that waited without being counted, for example because their admission was interrupted."""
    renderer: ScriptedRenderer = field(init=False)
    jobs: WatchedJobRepository = field(init=False)
    slots: InMemorySlotRepository = field(init=False)

    def __post_init__(self) -> None:
        """Create the components that depend on others."""
        self.renderer = ScriptedRenderer(at_report=lambda _: self.pass_time(RENDER_PACE))
        self.jobs = WatchedJobRepository(self.provider, POLICY, self.clock, self.history.append)
        self.slots = InMemorySlotRepository(cap=self.cap, maximum_waiting=self.maximum_waiting)

    def pass_time(self, by: timedelta) -> None:
        """Advance the clock of all machines."""
        self.clock.advance(by.total_seconds())

    def say(self, line: str) -> None:
        """Write the lines of the actors and then this line, if it is not empty, to the history."""
        for entry in [*self.history, line] if line else self.history:
            self.log(entry)
        self.history.clear()

    # ------------------------------------------------------------ events
    def deliver(self, message: Message, skew: timedelta, faults: tuple[Fault, ...], *, again: bool = False) -> None:
        """Deliver a message to a worker. With `again` the message stays on the queue."""
        step = message.sent.step
        actor = self.actor(Role.WORKER, f"the worker with {step} of {self.name(message.sent.job_id)}", faults, skew)
        actor.job_id = message.sent.job_id
        work = self._render if step is Step.RENDER else self._step
        if not again:
            self.messages.remove(message)
        self.run(actor, lambda: work(actor, message.sent), lambda: again or self._receipt(actor, message))

    def sweep(self, skew: timedelta, faults: tuple[Fault, ...]) -> None:
        """Run the reconciler once."""
        actor = self.actor(Role.SWEEP, "the sweep", faults, skew)
        self.run(actor, lambda: reconcile_jobs(dispatcher=self.dispatcher(actor)))

    def bury(self, letter: Message, skew: timedelta, faults: tuple[Fault, ...]) -> None:
        """Deliver a dead letter to the reconciler."""
        name = f"the dead letter of {letter.sent.step} of {self.name(letter.sent.job_id)}"
        actor = self.actor(Role.BURIAL, name, faults, skew)
        actor.buries = letter.sent.step_id
        self.dead_letters.remove(letter)

        def work() -> None:
            about = letter.sent.job_id, letter.sent.step_id
            resend_dead_letter(*about, dispatcher=self.dispatcher(actor))

        def receipt() -> None:
            if actor.outcome is not Outcome.DONE:
                self.dead_letters.append(letter)

        self.run(actor, work, receipt)

    def wake(self, actor: Actor) -> None:
        """Resume a paused actor."""
        self.sleepers.remove(actor)
        self._after(actor, actor.wake)

    def leave_express_job(self, job: VideoJob) -> None:
        """Store a job as the Express server does."""
        self.jobs.leave(job)

    # ------------------------------------------------------------ implementation
    def _step(self, actor: Actor, sent: SentMessage) -> None:
        ports = self.ports(actor, "circuits", "timings", "provider", "store")
        run_step(
            sent.job_id,
            sent.step_id,
            dispatcher=self.dispatcher(actor),
            router=ProviderRouter(only(ports["provider"]), ports["circuits"]),
            store=ports["store"],
            timings=ports["timings"],
        )

    def _render(self, actor: Actor, sent: SentMessage) -> None:
        ports = self.ports(actor, "provider", "renderer", "store")
        providers = only(ports.pop("provider"))
        render_video(sent.job_id, sent.step_id, dispatcher=self.dispatcher(actor), providers=providers, **ports)

    def dispatcher(self, actor: Actor) -> JobDispatcher:
        """Return a dispatcher on the actor's proxies of the ports."""
        ports = self.ports(actor, "jobs", "slots", "queue", "notifier")
        return JobDispatcher(clock=actor.clock, policy=POLICY, **ports)

    def actor(self, role: Role, name: str, faults: tuple[Fault, ...], skew: timedelta = timedelta()) -> Actor:
        """Create an actor and write its name to the history."""
        self.most_skew = max(self.most_skew, abs(skew))
        ahead = f", its clock {skew.total_seconds():+.0f} s" if skew else ""
        self.say(f"{self.clock.now():%d %H:%M:%S} {name}{ahead}")
        return Actor(role, name, faults, SkewedClock(self.clock, skew), self.history.append)

    def ports(self, actor: Actor, *names: str) -> dict[str, Any]:
        """Return proxies of these ports for the actor."""
        return {name: Port(name, getattr(self, name), actor, self._before) for name in names}

    def _before(self, actor: Actor) -> None:
        is_past_deadline = actor.token is not None and not self._leases(actor)
        self.jobs.actor = actor
        self.provider.caller_is_late = is_past_deadline
        self.store.caller, self.store.caller_is_late = actor, is_past_deadline

    def _leases(self, actor: Actor) -> bool:
        return any(job.lease is not None and job.lease.token == actor.token for job in self.jobs.all())

    def run(self, actor: Actor, work: Callable[[], object], receipt: Callable[[], object] = lambda: None) -> None:
        """Run an actor until it ends or pauses. `receipt` is called once it has ended."""
        actor.receipt = receipt
        self._after(actor, lambda: actor.start(work))

    def _after(self, actor: Actor, go: Callable[[], None]) -> None:
        try:
            go()
        except BaseException:
            self.is_broken = True
            raise
        finally:
            self.jobs.actor = None
            self.say("" if actor.outcome is Outcome.DONE else f"  {actor.name} {actor.outcome or 'is paused'}")
        if actor.sleeps:
            self.has_slept = True
            self.sleepers.append(actor)
        elif actor.receipt is not None:
            actor.receipt()
        now = self.clock.now()
        for sent in self.queue.drain():
            self.messages.append(Message(sent, now + timedelta(seconds=sent.delay_seconds)))
        self.check(self)

    def _receipt(self, actor: Actor, message: Message) -> None:
        if actor.outcome is Outcome.DONE:
            return
        after = replace(message, receives=message.receives + 1, visible_at=self.clock.now() + VISIBILITY)
        (self.dead_letters if after.receives >= RECEIVES_TO_DIE else self.messages).append(after)

    def name(self, job_id: JobId) -> str:
        """Return the name of a job in the history, also if it was removed."""
        return f"job {list(self.jobs.versions).index(job_id) + 1}"
