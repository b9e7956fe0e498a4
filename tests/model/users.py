"""What users do with their jobs in the model, and whether what they are answered is true."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.builders import a_new_job
from tests.model.actors import Actor, Fault, Role
from tests.model.system_under_test import SystemUnderTest
from videojobs.domain.errors import IdempotencyMismatch, JobConflict, JobNotFound
from videojobs.domain.job import IdempotencyKey, JobId, JobStatus, UserId, VideoJob
from videojobs.domain.request import Priority
from videojobs.services.cancel_job import cancel_job
from videojobs.services.delete_job import delete_job
from videojobs.services.retry_job import retry_job
from videojobs.services.store_once import KEY_LIFETIME
from videojobs.services.submit_job import submit_job


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A 201: whose, for which key and body, and the job that it named."""

    user_id: UserId
    key: str | None
    fingerprint: str
    job_id: JobId


class Users:
    """Everybody who calls the API. Each call runs as far as its faults let it; who gets no answer knows nothing."""

    def __init__(self, sut: SystemUnderTest) -> None:
        self._sut = sut
        self._acknowledged: list[Acknowledged] = []

    def ask(self, user_id: UserId, key: str | None, body: str, lane: Priority, faults: tuple[Fault, ...]) -> None:
        """A user posts a request."""
        name = f"the request of user {user_id[-1]} with key {key} for {body}, {lane}"
        actor = self._sut.actor(Role.POST, name, faults)
        idempotency = None if key is None else IdempotencyKey(key, fingerprint=f"{body} {lane}")

        def work() -> None:
            try:
                job, _ = submit_job(
                    a_new_job(prompt=body, priority=lane),
                    user_id=user_id,
                    idempotency=idempotency,
                    dispatcher=self._sut.dispatcher(actor),
                )
            except IdempotencyMismatch:
                self._check_mismatch(user_id, key, f"{body} {lane}")
            else:
                self._acknowledge(Acknowledged(user_id, key, f"{body} {lane}", job.id))

        self._sut.run(actor, work)

    def cancel(self, job_id: JobId, faults: tuple[Fault, ...]) -> None:
        """A user wants a job no more."""
        jobs = self._sut.jobs

        def work(actor: Actor) -> None:
            try:
                cancel_job(job_id, user_id=jobs.owners[job_id], dispatcher=self._sut.dispatcher(actor))
            except JobConflict:
                others = set(jobs.ends[job_id]) - {JobStatus.CANCELLED}
                assert others, "untrue: a job that had not ended was said to have"
                self._check_now(job_id, lambda job: job.status in others, "untrue: a job could have been cancelled")
            else:
                assert JobStatus.CANCELLED in jobs.ends[job_id], "untrue: a job was said to be cancelled"
                self._check_now(job_id, lambda job: job.status is JobStatus.CANCELLED, "untrue: it is not cancelled")

        self._do(Role.CANCEL, job_id, faults, work)

    def retry(self, job_id: JobId, faults: tuple[Fault, ...]) -> None:
        """A user wants a job after all."""
        jobs = self._sut.jobs

        def work(actor: Actor) -> None:
            found, retries = jobs.look(job_id), jobs.retries[job_id]
            try:
                retry_job(job_id, user_id=jobs.owners[job_id], dispatcher=self._sut.dispatcher(actor))
            except JobConflict:
                self._check_now(job_id, _can_not_be_retried, "untrue: a job could have been retried")
                refused = found is not None and _can_not_be_retried(found)
                assert refused or jobs.retries[job_id] > retries, "untrue: only a clean-up stood in the way"
            else:
                assert jobs.retries[job_id], "untrue: a job was said to be retried"

        self._do(Role.RETRY, job_id, faults, work)

    def delete(self, job_id: JobId, faults: tuple[Fault, ...]) -> None:
        """A user wants nothing to be left of a job."""

        def work(actor: Actor) -> None:
            jobs, store = self._sut.jobs, self._sut.ports(actor, "store")["store"]
            found, retries = jobs.look(job_id), jobs.retries[job_id]
            try:
                delete_job(job_id, user_id=jobs.owners[job_id], dispatcher=self._sut.dispatcher(actor), store=store)
            except JobConflict:
                self._check_now(job_id, lambda job: job.is_live, "untrue: a job could have been deleted")
                refused = found is not None and found.is_live
                assert refused or jobs.retries[job_id] > retries, "untrue: only a clean-up stood in the way"
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

    # ------------------------------------------------------------ what was answered
    def _check_gone(self, job_id: JobId) -> None:
        job = self._sut.jobs.look(job_id)
        assert job is None or not job.is_shown(self._sut.clock.now()), "untrue: a job was said to be gone"

    def _check_now(self, job_id: JobId, is_true: Callable[[VideoJob], bool], otherwise: str) -> None:
        """What was answered is true of the job as it stands, where nobody can have changed it meanwhile."""
        job = self._sut.jobs.look(job_id)
        assert self._sut.has_slept or (job is not None and is_true(job)), otherwise

    def _acknowledge(self, answer: Acknowledged) -> None:
        jobs = self._sut.jobs
        assert jobs.owners[answer.job_id] == answer.user_id, "a user got another's job"
        same_key = [each for each in self._acknowledged if (each.user_id, each.key) == (answer.user_id, answer.key)]
        self._acknowledged.append(answer)
        for earlier in same_key if answer.key is not None else ():
            if earlier.job_id == answer.job_id:
                assert earlier.fingerprint == answer.fingerprint, "one key was taken for two requests"
            else:
                apart = abs(jobs.made_at[answer.job_id] - jobs.made_at[earlier.job_id])
                is_gone = None in (jobs.look(earlier.job_id), jobs.look(answer.job_id))
                assert is_gone or apart >= KEY_LIFETIME, "one key made two jobs"

    def _check_mismatch(self, user_id: UserId, key: str | None, body: str) -> None:
        keys = self._sut.jobs.keys
        others = {each.fingerprint for holder, each in keys if holder == user_id and each.key == key} - {body}
        assert others, "a key was refused that nobody used for another request"


def _can_not_be_retried(job: VideoJob) -> bool:
    return job.is_live or job.status is JobStatus.COMPLETED or not job.duration
