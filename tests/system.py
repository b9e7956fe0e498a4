"""The whole system in memory: every service on ports that a test can break; time passes as messages need it."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.builders import A_USER, a_new_job
from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.clock import VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.provider import ScriptedProvider
from tests.fakes.queue import RecordingQueue, SentMessage
from tests.fakes.renderer import ScriptedRenderer
from tests.fakes.store import InMemoryVideoStore
from videojobs.domain.job import IdempotencyKey, NewJob, Step, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.services.claim_step import claim_step
from videojobs.services.reconcile_jobs import bury_dead_letter, reconcile_jobs
from videojobs.services.render_video import render_video
from videojobs.services.run_step import run_step
from videojobs.services.submit_job import submit_job


@dataclass
class InMemorySystem:
    """Nothing happens by itself: a test submits, delivers, sweeps, and decides what breaks in between."""

    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    renderer: ScriptedRenderer = field(default_factory=ScriptedRenderer)
    policy: StepPolicy = field(default_factory=StepPolicy)
    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    circuits: InMemoryCircuitRepository = field(default_factory=InMemoryCircuitRepository)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    store: InMemoryVideoStore = field(default_factory=InMemoryVideoStore)

    def submit(
        self, request: NewJob | None = None, *, user_id: UserId = A_USER, idempotency: IdempotencyKey | None = None
    ) -> VideoJob:
        """What `generate` does; the job as it was stored."""
        job, _ = submit_job(
            request or a_new_job(),
            user_id=user_id,
            jobs=self.jobs,
            queue=self.queue,
            clock=self.clock,
            idempotency=idempotency,
        )
        return job

    def put(self, job: VideoJob) -> SentMessage:
        """A job in the middle of its life; the message of its next step, which is on its way."""
        assert job.next is not None
        self.jobs.put(job)
        return SentMessage(job.id, job.next.id, job.next.step)

    def deliver(self, message: SentMessage) -> VideoJob:
        """What `worker` or `render` does with a message; the job as it stands then."""
        ports: dict[str, Any] = {
            "jobs": self.jobs,
            "queue": self.queue,
            "notifier": self.notifier,
            "store": self.store,
            "clock": self.clock,
            "policy": self.policy,
        }
        if message.step is Step.RENDER:
            render_video(message.job_id, message.step_id, renderer=self.renderer, **ports)
        else:
            run_step(message.job_id, message.step_id, provider=self.provider, circuits=self.circuits, **ports)
        return self.jobs.get(message.job_id)

    def sweep(self) -> dict[str, int]:
        """What `reconciler` does each minute."""
        return reconcile_jobs(
            jobs=self.jobs, queue=self.queue, notifier=self.notifier, clock=self.clock, policy=self.policy
        )

    def bury(self, message: SentMessage) -> bool:
        """What `reconciler` does with a dead letter."""
        return bury_dead_letter(message.job_id, message.step_id, jobs=self.jobs, clock=self.clock, policy=self.policy)

    def run(self, *, sweeping: bool = False, at_most: int = 200) -> None:
        """Deliver message after message, waiting for each as long as it asks for, until nothing is left to do.

        With `sweeping`, a minute passes and the reconciler runs whenever the queues are empty and a job still lives.
        """
        for _ in range(at_most):
            waiting = sorted(self.queue.drain(), key=lambda message: message.delay_seconds)
            if waiting:
                self._deliver_first(waiting)
            elif sweeping and any(job.is_live for job in self.jobs.all()):
                self.clock.advance(minutes=1)
                self.sweep()
            else:
                return
        raise AssertionError(f"still busy after {at_most} messages: {self.jobs.all()}")

    def _deliver_first(self, waiting: list[SentMessage]) -> None:
        first, *others = waiting
        self.clock.advance(first.delay_seconds)
        for message in others:
            self.queue.put_back(replace(message, delay_seconds=message.delay_seconds - first.delay_seconds))
        self.deliver(first)

    def crash_worker(self, message: SentMessage) -> None:
        """Somebody claims the step and is never heard of again."""
        claimed = claim_step(
            message.job_id,
            message.step_id,
            jobs=self.jobs,
            clock=self.clock,
            lease_duration=self.policy.lease_duration,
        )
        assert claimed is not None
