"""The end of a story: no more faults, time goes on until all is quiet, and what must be true then."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from tests.model.world import POLICY, Message, World
from videojobs.domain.job import JobStatus, VideoJob
from videojobs.domain.lifecycle import MAXIMUM_RESEND_PAUSE
from videojobs.ports import UnknownSubmit
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


def check_jobs(world: World) -> None:
    """What is true of all jobs at any time."""
    for job in world.jobs.all():
        if job.status is JobStatus.COMPLETED:
            _check_object(world, job)
    _check_ledger(world)


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
    attempts = Counter(token.partition(":")[0] for token in paid)
    assert all(count <= POLICY.maximum_attempts for count in attempts.values()), f"I3: too many attempts: {attempts}"


def _check_in_time(world: World, quiet_from: datetime) -> None:
    now, slack = world.clock.now(), SLACK + 2 * world.most_skew
    for job in world.jobs.all():
        if not job.is_live:
            continue
        if job.started_at is None:
            assert now <= quiet_from + MAXIMUM_RESEND_PAUSE + slack, "I1: a job is never started"
        else:
            assert now <= max(quiet_from, job.started_at + POLICY.deadline) + slack, "I1: a job does not end in time"


def _check_announcements(world: World) -> None:
    ids = defaultdict(set)
    for job_id, announcement in world.notifier.published:
        ids[job_id, announcement.version].add(announcement.id)
    assert all(len(each) == 1 for each in ids.values()), "I6: a change was announced under two ids"
    for job in world.jobs.all():
        missing = {version for version in world.jobs.versions[job.id] if (job.id, version) not in ids}
        assert not missing, f"I6: versions {missing} were never announced"


def _is_quiet(world: World) -> bool:
    return not any(job.is_live or job.outbox for job in world.jobs.all())


def _visible(world: World) -> list[Message]:
    return [message for message in world.messages if message.visible_at <= world.clock.now()]


def _go_on(world: World, next_sweep: datetime) -> None:
    soonest = min((message.visible_at for message in world.messages), default=next_sweep)
    world.pass_time(max(min(soonest, next_sweep) - world.clock.now(), timedelta(milliseconds=1)))
