"""Requests of users in the model, and checks that the responses are true."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.builders import a_new_job
from tests.model.actors import Actor, Fault, Role
from tests.model.system_under_test import SystemUnderTest
from videojobs.domain.errors import IdempotencyMismatch, JobConflict, JobNotFound
from videojobs.domain.job import IdempotencyKey, JobId, JobStatus, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.slots import TooManyWaitingJobs
from videojobs.services.cancel_job import cancel_job
from videojobs.services.delete_job import delete_job
from videojobs.services.retry_job import retry_job
from videojobs.services.store_once import KEY_LIFETIME
from videojobs.services.submit_job import submit_job


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A response with 201: the user, the idempotency key, the request, and the job that it named."""

    user_id: UserId
    key: str | None
    fingerprint: str
    job_id: JobId


class Users:
    """All users of the API. A request with a fault may end without a response, which is then not checked."""

    def __init__(self, sut: SystemUnderTest) -> None:
        self._sut = sut
        self._acknowledged: list[Acknowledged] = []

    def submit(
        self, user_id: UserId, key: str | None, body: str, priority: Priority, faults: tuple[Fault, ...]
    ) -> None:
        """Submit a job."""
        name = f"the request of user {user_id[-1]} with key {key} for {body}, {priority}"
        actor = self._sut.actor(Role.POST, name, faults)
        idempotency = None if key is None else IdempotencyKey(key, fingerprint=f"{body} {priority}")

        def work() -> None:
            try:
                job, _ = submit_job(
                    a_new_job(prompt=body, priority=priority),
                    user_id=user_id,
                    idempotency=idempotency,
                    dispatcher=self._sut.dispatcher(actor),
                )
            except IdempotencyMismatch:
                self._check_mismatch(user_id, key, f"{body} {priority}")
            except TooManyWaitingJobs:
                self._check_full(user_id, priority)
            else:
                self._acknowledge(Acknowledged(user_id, key, f"{body} {priority}", job.id))

        self._sut.run(actor, work)

    def cancel(self, job_id: JobId, faults: tuple[Fault, ...]) -> None:
        """Cancel a job."""
        jobs = self._sut.jobs

        def work(actor: Actor) -> None:
            try:
                cancel_job(job_id, user_id=jobs.owners[job_id], dispatcher=self._sut.dispatcher(actor))
            except JobConflict:
                others = set(jobs.ends[job_id]) - {JobStatus.CANCELLED}
                assert others, "untrue: a live job was reported as ended"
                self._check_now(job_id, lambda job: job.status in others, "untrue: a job could have been cancelled")
            else:
                assert JobStatus.CANCELLED in jobs.ends[job_id], "untrue: a job was reported as cancelled"
                self._check_now(job_id, lambda job: job.status is JobStatus.CANCELLED, "untrue: it is not cancelled")

        self._do(Role.CANCEL, job_id, faults, work)

    def retry(self, job_id: JobId, faults: tuple[Fault, ...]) -> None:
        """Retry a job."""
        jobs = self._sut.jobs

        def work(actor: Actor) -> None:
            earlier, retries = jobs.look(job_id), jobs.retries[job_id]
            try:
                retry_job(job_id, user_id=jobs.owners[job_id], dispatcher=self._sut.dispatcher(actor), rights=None)
            except JobConflict:
                self._check_now(job_id, _can_not_be_retried, "untrue: a job could have been retried")
                refused = earlier is not None and _can_not_be_retried(earlier)
                assert refused or jobs.retries[job_id] > retries, "untrue: only a pending clean-up prevented it"
            except TooManyWaitingJobs:
                assert earlier is not None, "untrue: a job that does not exist was refused"
                self._check_full(earlier.user_id, earlier.priority)
            else:
                assert jobs.retries[job_id], "untrue: a job was reported as retried"

        self._do(Role.RETRY, job_id, faults, work)

    def delete(self, job_id: JobId, faults: tuple[Fault, ...]) -> None:
        """Delete a job."""

        def work(actor: Actor) -> None:
            jobs, store = self._sut.jobs, self._sut.ports(actor, "store")["store"]
            earlier, retries = jobs.look(job_id), jobs.retries[job_id]
            try:
                delete_job(job_id, user_id=jobs.owners[job_id], dispatcher=self._sut.dispatcher(actor), store=store)
            except JobConflict:
                self._check_now(job_id, lambda job: job.is_live, "untrue: a job could have been deleted")
                refused = earlier is not None and earlier.is_live
                assert refused or jobs.retries[job_id] > retries, "untrue: only a pending clean-up prevented it"
            else:
                self._check_gone(job_id)

        self._do(Role.DELETE, job_id, faults, work)

    def _do(self, role: Role, job_id: JobId, faults: tuple[Fault, ...], work: Callable[[Actor], None]) -> None:
        actor = self._sut.actor(role, f"the {role} of {self._sut.name(job_id)}", faults)

        def act() -> None:
            try:
                work(actor)
            except JobNotFound:
                self._check_gone(job_id)

        self._sut.run(actor, act)

    # ------------------------------------------------------------ checks
    def _check_gone(self, job_id: JobId) -> None:
        job = self._sut.jobs.look(job_id)
        assert job is None or not job.is_shown(self._sut.clock.now()), "untrue: a visible job was reported as not found"

    def _check_now(self, job_id: JobId, is_true: Callable[[VideoJob], bool], otherwise: str) -> None:
        """Assert that the response is true of the stored job, unless a paused actor may have changed it."""
        job = self._sut.jobs.look(job_id)
        assert self._sut.has_slept or (job is not None and is_true(job)), otherwise

    def _acknowledge(self, response: Acknowledged) -> None:
        jobs = self._sut.jobs
        assert jobs.owners[response.job_id] == response.user_id, "a user received another user's job"
        same_key = [it for it in self._acknowledged if (it.user_id, it.key) == (response.user_id, response.key)]
        self._acknowledged.append(response)
        for earlier in same_key if response.key is not None else ():
            if earlier.job_id == response.job_id:
                assert earlier.fingerprint == response.fingerprint, "one key was accepted for two requests"
            else:
                apart = abs(jobs.made_at[response.job_id] - jobs.made_at[earlier.job_id])
                is_gone = None in (jobs.look(earlier.job_id), jobs.look(response.job_id))
                assert is_gone or apart >= KEY_LIFETIME, "one key created two jobs"

    def _check_full(self, user_id: UserId, priority: Priority) -> None:
        slots = self._sut.slots.get(user_id, priority)
        is_full = slots is not None and len(slots.waiting) >= self._sut.maximum_waiting
        assert self._sut.has_slept or is_full, "untrue: a job was refused although few jobs wait"

    def _check_mismatch(self, user_id: UserId, key: str | None, body: str) -> None:
        keys = self._sut.jobs.keys
        others = {it.fingerprint for holder, it in keys if holder == user_id and it.key == key} - {body}
        assert others, "a key was rejected that was not used for another request"


def _can_not_be_retried(job: VideoJob) -> bool:
    return job.is_live or job.status is JobStatus.COMPLETED or not job.duration
