"""The whole system in memory, with ports that a test can break and a clock that messages advance."""

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass, field
from datetime import timedelta

from tests.builders import A_USER, a_lease, a_new_job
from tests.fakes.batches import InMemoryBatchRepository
from tests.fakes.circuits import InMemoryCircuitRepository
from tests.fakes.clock import VirtualClock
from tests.fakes.erasures import InMemoryErasureRepository
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.notifier import RecordingNotifier
from tests.fakes.provider import ScriptedProvider, only
from tests.fakes.queue import RecordingQueue, SentMessage
from tests.fakes.renderer import ScriptedRenderer
from tests.fakes.slots import InMemorySlotRepository
from tests.fakes.store import InMemoryVideoStore
from tests.fakes.timings import InMemoryTimingRepository
from videojobs.domain.job import Batch, IdempotencyKey, JobId, Step, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import NewJob
from videojobs.ports.erasures import Erasure
from videojobs.ports.videos import Providers
from videojobs.services.cancel_job import cancel_job
from videojobs.services.claim_step import claim_step
from videojobs.services.delete_job import delete_job
from videojobs.services.erase_videos import erase_videos
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.reconcile_jobs import reconcile_jobs, resend_dead_letter
from videojobs.services.render_video import render_video
from videojobs.services.retry_job import RetryRights, retry_job
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step
from videojobs.services.submit_batch import submit_batch
from videojobs.services.submit_job import submit_job


