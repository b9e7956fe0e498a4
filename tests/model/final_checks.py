"""End of a history: without further faults, time passes until all jobs have ended. Then the invariants are checked."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from tests.model.system_under_test import POLICY, Message, SystemUnderTest
from videojobs.domain.deadlines import MAXIMUM_RESEND_PAUSE
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.request import Priority
from videojobs.domain.slots import CHECK_EVERY
from videojobs.ports.videos import UnknownSubmit
from videojobs.services.reconcile_jobs import GRACE

SWEEP_EVERY = timedelta(minutes=1)
SLACK = GRACE + 2 * SWEEP_EVERY + 2 * POLICY.lease_duration
"""Maximum time that a job stays live after its deadline: the grace period, two sweeps and two leases."""
MOST_ROUNDS = 2000


def settle(sut: SystemUnderTest) -> None:
    """Resume paused actors, then run queue, workers and reconciler without faults until every job has ended."""
    for sleeper in list(sut.sleepers):
        sut.wake(sleeper)
    quiet_from = sut.clock.now()
    sut.say(f"{quiet_from:%d %H:%M:%S} no faults from now on")
    next_sweep = quiet_from
    for _ in range(MOST_ROUNDS):
        _check_in_time(sut, quiet_from)
        if _is_quiet(sut):
            break
        if sut.clock.now() >= next_sweep:
            sut.sweep(timedelta(), ())
            next_sweep += SWEEP_EVERY
        for message in _visible(sut):
            sut.deliver(message, timedelta(), ())
        for letter in list(sut.dead_letters):
            sut.bury(letter, timedelta(), ())
        if not _visible(sut):
            _advance(sut, next_sweep)
    assert _is_quiet(sut), "the system never settles"
    _check_announcements(sut)
    _check_remains(sut)


def check_jobs(sut: SystemUnderTest) -> None:
    """Assert the invariants of all jobs at any time."""
    for job in sut.jobs.all():
        if job.status is JobStatus.COMPLETED and job.deleted_at is None:
            _check_object(sut, job)
    _check_ledger(sut)
    _check_slots(sut)


def _check_object(sut: SystemUnderTest, job: VideoJob) -> None:
    if not sut.provider.capabilities.yields_pixels:
        assert job.video_url in {f"https://provider.test/{task.ref}.mp4" for task in sut.provider.tasks}, "I4: no video"
        return
    assert job.output is not None, "I4: completed without a video"
    stored = job.output.video
    assert job.video_url == stored.url, "I4: videoUrl is not the URL of the video"
    assert stored.key == f"videos/{job.id}/{job.attempt}.mp4", "I4: the video belongs to another job or attempt"
    assert len(sut.store.objects.get(stored.key, b"")) == stored.size_bytes, "I4: the video is missing or incomplete"


def _check_ledger(sut: SystemUnderTest) -> None:
    # A provider that only supports lookups can't reject the second submission of a worker that lost its lease.
    looks_up = sut.provider.capabilities.unknown_submit is UnknownSubmit.FIND
    paid = Counter(task.token for task in sut.provider.tasks if not (task.late and looks_up))
    assert all(count == 1 for count in paid.values()), f"I3: an attempt was paid for twice: {paid}"
    attempts = Counter(job_id for job_id, _ in {(job_id, attempt) for job_id, attempt, *_ in map(_split, paid)})
    runs = {job_id: 1 + sut.jobs.retries[JobId(job_id)] for job_id in attempts}
    too_many = {job_id: count for job_id, count in attempts.items() if count > POLICY.maximum_attempts * runs[job_id]}
    assert not too_many, f"I3: too many attempts: {too_many}"


def _split(token: str) -> list[str]:
    """Return the job ID, the attempt and, if there are parts, the part."""
    return token.split(":")


def _check_slots(sut: SystemUnderTest) -> None:
    live = [job for job in sut.jobs.all() if job.is_live and job.id not in sut.jobs.adopted]
    crowd = Counter((job.user_id, job.priority) for job in live if job.waiting_since is None)
    sut.uncounted |= {job.id for job in live if job.waiting_since is not None and not _is_counted(sut, job)}
    counted = [job for job in live if job.waiting_since is not None and job.id not in sut.uncounted]
    waiting = Counter((job.user_id, job.priority) for job in counted)
    for user_id in set(sut.jobs.owners.values()):
        for priority in Priority:
            taken = sut.slots.get(user_id, priority)
            assert taken is None or len(taken.active) <= sut.cap, "I7: a user holds more slots than allowed"
            # An actor that paused while acquiring or releasing a slot may cause one more for a while.
            assert sut.has_slept or crowd[user_id, priority] <= sut.cap, "I7: a user has more active jobs than slots"
            is_few = waiting[user_id, priority] <= sut.maximum_waiting
            assert is_few, "I7: more jobs of a user wait than allowed"


def _is_counted(sut: SystemUnderTest, job: VideoJob) -> bool:
    slots = sut.slots.get(job.user_id, job.priority)
    return slots is not None and job.id in slots.waiting


def _check_remains(sut: SystemUnderTest) -> None:
    def is_unowned(job_id: str) -> bool:
        job = sut.jobs.look(JobId(job_id))
        return job is None or job.status is JobStatus.CANCELLED

    keys = sut.store.unexplained(is_unowned)
    assert not keys, f"I8: files of a cancelled or deleted job remain: {keys}"
    for ref in sut.jobs.to_stop:
        task = sut.provider.task(ref)
        is_found = sut.provider.task_of(task.token) is task
        assert task.is_over or not is_found, "I8: the provider continues a cancelled job"


def _check_in_time(sut: SystemUnderTest, quiet_from: datetime) -> None:
    now, slack = sut.clock.now(), SLACK + 2 * sut.most_skew
    for job in sut.jobs.all():
        if not job.is_live:
            continue
        if job.started_at is None:
            waiting_time = _longest_turn(sut, job) if job.id in sut.jobs.waited else timedelta()
            assert now <= quiet_from + waiting_time + MAXIMUM_RESEND_PAUSE + slack, "I1: a job is never started"
        else:
            assert now <= max(quiet_from, job.started_at + POLICY.deadline) + slack, "I1: a job does not end in time"


def _longest_turn(sut: SystemUnderTest, job: VideoJob) -> timedelta:
    """Return the longest wait for a slot, if each earlier job takes its full time and only a sweep frees its slot."""
    others = [other for other in sut.jobs.all() if (other.user_id, other.priority) == (job.user_id, job.priority)]
    return len(others) * (POLICY.deadline + MAXIMUM_RESEND_PAUSE + CHECK_EVERY + SLACK)


def _check_announcements(sut: SystemUnderTest) -> None:
    ids = defaultdict(set)
    for job_id, announcement in sut.notifier.published:
        ids[job_id, announcement.version].add(announcement.id)
    assert all(len(published) == 1 for published in ids.values()), "I6: a change was published under two IDs"
    for job in sut.jobs.all():
        missing = {version for version in sut.jobs.versions[job.id] if (job.id, version) not in ids}
        assert not missing, f"I6: versions {missing} were never published"


def _is_quiet(sut: SystemUnderTest) -> bool:
    slots = [sut.slots.get(user_id, priority) for user_id in set(sut.jobs.owners.values()) for priority in Priority]
    is_taken = any(taken is not None and (taken.active or taken.waiting) for taken in slots)
    return not is_taken and not any(job.next or job.is_live or job.outbox or job.deleted_at for job in sut.jobs.all())


def _visible(sut: SystemUnderTest) -> list[Message]:
    return [message for message in sut.messages if message.visible_at <= sut.clock.now()]


def _advance(sut: SystemUnderTest, next_sweep: datetime) -> None:
    soonest = min((message.visible_at for message in sut.messages), default=next_sweep)
    sut.pass_time(max(min(soonest, next_sweep) - sut.clock.now(), timedelta(milliseconds=1)))
