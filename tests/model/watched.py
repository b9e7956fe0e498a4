"""The jobs of the model, watched: every single write is held against the invariants, and against who made it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from tests.fakes.jobs import InMemoryJobRepository
from tests.model.actors import Actor
from tests.model.provider import LedgerProvider
from videojobs.domain.errors import FailureCode
from videojobs.domain.job import TRANSITIONS, IdempotencyKey, JobId, JobStatus, Lease, Step, UserId, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.ports import UnknownSubmit


class WatchedJobRepository(InMemoryJobRepository):
    """See `ports.JobRepository`. `actor` is who makes the present call; None: the test itself.

    `versions` holds, for each job, every version that stood; `keys` every idempotency key that a job ever held.
    """

    def __init__(self, provider: LedgerProvider, policy: StepPolicy, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.actor: Actor | None = None
        self.versions: dict[JobId, list[int]] = {}
        self.keys: set[tuple[UserId, IdempotencyKey]] = set()
        self._provider, self._policy, self._tell = provider, policy, tell

    def claim(self, job_id: JobId, step_id: str, lease: Lease, now: datetime) -> VideoJob | None:
        """A claim may win only the step it names, and only from nobody or from a dead lease."""
        before = self._jobs.get(job_id)
        claimed = super().claim(job_id, step_id, lease, now)
        if claimed is not None and before is not None and self.actor is not None:
            assert _step_id(before) == step_id, "I5: a stale message did something"
            assert before.lease is None or before.lease.until <= now, "I5: two work on one step"
            self.actor.token, self.actor.step_id = lease.token, step_id
        return claimed

    def save(self, before: VideoJob, after: VideoJob) -> bool:
        """A save may land only from who holds the lease; from a sweep only where nobody holds one."""
        stored = self._jobs.get(before.id)
        landed = super().save(before, after)
        if landed and stored is not None and self.actor is not None:
            if self.actor.token is not None:
                holder = stored.lease.token if stored.lease else None
                ours = self.actor.token, self.actor.step_id
                assert (holder, _step_id(stored)) == ours, "I5: a stale write landed"
            else:
                self._check_reconciler(before, stored, after)
        return landed

    def put(self, job: VideoJob) -> VideoJob:
        """Any write at all: what may never become of a job."""
        before = self._jobs.get(job.id)
        stored = super().put(job)
        if before is not None:
            check_change(before, job, self._policy)
            if job.version > before.version:
                self.versions[job.id].append(job.version)
            if job.status is not before.status:
                self._tell(f"  the job is {job.status}" + (f": {job.error.code}" if job.error else ""))
            if job.status is JobStatus.FAILED and before.status is not job.status:
                self._check_truth(before, job)
        return stored

    def add(self, job: VideoJob) -> None:
        """A new job begins with its first version."""
        super().add(job)
        if job.id in self._jobs:
            check_shape(job)
            self.versions.setdefault(job.id, [job.version])
            self.keys |= {(job.user_id, job.idempotency)} if job.idempotency else set()

    def leave(self, job: VideoJob) -> None:
        """The Express server's own hand."""
        self._jobs[job.id] = job
        self.versions[job.id] = []

    def _check_reconciler(self, seen: VideoJob, stored: VideoJob, after: VideoJob) -> None:
        # A worker may renew a lease that the reconciler saw dead a moment ago: its work is then lost, and no promise.
        now = self.actor.clock.now() if self.actor else None
        free = seen.lease is None or (now is not None and seen.lease.until <= now)
        assert free, "I5: the reconciler wrote while somebody worked"
        if self.actor is not None and self.actor.buries is not None:
            assert _step_id(stored) == self.actor.buries, "I5: a stale dead letter was buried"
        elif stored.next is not None and after.next is not None:
            assert _step_id(after) == _step_id(stored), "I5: the reconciler replaced a step"

    def _check_truth(self, before: VideoJob, job: VideoJob) -> None:
        assert job.error is not None, "a job failed without a reason"
        assert job.error_message, "a job failed without a word"
        code = FailureCode(job.error.code)
        reasons = set(self._provider.said[job.id])
        if before.started_at is not None and job.updated_at >= before.started_at + self._policy.deadline:
            reasons.add(FailureCode.TIMEOUT)
        if self.actor is not None and self.actor.buries is not None:
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


VISIBLE = ("status", "video_url", "error_message", "progress", "updated_at")


def check_change(before: VideoJob, after: VideoJob, policy: StepPolicy) -> None:
    """What one write may make of a job."""
    check_shape(after)
    ended = not before.is_live
    changed = [name for name in VISIBLE if getattr(before, name) != getattr(after, name)]
    if ended:
        unannounced = replace(after, outbox=before.outbox, idempotency=before.idempotency)
        assert unannounced == before, "I2: an ended job changed"
    assert after.status is before.status or after.status in TRANSITIONS[before.status], "I2: not a transition"
    assert after.version >= before.version, "a version went back"
    assert not changed or after.version > before.version, f"{changed} changed without a new version"
    assert after.attempt >= before.attempt, "an attempt was taken back"
    assert after.attempt <= policy.maximum_attempts, "I3: more attempts than allowed"
    if after.attempt == before.attempt:
        assert (after.progress or 0) >= (before.progress or 0), "progress went back within an attempt"
    if before.started_at is not None:
        assert after.started_at == before.started_at, "the deadline was put off"


def check_shape(job: VideoJob) -> None:
    """What is true of every stored job."""
    if job.is_live:
        unadopted = job.version == 0 and job.started_at is None
        assert job.next is not None or unadopted, "a live job has no next step"
        assert job.lease is None or job.next is not None, "a lease on nothing"
    else:
        assert (job.next, job.lease) == (None, None), "an ended job has a next step or a lease"
        assert job.expires_at is not None, "an ended job stays for ever"
    assert (job.status is JobStatus.COMPLETED) == (job.video_url is not None), "completed and videoUrl disagree"
    assert (job.status is JobStatus.FAILED) == (job.error_message is not None), "failed and errorMessage disagree"


def _step_id(job: VideoJob) -> str | None:
    return job.next.id if job.next else None