@dataclass
class InMemorySystem:
    """All services on in-memory ports. Nothing runs by itself: a test submits, delivers, sweeps and injects faults."""

    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    providers: Providers | None = None
    """The registry of providers for tests with more than one; None means `provider` alone."""
    renderer: ScriptedRenderer = field(default_factory=ScriptedRenderer)
    policy: StepPolicy = field(default_factory=StepPolicy)
    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    slots: InMemorySlotRepository = field(default_factory=InMemorySlotRepository)
    circuits: InMemoryCircuitRepository = field(default_factory=InMemoryCircuitRepository)
    queue: RecordingQueue = field(default_factory=RecordingQueue)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)
    store: InMemoryVideoStore = field(default_factory=InMemoryVideoStore)
    timings: InMemoryTimingRepository = field(default_factory=InMemoryTimingRepository)
    erasures: InMemoryErasureRepository = field(default_factory=InMemoryErasureRepository)

    def __post_init__(self) -> None:
        """Create the batch repository on top of the job repository."""
        self.batches = InMemoryBatchRepository(self.jobs)

    @property
    def dispatcher(self) -> JobDispatcher:
        """Return a dispatcher on these ports."""
        return JobDispatcher(
            jobs=self.jobs,
            slots=self.slots,
            queue=self.queue,
            notifier=self.notifier,
            clock=self.clock,
            policy=self.policy,
        )

    def submit(
        self, request: NewJob | None = None, *, user_id: UserId = A_USER, idempotency: IdempotencyKey | None = None
    ) -> VideoJob:
        """Submit a job as `generate` does. Return the job as stored."""
        job, _ = submit_job(
            request or a_new_job(), user_id=user_id, dispatcher=self.dispatcher, idempotency=idempotency
        )
        return job

    def submit_batch(
        self,
        requests: Sequence[NewJob],
        *,
        user_id: UserId = A_USER,
        idempotency: IdempotencyKey | None = None,
    ) -> tuple[Batch, bool]:
        """Submit a batch as `generate` does. Return the batch and whether an earlier request created it."""
        return submit_batch(
            requests, user_id=user_id, dispatcher=self.dispatcher, batches=self.batches, idempotency=idempotency
        )

    def cancel(self, job_id: JobId, *, user_id: UserId = A_USER) -> VideoJob:
        """Cancel a job as `jobs` does. Return the job."""
        return cancel_job(job_id, user_id=user_id, dispatcher=self.dispatcher)

    def retry(
        self,
        job_id: JobId,
        *,
        user_id: UserId = A_USER,
        rights: RetryRights | None = None,
        with_new_seed: bool = False,
    ) -> VideoJob:
        """Retry a job as `jobs` does, without a check of rights by default. Return the job."""
        dispatcher = self.dispatcher
        return retry_job(job_id, user_id=user_id, dispatcher=dispatcher, rights=rights, with_new_seed=with_new_seed)

    def delete(self, job_id: JobId, *, user_id: UserId = A_USER) -> None:
        """Delete a job as `jobs` does."""
        delete_job(job_id, user_id=user_id, dispatcher=self.dispatcher, store=self.store)

    def erase(self, *, user_id: UserId = A_USER, seconds: float = 10) -> bool:
        """Erase all videos that a user has now, as `jobs` and `reconciler` do. Return True if done within `seconds`."""
        now = self.clock.now()
        return erase_videos(
            Erasure(user_id, now),
            until=now + timedelta(seconds=seconds),
            dispatcher=self.dispatcher,
            batches=self.batches,
            erasures=self.erasures,
            store=self.store,
        )

    def put(self, job: VideoJob) -> SentMessage:
        """Store a job that is in progress. Return the message of its next step, as if it had been sent."""
        assert job.next is not None
        self.jobs.put(job)
        return SentMessage(job.id, job.next.id, job.next.step, lane=job.priority, group=job.user_id)

    def deliver(self, message: SentMessage) -> VideoJob:
        """Process a message as `worker` or `render` does. Return the job afterwards."""
        self.hand_out(message)
        return self.jobs.get(message.job_id)

    def hand_out(self, message: SentMessage) -> None:
        """Process a message as `worker` or `render` does. The job may be deleted in the process."""
        providers = self.providers or only(self.provider)
        if message.step is Step.RENDER:
            render_video(
                message.job_id,
                message.step_id,
                dispatcher=self.dispatcher,
                providers=providers,
                renderer=self.renderer,
                store=self.store,
            )
        else:
            run_step(
                message.job_id,
                message.step_id,
                dispatcher=self.dispatcher,
                router=ProviderRouter(providers, self.circuits),
                store=self.store,
                timings=self.timings,
            )

    def sweep(self) -> dict[str, int]:
        """Run the reconciler once, as happens each minute. Return its counts."""
        return reconcile_jobs(dispatcher=self.dispatcher)

    def sweep_until_resent(self, first_sweep: float) -> timedelta:
        """Run the reconciler `first_sweep` seconds from now, then each minute, until it sends a step.

        Return the time that this took.
        """
        since = self.clock.now()
        self.clock.advance(first_sweep)
        self.sweep()
        while not self.queue.sent:
            self.clock.advance(minutes=1)
            self.sweep()
        return self.clock.now() - since

    def bury(self, message: SentMessage) -> bool:
        """Process a dead letter as `reconciler` does. Return True if that changed the job."""
        return resend_dead_letter(message.job_id, message.step_id, dispatcher=self.dispatcher)

    def run(self, *, sweeping: bool = False, at_most: int = 200) -> None:
        """Deliver messages one by one, after their delays on the virtual clock, until no message is left.

        With `sweeping`, while the queues are empty and a job is live, advance a minute and run the reconciler.

        Raises:
            AssertionError: If messages or live jobs remain after `at_most` rounds.
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
        self.hand_out(first)

    def keep_moving(self) -> list[VideoJob]:
        """Make a competing write to the job right before each later save. Return the list that collects the writes."""
        competing_writes: list[VideoJob] = []

        def move_first(before: VideoJob, _: VideoJob) -> None:
            competing_writes.append(self.jobs.put(replace(before, lease=a_lease(token=f"{len(competing_writes)}"))))

        self.jobs.before_save = move_first
        return competing_writes

    def crash_worker(self, message: SentMessage) -> None:
        """Claim the step and do nothing more, as a worker that crashes."""
        claimed = claim_step(message.job_id, message.step_id, dispatcher=self.dispatcher)
        assert claimed is not None
