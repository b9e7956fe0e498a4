"""Job repository of the model that checks every write, and the actor that makes it, against the invariants."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime

from tests.fakes.clock import VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.model.actors import RECONCILER, Actor, Role
from tests.model.changes import check_change, check_shape
from tests.model.provider import LedgerProvider
from videojobs.domain.deadlines import MAXIMUM_RUNS
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import IdempotencyKey, JobId, JobStatus, Lease, Step, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports.videos import UnknownSubmit
from videojobs.services.clean_up import CANCEL_TRIES


class WatchedJobRepository(InMemoryJobRepository):
    """See `ports.JobRepository`. `actor` makes the current call; None is the test itself.

    For each job that ever existed, `versions` holds every stored version, `owners` its user, `made_at` its creation
    time, `ends` its terminal statuses, and `retries` the number of retries. `waited` holds the jobs that waited for a
    slot, `keys` all idempotency keys ever used, and `to_stop` the tasks that a cancellation must stop.
    """

    def __init__(
        self, provider: LedgerProvider, policy: StepPolicy, clock: VirtualClock, log: Callable[[str], None]
    ) -> None:
        super().__init__(clock=clock)
        self.actor: Actor | None = None
        self.versions: dict[JobId, list[int]] = {}
        self.owners: dict[JobId, UserId] = {}
        self.made_at: dict[JobId, datetime] = {}
        self.ends: dict[JobId, list[JobStatus]] = defaultdict(list)
        self.retries: Counter[JobId] = Counter()
        self.waited: set[JobId] = set()
        self.adopted: set[JobId] = set()
        self.keys: set[tuple[UserId, IdempotencyKey]] = set()
        self.to_stop: set[str] = set()
        self._provider, self._policy, self._log = provider, policy, log

    def look(self, job_id: JobId) -> VideoJob | None:
        """Return the stored job without a check of the actor, or None."""
        return self._jobs.get(job_id)

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """Assert that a claim succeeds only for the next step, and only without a live lease."""
        before = self._jobs.get(job_id)
        claimed = super().claim(job_id, step_id, lease, now)
        if claimed is not None and before is not None and self.actor is not None:
            assert _step_id(before) == step_id, "I5: a stale message claimed a step"
            assert before.lease is None or before.lease.until <= now, "I5: two workers run one step"
            self.actor.token, self.actor.step_id = lease.token, step_id
        return claimed

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """Assert that only the holder of the lease saves, and that the reconciler saves only without a live lease."""
        stored = self._jobs.get(before.id)
        saved = super().save(before, after)
        if saved and stored is not None and self.actor is not None:
            if stored.waiting_since is not None and after.waiting_since is None and after.is_live:
                assert stored.lease is None, "a job with a lease was admitted"
            elif self.actor.role is Role.WORKER:
                holder = stored.lease.token if stored.lease else None
                ours = self.actor.token, self.actor.step_id
                assert (holder, _step_id(stored)) == ours, "I5: a stale write was applied"
            elif self.actor.role in RECONCILER:
                self._check_reconciler(before, stored, after)
        return saved

    def remove(self, job: VideoJob) -> bool:
        """Assert that only deleted jobs are removed, and only after their clean-up."""
        stored = self._jobs.get(job.id)
        removed = super().remove(job)
        if removed and stored is not None and self.actor is not None:
            assert not stored.is_live, "I8: a live job was removed"
            assert stored.deleted_at is not None, "I8: a job was removed that was not deleted"
            is_clean = self.actor.role is Role.WORKER or stored.provider is None
            assert is_clean, "I8: a job was removed before its clean-up"
            self._log("  the job is removed")
        return removed

    def put(self, job: VideoJob) -> VideoJob:
        """Check every write to a job."""
        before = self._jobs.get(job.id)
        stored = super().put(job)
        if before is not None:
            check_change(before, job, self._policy)
            if job.version > before.version:
                self.versions[job.id].append(job.version)
            if job.status is not before.status:
                self._move(before, job)
            if _is_cleaned_up(before, job):
                self._forgive(before)
        self.waited |= {job.id} if job.waiting_since else set()
        return stored

    def add(self, job: VideoJob) -> None:
        """Record a new job with its first version."""
        super().add(job)
        if job.id in self._jobs:
            check_shape(job)
            self._note(job)
            self.versions.setdefault(job.id, [job.version])
            self.waited |= {job.id} if job.waiting_since else set()
            self.keys |= {(job.user_id, job.idempotency)} if job.idempotency else set()

    def leave(self, job: VideoJob) -> None:
        """Store a job as the Express server does, without checks."""
        self._jobs[job.id] = job
        self._note(job)
        self.versions[job.id] = []
        self.adopted.add(job.id)

    def _note(self, job: VideoJob) -> None:
        self.owners[job.id], self.made_at[job.id] = job.user_id, job.created_at

    def _move(self, before: VideoJob, job: VideoJob) -> None:
        self._log(f"  the job is {job.status}" + (f": {job.error.code}" if job.error else ""))
        role = self.actor.role if self.actor else None
        if not job.is_live:
            self.ends[job.id].append(job.status)
        if not before.is_live:
            assert role is Role.RETRY, "I2: an ended job was started without a retry"
            self.retries[job.id] += 1
        if job.status is JobStatus.CANCELLED:
            assert role is Role.CANCEL, "a job was cancelled without a request"
            self.to_stop |= self._tasks_of(before)
        if job.status is JobStatus.FAILED:
            self._check_truth(before, job)
            if before.next is not None and before.next.step is Step.CLEAN_UP:
                self.to_stop -= self._tasks_of(before)

    def _tasks_of(self, job: VideoJob) -> set[str]:
        """Return the refs of the tasks that the product can attribute to the ended run."""
        if job.provider is None:
            return set()
        if job.provider.ref is not None:
            return {job.provider.ref}
        if self._provider.capabilities.unknown_submit is not UnknownSubmit.FIND:
            return set()
        task = self._provider.task_of(job.generation_token)
        return {task.ref} if task else set()

    def _forgive(self, job: VideoJob) -> None:
        """Require no stop of the task if the provider did not respond for `CANCEL_TRIES` tries."""
        if job.provider is not None and job.provider.unreachable + 1 >= CANCEL_TRIES:
            self.to_stop -= self._tasks_of(job)

    def _check_reconciler(self, seen: VideoJob, stored: VideoJob, after: VideoJob) -> None:
        # A worker may renew a lease that the reconciler has just seen expired. Its work is then lost, which is allowed.
        now = self.actor.clock.now() if self.actor else None
        free = seen.lease is None or (now is not None and seen.lease.until <= now)
        assert free, "I5: the reconciler wrote during a live lease"
        if self.actor is not None and self.actor.buries is not None:
            assert _step_id(stored) == self.actor.buries, "I5: a stale dead letter changed a job"
        if stored.next is not None and after.next is not None:
            assert _step_id(after) == _step_id(stored), "I5: the reconciler replaced a step"

    def _check_truth(self, before: VideoJob, job: VideoJob) -> None:
        assert job.error is not None, "a job failed without a reason"
        assert job.error_message, "a job failed without an error message"
        code = FailureCode(job.error.code)
        reasons = set(self._provider.reported[job.id])
        if before.started_at is not None and job.updated_at >= before.started_at + self._policy.deadline:
            reasons.add(FailureCode.TIMEOUT)
        if before.next is not None and before.next.runs > MAXIMUM_RUNS:
            reasons.add(FailureCode.INTERNAL_ERROR)
        policy = self._provider.capabilities.unknown_submit
        unknown = before.provider is not None and before.provider.ref is None
        if unknown and policy in {UnknownSubmit.FAIL, UnknownSubmit.RESUBMIT}:
            reasons.add(FailureCode.PROVIDER_ERROR)
        if before.next is not None and before.next.step is Step.RENDER:
            reasons.add(FailureCode.RESULT_LOST)
        if not before.duration:
            reasons.add(FailureCode.INVALID_REQUEST)
        assert code in reasons, f"untrue: the job failed with {code}, known reasons are {sorted(reasons)}"


def _is_cleaned_up(before: VideoJob, after: VideoJob) -> bool:
    was_due = before.next is not None and before.next.step is Step.CLEAN_UP
    return was_due and (after.next is None or after.next.step is not Step.CLEAN_UP)


def _step_id(job: VideoJob) -> str | None:
    return job.next.id if job.next else None
