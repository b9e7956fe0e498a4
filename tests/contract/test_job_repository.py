"""The contract of `JobRepository`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
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
from videojobs.domain.request import Priority
from videojobs.domain.storage import StoredObject
from videojobs.ports.jobs import JobRepository


@pytest.fixture(params=["in memory", "MongoDB"])
def jobs(request: pytest.FixtureRequest) -> JobRepository:
    """An empty repository."""
    if request.param == "in memory":
        return InMemoryJobRepository()
    return MongoJobRepository(request.getfixturevalue("connection"))


@pytest.fixture(scope="module", params=["in memory", "MongoDB"])
def unreachable(request: pytest.FixtureRequest) -> Iterator[JobRepository]:
    """A repository behind which nothing answers."""
    if request.param == "in memory":
        down = InMemoryJobRepository()
        down.available = False
        yield down
        return
    uri = f"mongodb://127.0.0.1:{free_port()}/nowhere?directConnection=true"
    connection = MongoConnection(lambda *, refresh=False: uri)
    yield MongoJobRepository(connection)
    connection.run(lambda database: database.client.close())


A_PART = StoredObject("videos-of-tests", "videos/1/1.part1.mp4", 77)
A_PRODUCTION = Production(
    "fal",
    Plan((Clip(1280, 720, 5.5, Decimal("0.35")), Clip(1280, 720, 4)), (1280, 720), 1280, 720, 192),
    is_shortened=True,
    prices_as_of=date(2026, 11, 1),
    parts=(A_PART,),
    actual_usd=Decimal("0.36"),
)


def a_job_with_everything() -> VideoJob:
    """Every field has a value."""
    return a_started_job(
        Step.RENDER,
        duration=2.5,
        video_url="s3://videos/1.mp4",
        error_message="It went wrong.",
        version=7,
        attempt=2,
        lease=a_lease(),
        provider=ProviderTask("scripted", START, ref="task-1", unreachable=3),
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
    )


def test_a_job_with_everything_has_a_value_of_its_own_in_each_field() -> None:
    job = a_job_with_everything()
    assert [field.name for field in fields(job) if getattr(job, field.name) == field.default] == []


def test_a_new_id_is_an_object_id_that_no_job_has(jobs: JobRepository) -> None:
    ids = {jobs.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(job_id) == 24 and set(job_id) <= set("0123456789abcdef") for job_id in ids)
    assert jobs.find(ids.pop()) is None


@pytest.mark.parametrize("job", [a_job(), a_job_with_everything()], ids=["a new job", "a job with everything"])
def test_a_job_comes_back_as_it_went_in(jobs: JobRepository, job: VideoJob) -> None:
    jobs.add(job)
    assert jobs.find(job.id) == job


@pytest.mark.parametrize("duration", [8, 2.5, 8.0, 1, 60])
def test_a_duration_stays_the_kind_of_number_that_it_was(jobs: JobRepository, duration: float) -> None:
    job = a_job(duration=duration)
    jobs.add(job)
    found = jobs.find(job.id)
    assert found is not None
    assert found.duration == duration
    assert type(found.duration) is type(duration)


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
def test_any_text_comes_back_as_it_went_in(jobs: JobRepository, prompt: str) -> None:
    job = a_job(prompt=prompt)
    jobs.add(job)
    found = jobs.find(job.id)
    assert found is not None
    assert found.prompt == prompt


def test_adding_a_job_again_is_no_error_and_changes_nothing(jobs: JobRepository) -> None:
    job = a_job(prompt="the first")
    jobs.add(job)
    jobs.add(replace(job, prompt="the second"))
    found = jobs.find(job.id)
    assert found is not None
    assert found.prompt == "the first"


def test_adding_a_job_with_a_key_again_is_no_error(jobs: JobRepository) -> None:
    job = a_job(idempotency=IdempotencyKey("key", "f"))
    jobs.add(job)
    try:
        jobs.add(job)
    except IdempotencyKeyTaken:
        # MongoDB names one of the two indexes that refuse a repeated insert; either is told to the caller truthfully.
        assert jobs.find_by_key(A_USER, "key") == job
    assert jobs.find(job.id) == job


class TestIdempotencyKeys:
    def test_a_key_names_one_job_of_a_user(self, jobs: JobRepository) -> None:
        first, second = (a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(2))
        jobs.add(first)
        with pytest.raises(IdempotencyKeyTaken):
            jobs.add(second)
        assert jobs.find(second.id) is None
        assert jobs.find_by_key(A_USER, "key") == first

    def test_a_key_is_the_users_own(self, jobs: JobRepository) -> None:
        mine = a_job(idempotency=IdempotencyKey("key", "f"))
        theirs = a_job(idempotency=IdempotencyKey("key", "f"), user_id=ANOTHER_USER)
        jobs.add(mine)
        jobs.add(theirs)
        assert jobs.find_by_key(ANOTHER_USER, "key") == theirs

    def test_jobs_without_a_key_never_collide(self, jobs: JobRepository) -> None:
        made = [a_job(), a_job()]
        for job in made:
            jobs.add(job)
        assert [jobs.find(job.id) for job in made] == made

    def test_an_unknown_key_finds_nothing(self, jobs: JobRepository) -> None:
        jobs.add(a_job(idempotency=IdempotencyKey("key", "f")))
        assert jobs.find_by_key(A_USER, "another") is None

    def test_a_released_key_is_free_again_and_its_job_lives_on(self, jobs: JobRepository) -> None:
        first, second = (a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(2))
        jobs.add(first)
        jobs.release_key(first)
        jobs.release_key(first)
        jobs.add(second)
        assert jobs.find(first.id) == replace(first, idempotency=None)
        assert jobs.find_by_key(A_USER, "key") == second

    def test_a_key_is_released_from_the_job_that_is_meant_only(self, jobs: JobRepository) -> None:
        first, second = (a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(2))
        jobs.add(first)
        jobs.release_key(first)
        jobs.add(second)
        jobs.release_key(first)
        assert jobs.find_by_key(A_USER, "key") == second

    def test_of_sixteen_at_once_one_job_gets_the_key(self, jobs: JobRepository) -> None:
        made = [a_job(idempotency=IdempotencyKey("key", "f")) for _ in range(16)]

        def add(job: VideoJob) -> bool:
            try:
                jobs.add(job)
            except IdempotencyKeyTaken:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            added = list(pool.map(add, made))
        assert added.count(True) == 1
        winner = made[added.index(True)]
        assert jobs.find_by_key(A_USER, "key") == winner
        assert [job for job in made if jobs.find(job.id)] == [winner]


class TestClaims:
    def test_a_claim_leases_the_step_and_changes_nothing_else(self, jobs: JobRepository) -> None:
        job = a_started_job()
        jobs.add(job)
        assert job.next is not None
        claimed = jobs.claim(job.id, job.next.id, a_lease(), START)
        assert claimed == replace(job, lease=a_lease())
        assert jobs.find(job.id) == claimed

    def test_a_stale_step_is_never_claimed(self, jobs: JobRepository) -> None:
        job = a_started_job()
        jobs.add(job)
        assert jobs.claim(job.id, "another step", a_lease(), START) is None
        assert jobs.find(job.id) == job

    def test_an_ended_job_is_never_claimed(self, jobs: JobRepository) -> None:
        job = a_job(status=JobStatus.COMPLETED, next=None)
        jobs.add(job)
        assert jobs.claim(job.id, "", a_lease(), START) is None
        assert jobs.find(job.id) == job

    def test_an_unknown_job_is_never_claimed(self, jobs: JobRepository) -> None:
        assert jobs.claim(an_id(), "step", a_lease(), START) is None

    def test_a_live_lease_keeps_everybody_else_out(self, jobs: JobRepository) -> None:
        job = a_started_job(lease=a_lease(25))
        jobs.add(job)
        assert job.next is not None
        just_before = START + timedelta(seconds=25, milliseconds=-1)
        assert jobs.claim(job.id, job.next.id, a_lease(60, "theirs"), just_before) is None
        assert jobs.find(job.id) == job

    def test_a_lease_that_has_run_out_keeps_nobody_out(self, jobs: JobRepository) -> None:
        job = a_started_job(lease=a_lease(25))
        jobs.add(job)
        assert job.next is not None
        theirs, now = a_lease(60, "theirs"), START + timedelta(seconds=25)
        claimed = jobs.claim(job.id, job.next.id, theirs, now)
        assert claimed == replace(job, lease=theirs, next=replace(job.next, due_at=now))

    def test_of_sixteen_at_once_one_gets_the_step(self, jobs: JobRepository) -> None:
        job = a_started_job()
        jobs.add(job)
        step = job.next
        assert step is not None
        with ThreadPoolExecutor(16) as pool:
            leases = [a_lease(token=str(number)) for number in range(16)]
            claimed = list(pool.map(lambda lease: jobs.claim(job.id, step.id, lease, START), leases))
        winners = [won for won in claimed if won is not None]
        assert len(winners) == 1
        assert jobs.find(job.id) == winners[0]


class TestSaves:
    def test_what_differs_is_written(self, jobs: JobRepository) -> None:
        before = a_job(lease=a_lease())
        after = replace(a_job_with_everything(), id=before.id, history=before.history, outbox=before.outbox)
        jobs.add(before)
        assert jobs.save(before, after)
        assert jobs.find(before.id) == after

    def test_what_has_no_value_any_more_is_gone(self, jobs: JobRepository) -> None:
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
    def test_a_job_that_moved_on_is_left_as_it_is(self, jobs: JobRepository, changed: dict[str, object]) -> None:
        before = a_started_job(lease=a_lease())
        moved_on = replace(before, **changed)
        jobs.add(moved_on)
        assert not jobs.save(before, replace(before, progress=0.5, lease=None))
        assert jobs.find(before.id) == moved_on

    def test_a_step_whose_due_time_was_moved_is_another(self, jobs: JobRepository) -> None:
        before = a_started_job()
        assert before.next is not None
        moved_on = replace(before, next=replace(before.next, due_at=START + timedelta(seconds=30), resends=1))
        jobs.add(moved_on)
        assert not jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) == moved_on

    def test_a_job_that_is_at_rest_again_is_another(self, jobs: JobRepository) -> None:
        before = a_job(status=JobStatus.CANCELLED, next=None)
        retried_and_cancelled = replace(before, attempt=2, attempts_before_retry=1, version=before.version + 2)
        jobs.add(retried_and_cancelled)
        assert not jobs.save(before, replace(before, status=JobStatus.QUEUED, attempt=2, next=a_step()))
        assert not jobs.remove(before)
        assert jobs.find(before.id) == retried_and_cancelled

    def test_a_job_that_was_claimed_since_is_left_as_it_is(self, jobs: JobRepository) -> None:
        before = a_started_job()
        assert before.next is not None
        jobs.add(before)
        claimed = jobs.claim(before.id, before.next.id, a_lease(), START)
        assert not jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) == claimed

    def test_a_job_that_is_gone_stays_gone(self, jobs: JobRepository) -> None:
        before = a_started_job()
        assert not jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) is None

    def test_a_job_of_the_express_server_can_be_saved(self, jobs: JobRepository) -> None:
        before = a_job(next=None, version=0, history=(), outbox=())
        after = replace(before, next=a_step())
        jobs.add(before)
        assert jobs.save(before, after)
        assert jobs.find(before.id) == after

    def test_saving_what_did_not_change_only_asks_whether_the_job_is_still_ours(self, jobs: JobRepository) -> None:
        job = a_started_job(lease=a_lease())
        jobs.add(job)
        assert jobs.save(job, job)
        lost = replace(job, lease=a_lease(token="theirs"))
        assert not jobs.save(lost, lost)
        assert jobs.find(job.id) == job

    def test_what_somebody_else_changed_beside_us_stays(self, jobs: JobRepository) -> None:
        before = a_started_job(idempotency=IdempotencyKey("key", "f"))
        jobs.add(before)
        jobs.release_key(before)
        assert jobs.save(before, replace(before, progress=0.5))
        assert jobs.find(before.id) == replace(before, progress=0.5, idempotency=None)

    def test_only_new_lines_of_history_are_added_and_only_the_newest_kept(self, jobs: JobRepository) -> None:
        lines = [HistoryEntry(START, JobStatus.PROCESSING, f"line {number}") for number in range(MAXIMUM_HISTORY + 2)]
        before = a_started_job(history=tuple(lines[: MAXIMUM_HISTORY - 1]))
        jobs.add(before)
        assert jobs.save(before, replace(before, history=tuple(lines)))
        found = jobs.find(before.id)
        assert found is not None
        assert found.history == tuple(lines[2:])

    def test_what_is_new_to_the_outbox_is_added_and_what_was_announced_meanwhile_stays_gone(
        self, jobs: JobRepository
    ) -> None:
        before = a_started_job()
        jobs.add(before)
        jobs.mark_announced(before.id, before.outbox)
        after = before.changed(START, progress=0.5)
        assert jobs.save(before, after)
        found = jobs.find(before.id)
        assert found is not None
        assert found.outbox == after.outbox[1:]

    def test_of_sixteen_that_save_at_once_one_wins(self, jobs: JobRepository) -> None:
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
        return list(jobs.find_overdue(self.DUE_BEFORE, self.NOW, limit))

    def a_job_due(self, seconds: float, *, before: str = "NOW", **changes: object) -> VideoJob:
        from_start = (getattr(self, before) - START).total_seconds() - seconds
        return a_started_job(next=a_step(Step.POLL, from_start), **changes)

    def test_the_longest_overdue_come_first_and_no_more_than_asked_for(self, jobs: JobRepository) -> None:
        made = [self.a_job_due(seconds) for seconds in (40, 300, 35, 60)]
        for job in made:
            jobs.add(job)
        assert self.find(jobs) == [made[1], made[3], made[0], made[2]]
        assert self.find(jobs, limit=2) == [made[1], made[3]]

    def test_a_step_that_is_not_overdue_yet_is_left_alone(self, jobs: JobRepository) -> None:
        jobs.add(self.a_job_due(30))
        jobs.add(self.a_job_due(-1))
        overdue = self.a_job_due(30.001)
        jobs.add(overdue)
        assert self.find(jobs) == [overdue]

    def test_work_under_a_live_lease_is_left_alone(self, jobs: JobRepository) -> None:
        jobs.add(self.a_job_due(300, lease=Lease("mine", self.NOW + timedelta(milliseconds=1))))
        assert self.find(jobs) == []

    def test_work_whose_lease_ran_out_is_found(self, jobs: JobRepository) -> None:
        abandoned = self.a_job_due(31, lease=Lease("mine", self.NOW))
        jobs.add(abandoned)
        assert self.find(jobs) == [abandoned]

    def test_leased_jobs_take_no_place_from_those_that_wait(self, jobs: JobRepository) -> None:
        for _ in range(3):
            jobs.add(self.a_job_due(300, lease=Lease("mine", self.NOW + timedelta(seconds=20))))
        waiting = self.a_job_due(40)
        jobs.add(waiting)
        assert self.find(jobs, limit=2) == [waiting]

    def test_jobs_of_each_live_status_are_found(self, jobs: JobRepository) -> None:
        queued = a_job(next=a_step(Step.START))
        processing = self.a_job_due(31)
        for job in (queued, processing):
            jobs.add(job)
        assert sorted(self.find(jobs), key=lambda job: job.id) == sorted([queued, processing], key=lambda job: job.id)

    def test_an_abandoned_step_that_was_sent_again_waits_for_its_new_time(self, jobs: JobRepository) -> None:
        jobs.add(self.a_job_due(-60, lease=Lease("mine", self.NOW - timedelta(minutes=5))))
        assert self.find(jobs) == []

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
    def test_an_ended_job_is_found_only_while_something_is_left_to_be_cleaned_up(
        self, jobs: JobRepository, status: JobStatus
    ) -> None:
        jobs.add(a_job(status=status, next=None))
        assert self.find(jobs) == []
        deleted = self.a_job_due(300, status=status)
        jobs.add(deleted)
        assert self.find(jobs) == [deleted]
        assert list(jobs.find_unadopted(self.NOW, 100)) == []

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING])
    def test_live_jobs_without_a_next_step_wait_to_be_adopted(self, jobs: JobRepository, status: JobStatus) -> None:
        found, too_young = a_job(status=status, next=None), a_job(status=status, next=None, created_at=self.NOW)
        for job in (found, too_young, self.a_job_due(0)):
            jobs.add(job)
        assert list(jobs.find_unadopted(self.NOW, 100)) == [found]
        assert self.find(jobs) == []

    def test_no_more_are_adopted_at_once_than_asked_for(self, jobs: JobRepository) -> None:
        made = [a_job(next=None) for _ in range(3)]
        for job in made:
            jobs.add(job)
        found = list(jobs.find_unadopted(self.NOW, 2))
        assert len(found) == 2
        assert all(job in made for job in found)


class TestOutbox:
    LATER = START + timedelta(seconds=30)

    def test_jobs_with_something_to_tell_are_found_also_when_they_have_ended(self, jobs: JobRepository) -> None:
        live, ended = a_job(), a_job(status=JobStatus.FAILED, next=None)
        quiet, fresh = a_job(outbox=()), a_job(outbox=(Announcement.of(1, self.LATER),))
        for job in (live, ended, quiet, fresh):
            jobs.add(job)
        found = list(jobs.find_unannounced(self.LATER, 100))
        assert sorted(found, key=lambda job: job.id) == sorted([live, ended], key=lambda job: job.id)

    def test_no_more_are_found_at_once_than_asked_for(self, jobs: JobRepository) -> None:
        for _ in range(3):
            jobs.add(a_job())
        assert len(list(jobs.find_unannounced(self.LATER, 2))) == 2

    def test_what_has_waited_longest_comes_first(self, jobs: JobRepository) -> None:
        young, old = (a_job(outbox=(Announcement.of(1, START + timedelta(seconds=age)),)) for age in (20, 10))
        jobs.add(young)
        jobs.add(old)
        assert list(jobs.find_unannounced(self.LATER, 1)) == [old]

    def test_what_was_announced_is_gone_and_the_rest_stays(self, jobs: JobRepository) -> None:
        told, untold = Announcement.of(1, START), Announcement.of(2, START)
        job = a_job(outbox=(told, untold))
        jobs.add(job)
        jobs.mark_announced(job.id, [told])
        jobs.mark_announced(job.id, [told, Announcement.of(1, START)])
        assert jobs.find(job.id) == replace(job, outbox=(untold,))

    def test_a_job_with_nothing_left_to_tell_is_found_no_more(self, jobs: JobRepository) -> None:
        job = a_job()
        jobs.add(job)
        jobs.mark_announced(job.id, job.outbox)
        assert list(jobs.find_unannounced(self.LATER, 100)) == []

    def test_announcements_of_a_job_that_is_gone_do_no_harm(self, jobs: JobRepository) -> None:
        missing = an_id()
        jobs.mark_announced(missing, [Announcement.of(1, START)])
        assert jobs.find(missing) is None


def test_of_those_that_may_start_the_one_due_first_and_the_one_due_last_are_found(jobs: JobRepository) -> None:
    assert jobs.find_startable() == []
    first, between, last = (a_job(next=a_step(Step.START, due_in_seconds=seconds)) for seconds in (-60, 0, 60))
    waiting = a_job(waiting_since=START, next=NextStep.new(Step.START, NOT_SCHEDULED))
    begun = a_started_job(next=a_step(Step.POLL, due_in_seconds=-90))
    for job in (between, last, waiting, begun, first, a_job(next=None)):
        jobs.add(job)
    assert jobs.find_startable() == [first, last]


def test_where_one_may_start_it_is_the_first_and_the_last(jobs: JobRepository) -> None:
    job = a_job()
    jobs.add(job)
    assert jobs.find_startable() == [job, job]


def test_those_that_failed_with_a_code_are_found_the_oldest_first(jobs: JobRepository) -> None:
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
def test_every_call_says_so_when_nothing_answers(
    unreachable: JobRepository, call: Callable[[JobRepository], object]
) -> None:
    with pymongo.timeout(0.1), pytest.raises(Unavailable):  # in place of the four seconds that a function waits
        call(unreachable)


def test_an_id_needs_no_answer(unreachable: JobRepository) -> None:
    assert len(unreachable.new_id()) == 24
