"""The end of a story: no more faults, time goes on until all is quiet, and what must be true then."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from tests.model.world import POLICY, Message, World
from videojobs.domain.job import JobId, JobStatus, VideoJob
from videojobs.domain.overdue import MAXIMUM_RESEND_PAUSE
from videojobs.domain.request import Priority
from videojobs.domain.share import CHECK_EVERY
from videojobs.ports.videos import UnknownSubmit
from videojobs.services.reconcile_jobs import GRACE

SWEEP_EVERY = timedelta(minutes=1)
SLACK = GRACE + 2 * SWEEP_EVERY + 2 * POLICY.lease_duration
"""How long after its deadline a job may still be live: until it counts as overdue, a sweep, a lease."""
MOST_ROUNDS = 2000


def settle(world: World) -> None:
    """Wake who sleeps, then let queue, workers and reconciler do their work undisturbed until every job has ended."""
    for sleeper in list(world.sleepers):
        world.wake(sleeper)
    quiet_from = world.clock.now()
    world.say(f"{quiet_from:%d %H:%M:%S} from now on nothing goes wrong")
    next_sweep = quiet_from
    for _ in range(MOST_ROUNDS):
        _check_in_time(world, quiet_from)
        if _is_quiet(world):
            break
        if world.clock.now() >= next_sweep:
            world.sweep(timedelta(), ())
            next_sweep += SWEEP_EVERY
        for message in _visible(world):
            world.deliver(message, timedelta(), ())
        for letter in list(world.dead_letters):
            world.bury(letter, timedelta(), ())
        if not _visible(world):
            _go_on(world, next_sweep)
    assert _is_quiet(world), "it never comes to rest"
    _check_announcements(world)
    _check_remains(world)


def check_jobs(world: World) -> None:
    """What is true of all jobs at any time."""
    for job in world.jobs.all():
        if job.status is JobStatus.COMPLETED and job.deleted_at is None:
            _check_object(world, job)
    _check_ledger(world)
    _check_shares(world)


def _check_object(world: World, job: VideoJob) -> None:
    if not world.provider.capabilities.yields_pixels:
        assert job.video_url in {f"https://provider.test/{task.ref}.mp4" for task in world.provider.tasks}, (
            "I4: no video"
        )
        return
    assert job.output is not None, "I4: completed without a video"
    stored = job.output.video
    assert job.video_url == stored.url, "I4: videoUrl is not where the video lies"
    assert stored.key == f"videos/{job.id}/{job.attempt}.mp4", "I4: the video belongs to another job or attempt"
    assert len(world.store.objects.get(stored.key, b"")) == stored.size_bytes, (
        "I4: the video is not there, or not whole"
    )


def _check_ledger(world: World) -> None:
    # A provider that can only look a task up can't refuse the second submit of somebody who slept over his lease.
    looks_up = world.provider.capabilities.unknown_submit is UnknownSubmit.FIND
    paid = Counter(task.token for task in world.provider.tasks if not (task.late and looks_up))
    assert all(count == 1 for count in paid.values()), f"I3: an attempt was paid for twice: {paid}"
    attempts = Counter(job_id for job_id, _ in {(job_id, attempt) for job_id, attempt, *_ in map(_split, paid)})
    runs = {job_id: 1 + world.jobs.retries[JobId(job_id)] for job_id in attempts}
    too_many = {job_id: count for job_id, count in attempts.items() if count > POLICY.maximum_attempts * runs[job_id]}
    assert not too_many, f"I3: too many attempts: {too_many}"


def _split(token: str) -> list[str]:
    """Job, attempt, and the part where there are parts."""
    return token.split(":")


def _check_shares(world: World) -> None:
    crowd = Counter(
        (job.user_id, job.priority)
        for job in world.jobs.all()
        if job.is_live and job.waiting_since is None and job.id not in world.jobs.adopted
    )
    for user_id in set(world.jobs.owners.values()):
        for lane in Priority:
            share = world.shares.get(user_id, lane)
            assert share is None or len(share.active) <= world.cap, "I7: a share has more jobs than places"
            # Who sleeps in the middle of entering or leaving may make one more for a while.
            assert world.has_slept or crowd[user_id, lane] <= world.cap, "I7: a user has more active jobs than places"


def _check_remains(world: World) -> None:
    def is_nobodys(job_id: str) -> bool:
        job = world.jobs.look(JobId(job_id))
        return job is None or job.status is JobStatus.CANCELLED

    left = world.store.unexplained(is_nobodys)
    assert not left, f"I8: files of a cancelled or deleted job stay: {left}"
    for ref in world.jobs.to_stop:
        task = world.provider.task(ref)
        is_found = world.provider.task_of(task.token) is task
        assert task.is_over or not is_found, "I8: the provider goes on with a cancelled job"


def _check_in_time(world: World, quiet_from: datetime) -> None:
    now, slack = world.clock.now(), SLACK + 2 * world.most_skew
    for job in world.jobs.all():
        if not job.is_live:
            continue
        if job.started_at is None:
            patience = _longest_turn(world, job) if job.id in world.jobs.waited else timedelta()
            assert now <= quiet_from + patience + MAXIMUM_RESEND_PAUSE + slack, "I1: a job is never started"
        else:
            assert now <= max(quiet_from, job.started_at + POLICY.deadline) + slack, "I1: a job does not end in time"


def _longest_turn(world: World, job: VideoJob) -> timedelta:
    """How long those before it may take, if each takes as long as it may and its place is found by a sweep only."""
    others = [other for other in world.jobs.all() if (other.user_id, other.priority) == (job.user_id, job.priority)]
    return len(others) * (POLICY.deadline + MAXIMUM_RESEND_PAUSE + CHECK_EVERY + SLACK)


def _check_announcements(world: World) -> None:
    ids = defaultdict(set)
    for job_id, announcement in world.notifier.published:
        ids[job_id, announcement.version].add(announcement.id)
    assert all(len(each) == 1 for each in ids.values()), "I6: a change was announced under two ids"
    for job in world.jobs.all():
        missing = {version for version in world.jobs.versions[job.id] if (job.id, version) not in ids}
        assert not missing, f"I6: versions {missing} were never announced"


def _is_quiet(world: World) -> bool:
    shares = [world.shares.get(user_id, lane) for user_id in set(world.jobs.owners.values()) for lane in Priority]
    is_taken = any(share is not None and share.active for share in shares)
    return not is_taken and not any(job.next or job.is_live or job.outbox or job.deleted_at for job in world.jobs.all())


def _visible(world: World) -> list[Message]:
    return [message for message in world.messages if message.visible_at <= world.clock.now()]


def _go_on(world: World, next_sweep: datetime) -> None:
    soonest = min((message.visible_at for message in world.messages), default=next_sweep)
    world.pass_time(max(min(soonest, next_sweep) - world.clock.now(), timedelta(milliseconds=1)))
