"""Mutants of the product, each without one safeguard. They prove that the checker detects violations.

`mutate` changes classes and modules in place, in a worker process that is not reused.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import replace
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

from tests.faults.provider_client import HttpProvider
from videojobs import bootstrap
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.mongo.slots import MongoSlotRepository
from videojobs.adapters.s3 import S3VideoStore
from videojobs.adapters.sqs import SqsNotifier
from videojobs.domain import deadlines, lifecycle
from videojobs.domain.job import Announcement, JobId, VideoJob
from videojobs.domain.slots import UserSlots
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import GenerationRequest
from videojobs.services import clean_up, render_video
from videojobs.services.job_dispatcher import JobDispatcher

type Replace = Callable[[Any, str, Any], None]
"""A function that sets an attribute of a module or class, and raises AttributeError if it does not exist."""


def mutate(name: str) -> None:
    """Apply the mutant of this name."""
    MUTANTS[name](_replace)


def _replace(owner: Any, name: str, value: Any) -> None:
    getattr(owner, name)
    setattr(owner, name, value)


def _without_conditions(method: str, *removed: str) -> Callable[[Replace], None]:
    """Return a mutation that removes conditions from the guarded update of a repository method."""

    def apply(replace_attribute: Replace) -> None:
        original = getattr(MongoJobRepository, method)

        def loosened(self: MongoJobRepository, *arguments: Any) -> Any:
            loose = MongoJobRepository(_LooseConnection(self._connection, removed))
            return original(loose, *arguments)

        replace_attribute(MongoJobRepository, method, loosened)

    return apply


class _LooseConnection:
    def __init__(self, connection: Any, removed: Sequence[str]) -> None:
        self._connection, self._removed = connection, removed

    def run(self, operation: Callable[[Any], Any]) -> Any:
        return self._connection.run(lambda database: operation(_Loose(database, self._removed)))


class _Loose:
    def __init__(self, inner: Any, removed: Sequence[str]) -> None:
        self._inner, self._removed = inner, removed

    def __getitem__(self, name: str) -> Any:
        return _Loose(self._inner[name], self._removed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def update_one(self, guard: Mapping[str, Any], update: Any) -> Any:
        return self._inner.update_one({key: value for key, value in guard.items() if key not in self._removed}, update)


def _write_intent_after_submit(replace_attribute: Replace) -> None:
    """Write the intent together with the outcome, after the submission."""
    original = MongoJobRepository.save
    unwritten: dict[JobId, VideoJob] = {}

    def save(self: MongoJobRepository, before: VideoJob, after: VideoJob) -> bool:
        task = after.provider
        if task and task.ref is None and before.next and after.next and before.next.id == after.next.id:
            unwritten[before.id] = before
            return True
        return original(self, unwritten.pop(before.id, before), after)

    replace_attribute(MongoJobRepository, "save", save)


def _finish_without_checking_the_object(replace_attribute: Replace) -> None:
    def size(self: S3VideoStore, stored: StoredObject) -> int:
        return stored.size_bytes

    replace_attribute(S3VideoStore, "size", size)


def _store_all_videos_under_one_key(replace_attribute: Replace) -> None:
    original = S3VideoStore.put

    def put(self: S3VideoStore, path: Any, key: str, *more: Any) -> StoredObject:
        return original(self, path, f"videos/latest.{key.rpartition('.')[2]}", *more)

    replace_attribute(S3VideoStore, "put", put)


def _use_a_new_token_for_each_call(replace_attribute: Replace) -> None:
    original, numbers = HttpProvider.submit, count()

    def submit(self: HttpProvider, request: GenerationRequest, *, token: str) -> Any:
        return original(self, request, token=f"{token}:{next(numbers)}:{uuid4().hex}")

    replace_attribute(HttpProvider, "submit", submit)


def _count_a_crash_as_an_attempt(replace_attribute: Replace) -> None:
    original = lifecycle.start_submit

    def begin(job: VideoJob, *arguments: Any, **named: Any) -> VideoJob:
        job = replace(job, attempt=job.attempt + 1) if job.provider and not job.provider.ref else job
        return original(job, *arguments, **named)

    replace_attribute(lifecycle, "start_submit", begin)


def _fail_dead_letters_unconditionally(replace_attribute: Replace) -> None:
    def fail_unconditionally(job_id: JobId, _step_id: str, *, dispatcher: JobDispatcher) -> bool:
        job, now = dispatcher.jobs.find(job_id), dispatcher.clock.now()
        assert job is not None
        failed = lifecycle.fail(job, lifecycle.INTERNAL_FAILURE, now, dispatcher.policy) if job.is_live else job
        return job.is_live and dispatcher.jobs.save(job, failed)

    from functions.reconciler import app

    replace_attribute(app, "resend_dead_letter", fail_unconditionally)


def _publish_under_a_new_id(replace_attribute: Replace) -> None:
    original = SqsNotifier.publish

    def publish(self: SqsNotifier, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        original(self, job_id, [replace(announcement, id=uuid4().hex) for announcement in announcements])

    replace_attribute(SqsNotifier, "publish", publish)


def _mark_announced_before_publishing(replace_attribute: Replace) -> None:
    def announce(self: JobDispatcher, job: VideoJob) -> VideoJob:
        if job.outbox:
            self.jobs.mark_announced(job.id, job.outbox)
            self.notifier.publish(job.id, job.outbox)
        return replace(job, outbox=())

    replace_attribute(JobDispatcher, "announce", announce)


def _ignore_deadlines(replace_attribute: Replace) -> None:
    def is_past_deadline(job: VideoJob, now: datetime, policy: Any) -> bool:
        return False

    replace_attribute(deadlines, "is_past_deadline", is_past_deadline)


def _find_no_overdue_jobs(replace_attribute: Replace) -> None:
    def find_overdue(self: MongoJobRepository, *_: Any) -> list[VideoJob]:
        return []

    replace_attribute(MongoJobRepository, "find_overdue", find_overdue)


def _raise_the_limit_of_attempts(replace_attribute: Replace) -> None:
    policy = bootstrap.step_policy
    replace_attribute(bootstrap, "step_policy", lambda: replace(policy(), maximum_attempts=9))


def _keep_files_of_lost_leases(replace_attribute: Replace) -> None:
    def discard(*_: Any, **__: Any) -> None:
        """Keep the files."""

    replace_attribute(render_video, "_discard", discard)


def _never_cancel_at_the_provider(replace_attribute: Replace) -> None:
    def cancel_at_provider(*_: Any, **__: Any) -> None:
        """Leave the task running."""

    replace_attribute(clean_up, "cancel_at_provider", cancel_at_provider)


def _never_recount_slots(replace_attribute: Replace) -> None:
    def find_unchecked(self: MongoSlotRepository, *_: Any) -> list[UserSlots]:
        return []

    replace_attribute(MongoSlotRepository, "find_unchecked", find_unchecked)


def _store_no_deletion_step(replace_attribute: Replace) -> None:
    original = lifecycle.delete

    def delete(job: VideoJob, now: datetime) -> VideoJob:
        return replace(original(job, now), next=job.next)

    replace_attribute(lifecycle, "delete", delete)


def _mutate_nothing(_: Replace) -> None:
    """Change no code, as the test changes the database instead."""


NO_IDEMPOTENCY_INDEX = "no unique index on the idempotency key"

MUTANTS: Mapping[str, Callable[[Replace], None]] = {
    "save without the lease": _without_conditions("save", "lease.token", "next.dueAt"),  # a claim changes both
    "save without any guard": _without_conditions("save", "lease.token", "next.id", "next.dueAt", "status", "attempt"),
    "claim any step": _without_conditions("claim", "next.id"),
    "claim despite a live lease": _without_conditions("claim", "lease.until"),
    "write the intent after the submit": _write_intent_after_submit,
    "finish without checking the object": _finish_without_checking_the_object,
    "one object for all jobs": _store_all_videos_under_one_key,
    "a token for each call": _use_a_new_token_for_each_call,
    "a crash counts as an attempt": _count_a_crash_as_an_attempt,
    "fail dead letters unconditionally": _fail_dead_letters_unconditionally,
    "publish under a new ID": _publish_under_a_new_id,
    "mark as announced before publishing": _mark_announced_before_publishing,
    "ignore deadlines": _ignore_deadlines,
    "find no overdue jobs": _find_no_overdue_jobs,
    "raise the limit of attempts": _raise_the_limit_of_attempts,
    "keep files of lost leases": _keep_files_of_lost_leases,
    "never cancel at the provider": _never_cancel_at_the_provider,
    "never recount slots": _never_recount_slots,
    "store no deletion step": _store_no_deletion_step,
    NO_IDEMPOTENCY_INDEX: _mutate_nothing,
}
