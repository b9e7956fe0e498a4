"""The contract of `JobRepository`: single jobs, claims, saves, sweeps and the outbox."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import replace
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal

import pymongo
import pytest

from tests.builders import A_USER, ANOTHER_USER, a_job, a_lease, a_started_job, a_step, an_id, an_output
from tests.fakes.clock import START
from tests.fakes.jobs import InMemoryJobRepository
from tests.servers import free_port
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.errors import IdempotencyKeyTaken, Unavailable
from videojobs.domain.job import (
    MAXIMUM_HISTORY,
    NOT_SCHEDULED,
    Announcement,
    BatchId,
    HistoryEntry,
    IdempotencyKey,
    JobError,
    JobStatus,
    Lease,
    NextStep,
    ProviderTask,
    Step,
    VideoJob,
)
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production
from videojobs.domain.request import MAXIMUM_SEED, Priority, Resolution
from videojobs.domain.storage import StoredObject
from videojobs.ports.jobs import JobRepository


@pytest.fixture(params=["in memory", "MongoDB"])
def jobs(request: pytest.FixtureRequest) -> JobRepository:
    """Return an empty repository."""
    if request.param == "in memory":
        return InMemoryJobRepository()
    return MongoJobRepository(request.getfixturevalue("connection"))


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[JobRepository]:
    """Yield a repository whose database is unavailable."""
    if request.param == "in memory":
        fake = InMemoryJobRepository()
        fake.available = False
        yield fake
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoJobRepository(connection)
    connection.run(lambda database: database.client.close())


A_PART = StoredObject("videos-of-tests", "videos/1/1.part1.mp4", 77)
A_LOUD_CLIP = Clip(1280, 720, 4, resolution=Resolution.P1080, has_sound=True)
A_PRODUCTION = Production(
    "fal",
    Plan(
        (Clip(1280, 720, 5.5, Decimal("0.35")), A_LOUD_CLIP),
        (1280, 720),
        1280,
        720,
        192,
    ),
    is_shortened=True,
    prices_as_of=date(2026, 11, 1),
    parts=(A_PART,),
    actual_usd=Decimal("0.36"),
)


def a_job_with_everything() -> VideoJob:
    """Return a job in which every field has a value other than its default."""
    return a_started_job(
        Step.RENDER,
        duration=2.5,
        video_url="s3://videos/1.mp4",
        error_message="It went wrong.",
        version=7,
        attempt=2,
        lease=a_lease(),
        provider=ProviderTask(
            "scripted", START, ref="task-1", unreachable=3, failing_since=START, result_url="https://x.test/1"
        ),
        progress=0.25,
        output=an_output(),
        poster=StoredObject("videos-of-tests", "videos/1/1.jpg", 12),
        preview=StoredObject("videos-of-tests", "videos/1/1.webp", 8),
        error=JobError("provider_error", retryable=True),
        idempotency=IdempotencyKey("key-1", "f" * 64),
        expires_at=START + timedelta(days=30),
        priority=Priority.HIGH,
        batch_id=BatchId("6" * 24),
        waiting_since=START,
        attempts_before_retry=1,
        deleted_at=START,
        requested_provider="fal",
        production=A_PRODUCTION,
        exhausted_providers=("luma", "veo"),
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        seed=MAXIMUM_SEED,
        negative_prompt="rain",
        sound=True,
        resolution=Resolution.P1080,
        ignored=("seed", "sound"),
    )


def test_a_job_with_everything_has_no_default_values() -> None:
    job = a_job_with_everything()
    assert [field.name for field in fields(job) if getattr(job, field.name) == field.default] == []


def test_a_new_id_is_a_unique_object_id(jobs: JobRepository) -> None:
    ids = {jobs.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(job_id) == 24 and set(job_id) <= set("0123456789abcdef") for job_id in ids)
    assert jobs.find(ids.pop()) is None


@pytest.mark.parametrize("job", [a_job(), a_job_with_everything()], ids=["a new job", "a job with everything"])
def test_a_job_is_stored_unchanged(jobs: JobRepository, job: VideoJob) -> None:
    jobs.add(job)
    assert jobs.find(job.id) == job


@pytest.mark.parametrize("duration", [8, 2.5, 8.0, 1, 60])
def test_a_duration_keeps_its_type(jobs: JobRepository, duration: float) -> None:
    job = a_job(duration=duration)
    jobs.add(job)
    stored = jobs.find(job.id)
    assert stored is not None
    assert stored.duration == duration
    assert type(stored.duration) is type(duration)


PROMPTS = {
    "a NUL": "with a NUL \0 inside",
    "bidirectional marks": "\u202eright to left\u202c",
    "astral": "\U0001d49c\U0001f3c4\U0001f3fd\u200d\u2640\ufe0f and \u6f22\u5b57",
    "an operator": '{"$ne": null}',
    "a dollar": "$where",
    "two normal forms": "\u00e9 e\u0301",
    "1000 code points of four bytes": "\U0010ffff" * 1000,
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_any_text_is_stored_unchanged(jobs: JobRepository, prompt: str) -> None:
    job = a_job(prompt=prompt)
    jobs.add(job)
    stored = jobs.find(job.id)
    assert stored is not None
    assert stored.prompt == prompt


def test_adding_a_job_twice_changes_nothing(jobs: JobRepository) -> None:
    job = a_job(prompt="the first")
    jobs.add(job)
    jobs.add(replace(job, prompt="the second"))
    stored = jobs.find(job.id)
    assert stored is not None
    assert stored.prompt == "the first"


def test_adding_a_job_with_a_key_twice_keeps_the_first(jobs: JobRepository) -> None:
    job = a_job(idempotency=IdempotencyKey("key", "f"))
    jobs.add(job)
    try:
        jobs.add(job)
    except IdempotencyKeyTaken:
        # MongoDB reports one of the two indexes that refuse a repeated insert; both are correct.
        assert jobs.find_by_key(A_USER, "key") == job
    assert jobs.find(job.id) == job


class TestIdempotencyKeys:
    def test_a_key_belongs_to_one_job_of_a_user(self, jobs: JobRepository) -> None:
        first, second = (a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(2))
        jobs.add(first)
        with pytest.raises(IdempotencyKeyTaken):
            jobs.add(second)
        assert jobs.find(second.id) is None
        assert jobs.find_by_key(A_USER, "key") == first

    def test_two_users_can_use_the_same_key(self, jobs: JobRepository) -> None:
        mine = a_job(idempotency=IdempotencyKey("key", "f"))
        theirs = a_job(idempotency=IdempotencyKey("key", "f"), user_id=ANOTHER_USER)
        jobs.add(mine)
        jobs.add(theirs)
        assert jobs.find_by_key(ANOTHER_USER, "key") == theirs

    def test_jobs_without_a_key_do_not_conflict(self, jobs: JobRepository) -> None:
        created = [a_job(), a_job()]
        for job in created:
            jobs.add(job)
        assert [jobs.find(job.id) for job in created] == created

    def test_an_unknown_key_is_not_found(self, jobs: JobRepository) -> None:
        jobs.add(a_job(idempotency=IdempotencyKey("key", "f")))
        assert jobs.find_by_key(A_USER, "another") is None

    def test_a_released_key_can_be_used_again_and_its_job_is_kept(self, jobs: JobRepository) -> None:
        first, second = (a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(2))
        jobs.add(first)
        jobs.release_key(first)
        jobs.release_key(first)
        jobs.add(second)
        assert jobs.find(first.id) == replace(first, idempotency=None)
        assert jobs.find_by_key(A_USER, "key") == second

    def test_a_key_is_released_only_from_the_given_job(self, jobs: JobRepository) -> None:
        first, second = (a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(2))
        jobs.add(first)
        jobs.release_key(first)
        jobs.add(second)
        jobs.release_key(first)
        assert jobs.find_by_key(A_USER, "key") == second

    def test_one_of_sixteen_concurrent_jobs_gets_the_key(self, jobs: JobRepository) -> None:
        created = [a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(16)]

        def add(job: VideoJob) -> bool:
            try:
                jobs.add(job)
            except IdempotencyKeyTaken:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            added = list(pool.map(add, created))
        assert added.count(True) == 1
        winner = created[added.index(True)]
        assert jobs.find_by_key(A_USER, "key") == winner
        assert [job for job in created if jobs.find(job.id)] == [winner]


class TestClaims:
    def test_a_claim_sets_the_lease_counts_the_run_and_changes_nothing_else(self, jobs: JobRepository) -> None:
        job = a_started_job()
        jobs.add(job)
        assert job.next is not None
        claimed = jobs.claim(job.id, job.next.id, a_lease(), START)
        assert claimed == replace(job, lease=a_lease(), next=replace(job.next, runs=1))
        assert jobs.find(job.id) == claimed

    def test_a_stale_step_cannot_be_claimed(self, jobs: JobRepository) -> None:
        job = a_started_job()
        jobs.add(job)
        assert jobs.claim(job.id, "another step", a_lease(), START) is None
        assert jobs.find(job.id) == job

    def test_an_ended_job_cannot_be_claimed(self, jobs: JobRepository) -> None:
        job = a_job(status=JobStatus.COMPLETED, next=None)
        jobs.add(job)
        assert jobs.claim(job.id, "", a_lease(), START) is None
        assert jobs.find(job.id) == job

    def test_an_unknown_job_cannot_be_claimed(self, jobs: JobRepository) -> None:
        assert jobs.claim(an_id(), "step", a_lease(), START) is None

    def test_a_step_under_a_valid_lease_cannot_be_claimed(self, jobs: JobRepository) -> None:
        job = a_started_job(lease=a_lease(25))
        jobs.add(job)
        assert job.next is not None
        just_before = START + timedelta(seconds=25, milliseconds=-1)
        assert jobs.claim(job.id, job.next.id, a_lease(60, "theirs"), just_before) is None
        assert jobs.find(job.id) == job

    def test_a_step_under_an_expired_lease_can_be_claimed(self, jobs: JobRepository) -> None:
        job = a_started_job(lease=a_lease(25))
        jobs.add(job)
        assert job.next is not None
        theirs, now = a_lease(60, "theirs"), START + timedelta(seconds=25)
        claimed = jobs.claim(job.id, job.next.id, theirs, now)
        assert claimed == replace(job, lease=theirs, next=replace(job.next, due_at=now, runs=1))

    def test_one_of_sixteen_concurrent_claims_succeeds(self, jobs: JobRepository) -> None:
        job = a_started_job()
        jobs.add(job)
        step = job.next
        assert step is not None
        with ThreadPoolExecutor(16) as pool:
            leases = [a_lease(token=str(number)) for number in range(16)]
            claimed = list(pool.map(lambda lease: jobs.claim(job.id, step.id, lease, START), leases))
        winners = [claim for claim in claimed if claim is not None]
        assert len(winners) == 1
        assert jobs.find(job.id) == winners[0]


class TestSaves:
    def test_a_save_writes_the_fields_that_differ(self, jobs: JobRepository) -> None:
        before = a_job(lease=a_lease())
        after = replace(a_job_with_everything(), id=before.id, history=before.history, outbox=before.outbox)
        jobs.add(before)
        assert jobs.save(before, after)
        assert jobs.find(before.id) == after

    def test_a_save_removes_the_fields_that_became_none(self, jobs: JobRepository) -> None:
        before = a_job_with_everything()
        empty = dict.fromkeys(["next", "lease", "provider", "progress", "output", "poster", "error", "idempotency"])
        after = replace(before, video_url=None, error_message=None, expires_at=None, started_at=None, **empty)
        jobs.add(before)
        assert jobs.save(before, after)
        assert jobs.find(before.id) == after

    @pytest.mark.parametrize(
        "changed",
        [
            {"status": JobStatus.FAILED},
            {"attempt": 2},
            {"next": a_step(Step.POLL)},
            {"next": None},
            {"lease": a_lease(token="theirs")},
            {"lease": None},
        ],
        ids=["status", "attempt", "step", "no step", "lease", "no lease"],
    )
    def test_a_save_of_a_job_that_has_changed_is_refused(self, jobs: JobRepository, changed: dict[str, object]) -> None:
        before = a_started_job(lease=a_lease())
        moved_on = replace(before, **changed)
        jobs.add(moved_on)
        assert not jobs.save(before, replace(before, progress=0.5, lease=None))
        assert jobs.find(before.id) == moved_on

    def test_a_lease_is_renewed_any_number_of_times_and_is_then_valid_longer(self, jobs: JobRepository) -> None:
        before = a_started_job(lease=a_lease(25))
        jobs.add(before)
        for seconds in (33, 41):
            assert jobs.save(before, replace(before, lease=a_lease(seconds)))
            assert jobs.find(before.id) == replace(before, lease=a_lease(seconds))
        assert before.next is not None
        now = START + timedelta(seconds=40)
        assert jobs.claim(before.id, before.next.id, a_lease(60, "theirs"), now) is None

    def test_a_lease_that_another_worker_has_taken_over_is_not_renewed(self, jobs: JobRepository) -> None:
        before = a_started_job(lease=a_lease(25))
        jobs.add(before)
        assert before.next is not None
        taken_over = jobs.claim(before.id, before.next.id, a_lease(60, "theirs"), START + timedelta(seconds=25))
        assert not jobs.save(before, replace(before, lease=a_lease(99)))
        assert jobs.find(before.id) == taken_over

    def test_a_save_of_a_step_whose_due_time_has_changed_is_refused(self, jobs: JobRepository) -> None:
        before = a_started_job()
        assert before.next is not None
        moved_on = replace(before, next=replace(before.next, due_at=START + timedelta(seconds=30), resends=1))
        jobs.add(moved_on)
        assert not jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) == moved_on

    def test_a_save_of_a_job_that_was_retried_and_cancelled_is_refused(self, jobs: JobRepository) -> None:
        before = a_job(status=JobStatus.CANCELLED, next=None)
        retried_and_cancelled = replace(before, attempt=2, attempts_before_retry=1, version=before.version + 2)
        jobs.add(retried_and_cancelled)
        assert not jobs.save(before, replace(before, status=JobStatus.QUEUED, attempt=2, next=a_step()))
        assert not jobs.remove(before)
        assert jobs.find(before.id) == retried_and_cancelled

    def test_a_save_of_a_job_that_was_claimed_since_is_refused(self, jobs: JobRepository) -> None:
        before = a_started_job()
        assert before.next is not None
        jobs.add(before)
        claimed = jobs.claim(before.id, before.next.id, a_lease(), START)
        assert not jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) == claimed

    def test_a_save_of_a_removed_job_is_refused(self, jobs: JobRepository) -> None:
        before = a_started_job()
        assert not jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) is None

    def test_a_job_of_the_express_server_can_be_saved(self, jobs: JobRepository) -> None:
        before = a_job(next=None, version=0, history=(), outbox=())
        after = replace(before, next=a_step())
        jobs.add(before)
        assert jobs.save(before, after)
        assert jobs.find(before.id) == after

    def test_a_save_without_changes_only_checks_the_guard(self, jobs: JobRepository) -> None:
        job = a_started_job(lease=a_lease())
        jobs.add(job)
        assert jobs.save(job, job)
        lost = replace(job, lease=a_lease(token="theirs"))
        assert not jobs.save(lost, lost)
        assert jobs.find(job.id) == job

    def test_a_save_keeps_the_changes_of_other_fields(self, jobs: JobRepository) -> None:
        before = a_started_job(idempotency=IdempotencyKey("key", "f"))
        jobs.add(before)
        jobs.release_key(before)
        assert jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) == replace(before, progress=0.5, idempotency=None)

    def test_a_save_adds_new_history_entries_and_keeps_the_newest(self, jobs: JobRepository) -> None:
        lines = [HistoryEntry(START, JobStatus.PROCESSING, f"line {number}") for number in range(MAXIMUM_HISTORY + 2)]
        before = a_started_job(history=tuple(lines[: MAXIMUM_HISTORY - 1]))
        jobs.add(before)
        assert jobs.save(before, replace(before, history=tuple(lines)))
        stored = jobs.find(before.id)
        assert stored is not None
        assert stored.history == tuple(lines[2:])

    def test_a_save_adds_new_announcements_and_does_not_restore_removed_ones(self, jobs: JobRepository) -> None:
        before = a_started_job()
        jobs.add(before)
        jobs.mark_announced(before.id, before.outbox)
        after = before.changed(START, progress=0.5)
        assert jobs.save(before, after)
        stored = jobs.find(before.id)
        assert stored is not None
        assert stored.outbox == after.outbox[1:]

    def test_one_of_sixteen_concurrent_saves_succeeds(self, jobs: JobRepository) -> None:
        before = a_started_job(lease=a_lease())
        jobs.add(before)
        outcomes = [replace(before, lease=None, next=a_step(Step.POLL)) for _ in range(16)]
        with ThreadPoolExecutor(16) as pool:
            saved = list(pool.map(lambda after: jobs.save(before, after), outcomes))
        assert saved.count(True) == 1
        assert jobs.find(before.id) == outcomes[saved.index(True)]


class TestSweeps:
    NOW = START + timedelta(minutes=10)
    DUE_BEFORE = NOW - timedelta(seconds=30)

    def find(self, jobs: JobRepository, limit: int = 100) -> list[VideoJob]:
        """Return the overdue jobs."""
        return list(jobs.find_overdue(self.DUE_BEFORE, self.NOW, limit))

    def a_job_due(self, seconds: float, *, before: str = "NOW", **changes: object) -> VideoJob:
        """Return a started job whose step was due `seconds` before the time that `before` names."""
        from_start = (getattr(self, before) - START).total_seconds() - seconds
        return a_started_job(next=a_step(Step.POLL, from_start), **changes)

    def test_the_longest_overdue_jobs_come_first_up_to_the_limit(self, jobs: JobRepository) -> None:
        created = [self.a_job_due(seconds) for seconds in (40, 300, 35, 60)]
        for job in created:
            jobs.add(job)
        assert self.find(jobs) == [created[1], created[3], created[0], created[2]]
        assert self.find(jobs, limit=2) == [created[1], created[3]]

    def test_a_step_that_is_not_overdue_is_not_found(self, jobs: JobRepository) -> None:
        jobs.add(self.a_job_due(30))
        jobs.add(self.a_job_due(-1))
        overdue = self.a_job_due(30.001)
        jobs.add(overdue)
        assert self.find(jobs) == [overdue]

    def test_a_step_under_a_valid_lease_is_not_found(self, jobs: JobRepository) -> None:
        jobs.add(self.a_job_due(300, lease=Lease("mine", self.NOW + timedelta(milliseconds=1))))
        assert self.find(jobs) == []

    def test_a_step_under_an_expired_lease_is_found(self, jobs: JobRepository) -> None:
        abandoned = self.a_job_due(31, lease=Lease("mine", self.NOW))
        jobs.add(abandoned)
        assert self.find(jobs) == [abandoned]

    def test_jobs_under_a_lease_do_not_count_towards_the_limit(self, jobs: JobRepository) -> None:
        for _ in range(3):
            jobs.add(self.a_job_due(300, lease=Lease("mine", self.NOW + timedelta(seconds=20))))
        waiting = self.a_job_due(40)
        jobs.add(waiting)
        assert self.find(jobs, limit=2) == [waiting]

    def test_overdue_jobs_of_every_live_status_are_found(self, jobs: JobRepository) -> None:
        queued = a_job(next=a_step(Step.START))
        processing = self.a_job_due(31)
        for job in (queued, processing):
            jobs.add(job)
        assert sorted(self.find(jobs), key=lambda job: job.id) == sorted([queued, processing], key=lambda job: job.id)

    def test_an_abandoned_step_that_was_resent_is_not_found_before_its_new_time(self, jobs: JobRepository) -> None:
        jobs.add(self.a_job_due(-60, lease=Lease("mine", self.NOW - timedelta(minutes=5))))
        assert self.find(jobs) == []

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
    def test_an_ended_job_is_found_only_while_its_clean_up_is_pending(
        self, jobs: JobRepository, status: JobStatus
    ) -> None:
        jobs.add(a_job(status=status, next=None))
        assert self.find(jobs) == []
        deleted = self.a_job_due(300, status=status)
        jobs.add(deleted)
        assert self.find(jobs) == [deleted]
        assert list(jobs.find_unadopted(self.NOW, 100)) == []

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
    def test_live_jobs_without_a_next_step_are_found_for_adoption(self, jobs: JobRepository, status: JobStatus) -> None:
        unadopted, too_young = a_job(status=status, next=None), a_job(status=status, next=None, created_at=self.NOW)
        for job in (unadopted, too_young, self.a_job_due(0)):
            jobs.add(job)
        assert list(jobs.find_unadopted(self.NOW, 100)) == [unadopted]
        assert self.find(jobs) == []

    def test_the_number_of_jobs_to_adopt_is_limited(self, jobs: JobRepository) -> None:
        created = [a_job(next=None) for _ in range(3)]
        for job in created:
            jobs.add(job)
        unadopted = list(jobs.find_unadopted(self.NOW, 2))
        assert len(unadopted) == 2
        assert all(job in created for job in unadopted)


class TestOutbox:
    LATER = START + timedelta(seconds=30)

    def test_live_and_ended_jobs_with_old_announcements_are_found(self, jobs: JobRepository) -> None:
        live, ended = a_job(), a_job(status=JobStatus.FAILED, next=None)
        quiet, fresh = a_job(outbox=()), a_job(outbox=(Announcement.of(1, self.LATER),))
        for job in (live, ended, quiet, fresh):
            jobs.add(job)
        unannounced = list(jobs.find_unannounced(self.LATER, 100))
        assert sorted(unannounced, key=lambda job: job.id) == sorted([live, ended], key=lambda job: job.id)

    def test_the_number_of_jobs_with_announcements_is_limited(self, jobs: JobRepository) -> None:
        for _ in range(3):
            jobs.add(a_job())
        assert len(list(jobs.find_unannounced(self.LATER, 2))) == 2

    def test_the_oldest_announcements_come_first(self, jobs: JobRepository) -> None:
        young, old = (a_job(outbox=(Announcement.of(1, START + timedelta(seconds=age)),)) for age in (20, 10))
        jobs.add(young)
        jobs.add(old)
        assert list(jobs.find_unannounced(self.LATER, 1)) == [old]

    def test_a_published_announcement_is_removed_and_the_others_are_kept(self, jobs: JobRepository) -> None:
        published, unpublished = Announcement.of(1, START), Announcement.of(2, START)
        job = a_job(outbox=(published, unpublished))
        jobs.add(job)
        jobs.mark_announced(job.id, [published])
        jobs.mark_announced(job.id, [published, Announcement.of(1, START)])
        assert jobs.find(job.id) == replace(job, outbox=(unpublished,))

    def test_a_job_without_announcements_is_not_found(self, jobs: JobRepository) -> None:
        job = a_job()
        jobs.add(job)
        jobs.mark_announced(job.id, job.outbox)
        assert list(jobs.find_unannounced(self.LATER, 100)) == []

    def test_announcements_of_a_removed_job_are_ignored(self, jobs: JobRepository) -> None:
        missing = an_id()
        jobs.mark_announced(missing, [Announcement.of(1, START)])
        assert jobs.find(missing) is None


def test_the_first_and_the_last_due_of_the_startable_jobs_are_found(jobs: JobRepository) -> None:
    assert jobs.find_startable() == []
    first, between, last = (a_job(next=a_step(Step.START, due_in_seconds=seconds)) for seconds in (-60, 0, 60))
    waiting = a_job(waiting_since=START, next=NextStep.new(Step.START, NOT_SCHEDULED))
    started = a_started_job(next=a_step(Step.POLL, due_in_seconds=-90))
    for job in (between, last, waiting, started, first, a_job(next=None)):
        jobs.add(job)
    assert jobs.find_startable() == [first, last]


def test_a_single_startable_job_is_both_first_and_last(jobs: JobRepository) -> None:
    job = a_job()
    jobs.add(job)
    assert jobs.find_startable() == [job, job]


def test_jobs_that_failed_with_a_code_are_found_oldest_first(jobs: JobRepository) -> None:
    ended = {"status": JobStatus.FAILED, "next": None, "outbox": ()}
    old, young = (
        a_job(**ended, error=JobError("timeout", retryable=True), created_at=START + timedelta(minutes=minutes))
        for minutes in (1, 2)
    )
    others = [
        a_job(**ended, error=JobError("content_rejected", retryable=False), created_at=START + timedelta(minutes=1)),
        a_job(**ended, error=JobError("timeout", retryable=True), created_at=START - timedelta(minutes=1)),
        a_job(created_at=START + timedelta(minutes=1)),
    ]
    for job in (young, old, *others):
        jobs.add(job)
    assert list(jobs.find_failed("timeout", START, 10)) == [old, young]
    assert list(jobs.find_failed("timeout", START, 1)) == [old]


JOB = a_started_job()
CALLS: dict[str, Callable[[JobRepository], object]] = {
    "add": lambda jobs: jobs.add(JOB),
    "find": lambda jobs: jobs.find(JOB.id),
    "claim": lambda jobs: jobs.claim(JOB.id, "step", a_lease(), START),
    "save": lambda jobs: jobs.save(JOB, replace(JOB, progress=0.5)),
    "find_by_key": lambda jobs: jobs.find_by_key(A_USER, "key"),
    "release_key": lambda jobs: jobs.release_key(JOB),
    "find_unadopted": lambda jobs: jobs.find_unadopted(START, 1),
    "find_unannounced": lambda jobs: jobs.find_unannounced(START, 1),
    "mark_announced": lambda jobs: jobs.mark_announced(JOB.id, JOB.outbox),
    "find_overdue": lambda jobs: jobs.find_overdue(START, START, 1),
    "find_failed": lambda jobs: jobs.find_failed("timeout", START, 1),
    "find_startable": lambda jobs: jobs.find_startable(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_call_raises_unavailable_when_the_database_is_unavailable(
    unreachable: JobRepository, call: Callable[[JobRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):  # instead of the four seconds that a function waits
        call(unreachable)


def test_a_new_id_needs_no_database(unreachable: JobRepository) -> None:
    assert len(unreachable.new_id()) == 24
