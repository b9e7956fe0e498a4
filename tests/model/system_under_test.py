"""The world of the model: one database, its queues, one provider, one bucket, and time; and what can happen in it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from videojobs.services.reconcile_jobs import fail_dead_lettered_job, reconcile_jobs
from videojobs.services.render_video import render_video
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step

POLICY = StepPolicy(lease_duration=timedelta(seconds=25), maximum_attempts=2, deadline=timedelta(minutes=10))
RECEIVES_TO_DIE = 5
VISIBILITY = timedelta(seconds=180)
MOST_SKEW = timedelta(minutes=5)
RENDER_PACE = timedelta(seconds=7)
"""The time between two reports of a render: five of them outlast a lease that is not renewed."""


@dataclass(slots=True)
class Message:
    """A message on a queue; `visible_at` is when SQS would hand it out by itself."""

    sent: SentMessage
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class SystemUnderTest:
    """Everything there is. `tell` takes the lines of the story, in the caller's own thread; `check` runs after all."""

    provider: LedgerProvider
    tell: Callable[[str], None]
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
    story: list[str] = field(default_factory=list)
    cap: int = 20
    renderer: ScriptedRenderer = field(init=False)
    jobs: WatchedJobRepository = field(init=False)
    slots: InMemorySlotRepository = field(init=False)

    def __post_init__(self) -> None:
        """Make what stands on other things."""
        self.renderer = ScriptedRenderer(at_report=lambda _: self.pass_time(RENDER_PACE))
        self.jobs = WatchedJobRepository(self.provider, POLICY, self.clock, self.story.append)
        self.slots = InMemorySlotRepository(cap=self.cap)

    def pass_time(self, by: timedelta) -> None:
        """Let time go by for everybody."""
        self.clock.advance(by.total_seconds())

    def say(self, line: str) -> None:
        """One line more of the story, with all that was heard from the actors before."""
        for each in [*self.story, line] if line else self.story:
            self.tell(each)
        self.story.clear()

    # ------------------------------------------------------------ what happens
    def deliver(self, message: Message, skew: timedelta, faults: tuple[Fault, ...], *, again: bool = False) -> None:
        """SQS hands a message out; `again` keeps it on the queue whatever comes of it."""
        step = message.sent.step
        actor = self.actor(Role.WORKER, f"the worker with {step} of {self.name(message.sent.job_id)}", faults, skew)
        actor.job_id = message.sent.job_id
        work = self._render if step is Step.RENDER else self._step
        if not again:
            self.messages.remove(message)
        self.run(actor, lambda: work(actor, message.sent), lambda: again or self._receipt(actor, message))

    def sweep(self, skew: timedelta, faults: tuple[Fault, ...]) -> None:
        """The reconciler's minute."""
        actor = self.actor(Role.SWEEP, "the sweep", faults, skew)
        self.run(actor, lambda: reconcile_jobs(dispatcher=self.dispatcher(actor)))

    def bury(self, letter: Message, skew: timedelta, faults: tuple[Fault, ...]) -> None:
        """The reconciler gets a dead letter."""
        name = f"the burial of {letter.sent.step} of {self.name(letter.sent.job_id)}"
        actor = self.actor(Role.BURIAL, name, faults, skew)
        actor.buries = letter.sent.step_id
        self.dead_letters.remove(letter)

        def work() -> None:
            about = letter.sent.job_id, letter.sent.step_id
            fail_dead_lettered_job(*about, dispatcher=self.dispatcher(actor))

        def receipt() -> None:
            if actor.outcome is not Outcome.DONE:
                self.dead_letters.append(letter)

        self.run(actor, work, receipt)

    def wake(self, actor: Actor) -> None:
        """A sleeper goes on, however late it is."""
        self.sleepers.remove(actor)
        self._after(actor, actor.wake)

    def leave_express_job(self, job: VideoJob) -> None:
        """What the Express server had begun."""
        self.jobs.leave(job)

    # ------------------------------------------------------------ how it happens
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
        """The dispatcher on the ports as that actor sees them."""
        ports = self.ports(actor, "jobs", "slots", "queue", "notifier")
        return JobDispatcher(clock=actor.clock, policy=POLICY, **ports)

    def actor(self, role: Role, name: str, faults: tuple[Fault, ...], skew: timedelta = timedelta()) -> Actor:
        """Somebody who is about to act."""
        self.most_skew = max(self.most_skew, abs(skew))
        ahead = f", its clock {skew.total_seconds():+.0f} s" if skew else ""
        self.say(f"{self.clock.now():%d %H:%M:%S} {name}{ahead}")
        return Actor(role, name, faults, SkewedClock(self.clock, skew), self.story.append)

    def ports(self, actor: Actor, *names: str) -> dict[str, Any]:
        """The ports as that actor sees them."""
        return {name: Port(name, getattr(self, name), actor, self._before) for name in names}

    def _before(self, actor: Actor) -> None:
        is_past_deadline = actor.token is not None and not self._leases(actor)
        self.jobs.actor = actor
        self.provider.caller_is_late = is_past_deadline
        self.store.caller, self.store.caller_is_late = actor, is_past_deadline

    def _leases(self, actor: Actor) -> bool:
        return any(job.lease is not None and job.lease.token == actor.token for job in self.jobs.all())

    def run(self, actor: Actor, work: Callable[[], object], receipt: Callable[[], object] = lambda: None) -> None:
        """It acts, as far as it goes."""
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
            self.say("" if actor.outcome is Outcome.DONE else f"  {actor.name} {actor.outcome or 'sleeps'}")
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
        """What the story calls a job, also when it is gone."""
        return f"job {list(self.jobs.versions).index(job_id) + 1}"
