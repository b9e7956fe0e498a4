"""The whole system in memory: every service on ports that a test can break; time passes as messages need it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from videojobs.ports.jobs import Erasure
from videojobs.ports.videos import Providers
from videojobs.services.cancel_job import cancel_job
from videojobs.services.claim_step import claim_step
from videojobs.services.delete_job import delete_job
from videojobs.services.erase_videos import erase_videos
from videojobs.services.job_dispatcher import JobDispatcher
from videojobs.services.reconcile_jobs import fail_dead_lettered_job, reconcile_jobs
from videojobs.services.render_video import render_video
from videojobs.services.retry_job import retry_job
from videojobs.services.route_provider import ProviderRouter
from videojobs.services.run_step import run_step
from videojobs.services.submit_batch import submit_batch
from videojobs.services.submit_job import submit_job


@dataclass
class InMemorySystem:
    """Nothing happens by itself: a test submits, delivers, sweeps, and decides what breaks in between."""

    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    providers: Providers | None = None
    """Where there is more than that one."""
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
        """Batches are stored with their jobs."""
        self.batches = InMemoryBatchRepository(self.jobs)

    @property
    def dispatcher(self) -> JobDispatcher:
        """The dispatcher on these ports."""
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
        """What `generate` does; the job as it was stored."""
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
        """What `generate` does with a batch."""
        return submit_batch(
            requests, user_id=user_id, dispatcher=self.dispatcher, batches=self.batches, idempotency=idempotency
        )

    def cancel(self, job_id: JobId, *, user_id: UserId = A_USER) -> VideoJob:
        """What `jobs` answers to a cancel."""
        return cancel_job(job_id, user_id=user_id, dispatcher=self.dispatcher)

    def retry(self, job_id: JobId, *, user_id: UserId = A_USER) -> VideoJob:
        """What `jobs` answers to a retry."""
        return retry_job(job_id, user_id=user_id, dispatcher=self.dispatcher)

    def delete(self, job_id: JobId, *, user_id: UserId = A_USER) -> None:
        """What `jobs` does with a deletion."""
        delete_job(job_id, user_id=user_id, dispatcher=self.dispatcher, store=self.store)

    def erase(self, *, user_id: UserId = A_USER, seconds: float = 10) -> bool:
        """What `jobs` and `reconciler` do to remove all that a user has now; whether it was done in time."""
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
        """A job in the middle of its life; the message of its next step, which is on its way."""
        assert job.next is not None
        self.jobs.put(job)
        return SentMessage(job.id, job.next.id, job.next.step, lane=job.priority, group=job.user_id)

    def deliver(self, message: SentMessage) -> VideoJob:
        """What `worker` or `render` does with a message; the job as it stands then."""
        self.hand_out(message)
        return self.jobs.get(message.job_id)

    def hand_out(self, message: SentMessage) -> None:
        """What `worker` or `render` does with a message, also when no job is left then."""
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
        """What `reconciler` does each minute."""
        return reconcile_jobs(dispatcher=self.dispatcher)

    def bury(self, message: SentMessage) -> bool:
        """What `reconciler` does with a dead letter."""
        return fail_dead_lettered_job(message.job_id, message.step_id, dispatcher=self.dispatcher)

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
        self.hand_out(first)

    def keep_moving(self) -> list[VideoJob]:
        """From now on somebody else writes the job right before each save; what was written."""
        moves: list[VideoJob] = []

        def move_first(before: VideoJob, _: VideoJob) -> None:
            moves.append(self.jobs.put(replace(before, lease=a_lease(token=f"{len(moves)}"))))

        self.jobs.before_save = move_first
        return moves

    def crash_worker(self, message: SentMessage) -> None:
        """Somebody claims the step and is never heard of again."""
        claimed = claim_step(message.job_id, message.step_id, dispatcher=self.dispatcher)
        assert claimed is not None
