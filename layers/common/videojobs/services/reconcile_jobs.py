"""The net below everything: what a crash or a lost message left behind is found here and set going again, or ended."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from videojobs.domain import deadlines, lifecycle
from videojobs.domain.job import JobId, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.slots import CHECK_EVERY, UserSlots
from videojobs.domain.trace import following
from videojobs.ports.changes import Notifier
from videojobs.ports.fairness import SlotRepository
from videojobs.ports.jobs import Clock, JobQueue, JobRepository
from videojobs.services.announce_changes import announce_changes
from videojobs.services.log_transition import log_transition
from videojobs.services.manage_slots import check_slots, release_slot
from videojobs.services.send_step import send_step

logger = logging.getLogger(__name__)

GRACE = timedelta(seconds=25)
"""How long a message may take before its step counts as overdue, and how old an Express job must be to be adopted."""
PAGE = 100
LIMIT = 5000
"""A sweep goes on, page by page, until it has looked at so many jobs; the next minute brings the next sweep."""


def reconcile_jobs(
    *,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    notifier: Notifier,
    clock: Clock,
    policy: StepPolicy,
) -> dict[str, int]:
    """Sweep once; how many jobs were sent again, ended as late, adopted from the Express server, and announced, and how
    many places in users' shares were freed that a crash had left taken.

    An overdue step's message is sent again with the same step id; a job past its deadline fails. Two sweeps at once do
    no harm: each change is a guarded write that one of them wins, and a message too many finds nothing to claim.

    Raises:
        Unavailable: MongoDB does not answer; the next minute tries again.
    """
    sweep = _Sweep(jobs, slots, queue, notifier, clock, policy)
    _page_through(lambda: jobs.find_unadopted(clock.now() - GRACE, PAGE), _in_job_trace(sweep.adopt))
    _page_through(lambda: jobs.find_overdue(clock.now() - GRACE, clock.now(), PAGE), _in_job_trace(sweep.rescue))
    _page_through(lambda: jobs.find_unannounced(clock.now() - GRACE, PAGE), _in_job_trace(sweep.announce))
    _page_through(lambda: slots.find_unchecked(clock.now() - CHECK_EVERY, PAGE), sweep.check)
    return sweep.counts


@dataclass(frozen=True, slots=True)
class _Sweep:
    """What is done with each that a sweep finds: whether it was treated, so that it is not found again."""

    jobs: JobRepository
    slots: SlotRepository
    queue: JobQueue
    notifier: Notifier
    clock: Clock
    policy: StepPolicy
    counts: dict[str, int] = field(
        default_factory=lambda: {"resent": 0, "late": 0, "adopted": 0, "announced": 0, "freed": 0}
    )

    def adopt(self, job: VideoJob) -> bool:
        adopted = lifecycle.adopt(job, self.clock.now(), self.policy)
        saved = self.jobs.save(job, adopted)
        if saved:
            self.counts["adopted"] += 1
            logger.info("Job adopted", extra={"action": "job_adopted", "job_id": job.id})
            log_transition(job, adopted)
            send_step(adopted, queue=self.queue, clock=self.clock)
        return saved

    def rescue(self, job: VideoJob) -> bool:
        now, policy = self.clock.now(), self.policy
        late = deadlines.is_past_deadline(job, now, policy)
        after = (
            lifecycle.fail(job, lifecycle.DEADLINE_EXCEEDED, now, policy) if late else deadlines.resend_later(job, now)
        )
        saved = self.jobs.save(job, deadlines.cap_to_deadline(after, policy))
        if saved and late:
            self.counts["late"] += 1
            log_transition(job, after, level=logging.WARNING, because="its deadline is over")
            release_slot(after, jobs=self.jobs, slots=self.slots, queue=self.queue, clock=self.clock)
        elif saved:
            self.counts["resent"] += 1
            logger.warning("Step was overdue", extra={"action": "step_resent", "job_id": job.id})
            send_step(job, queue=self.queue, clock=self.clock)
        return saved

    def announce(self, job: VideoJob) -> bool:
        announced = not announce_changes(job, jobs=self.jobs, notifier=self.notifier).outbox
        self.counts["announced"] += announced
        return announced

    def check(self, share: UserSlots) -> bool:
        freed = check_slots(share, jobs=self.jobs, slots=self.slots, queue=self.queue, clock=self.clock)
        self.counts["freed"] += len(freed)
        return True


def fail_dead_lettered_job(
    job_id: JobId,
    step_id: str,
    *,
    jobs: JobRepository,
    slots: SlotRepository,
    queue: JobQueue,
    clock: Clock,
    policy: StepPolicy,
) -> bool:
    """A message that was delivered in vain too often: fail its job, if that step still is next and nobody works on it.

    Idempotent; whether the job was failed by this call. A clean-up goes on being tried.

    Raises:
        Unavailable: MongoDB does not answer; the dead letter should be delivered again.
    """
    job, now = jobs.find(job_id), clock.now()
    if job is None or job.next is None or job.next.step is Step.CLEAN_UP or job.next.id != step_id:
        return False
    if job.lease is not None and job.lease.until > now:
        return False
    failed = lifecycle.fail(job, lifecycle.INTERNAL_FAILURE, now, policy)
    buried = jobs.save(job, failed)
    if buried:
        release_slot(failed, jobs=jobs, slots=slots, queue=queue, clock=clock)
        log_transition(job, failed, level=logging.ERROR, because="its message became a dead letter")
    return buried


def _in_job_trace(treat: Callable[[VideoJob], bool]) -> Callable[[VideoJob], bool]:
    def treated(job: VideoJob) -> bool:
        with following(job.traceparent):
            return treat(job)

    return treated


def _page_through[T](find: Callable[[], Iterable[T]], treat: Callable[[T], bool]) -> None:
    """Treat page after page. What was treated is found no more; a page where nothing could be would come again."""
    for _ in range(LIMIT // PAGE):
        treated = [treat(each) for each in find()]
        if len(treated) < PAGE or not any(treated):
            return
