"""The product with one safeguard taken out: what the checker is worth shows in whether it notices.

`mutate` changes classes and modules in place, in a worker process that is then thrown away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
"""Sets an attribute of a module or class; raises AttributeError if there is no such attribute."""


def mutate(name: str) -> None:
    """Take out one safeguard."""
    MUTANTS[name](_replace)


def _replace(owner: Any, name: str, value: Any) -> None:
    getattr(owner, name)
    setattr(owner, name, value)


def _loosen(method: str, *forgotten: str) -> Callable[[Replace], None]:
    """Let a method of the repository forget some conditions of its guarded update."""

    def apply(replace_attribute: Replace) -> None:
        original = getattr(MongoJobRepository, method)

        def loosened(self: MongoJobRepository, *arguments: Any) -> Any:
            loose = MongoJobRepository(_LooseConnection(self._connection, forgotten))
            return original(loose, *arguments)

        replace_attribute(MongoJobRepository, method, loosened)

    return apply


class _LooseConnection:
    def __init__(self, connection: Any, forgotten: Sequence[str]) -> None:
        self._connection, self._forgotten = connection, forgotten

    def run(self, operation: Callable[[Any], Any]) -> Any:
        return self._connection.run(lambda database: operation(_Loose(database, self._forgotten)))


class _Loose:
    def __init__(self, inner: Any, forgotten: Sequence[str]) -> None:
        self._inner, self._forgotten = inner, forgotten

    def __getitem__(self, name: str) -> Any:
        return _Loose(self._inner[name], self._forgotten)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def update_one(self, guard: Mapping[str, Any], update: Any) -> Any:
        return self._inner.update_one(
            {key: value for key, value in guard.items() if key not in self._forgotten}, update
        )


def _intend_afterwards(replace_attribute: Replace) -> None:
    """The intent is written together with the outcome, after the submit."""
    original = MongoJobRepository.save
    unwritten: dict[JobId, VideoJob] = {}

    def save(self: MongoJobRepository, before: VideoJob, after: VideoJob) -> bool:
        task = after.provider
        if task and task.ref is None and before.next and after.next and before.next.id == after.next.id:
            unwritten[before.id] = before
            return True
        return original(self, unwritten.pop(before.id, before), after)

    replace_attribute(MongoJobRepository, "save", save)


def _finish_unseen(replace_attribute: Replace) -> None:
    def size(self: S3VideoStore, stored: StoredObject) -> int:
        return stored.size_bytes

    replace_attribute(S3VideoStore, "size", size)


def _one_object_for_all(replace_attribute: Replace) -> None:
    original = S3VideoStore.put

    def put(self: S3VideoStore, path: Any, key: str, *more: Any) -> StoredObject:
        return original(self, path, f"videos/latest.{key.rpartition('.')[2]}", *more)

    replace_attribute(S3VideoStore, "put", put)


def _a_token_for_each_call(replace_attribute: Replace) -> None:
    original, numbers = HttpProvider.submit, count()

    def submit(self: HttpProvider, request: GenerationRequest, *, token: str) -> Any:
        return original(self, request, token=f"{token}:{next(numbers)}:{uuid4().hex}")

    replace_attribute(HttpProvider, "submit", submit)


def _a_crash_counts_as_an_attempt(replace_attribute: Replace) -> None:
    original = lifecycle.start_submit

    def begin(job: VideoJob, *arguments: Any, **named: Any) -> VideoJob:
        job = replace(job, attempt=job.attempt + 1) if job.provider and not job.provider.ref else job
        return original(job, *arguments, **named)

    replace_attribute(lifecycle, "start_submit", begin)


def _bury_whatever_is_there(replace_attribute: Replace) -> None:
    def bury(job_id: JobId, step_id: str, *, dispatcher: JobDispatcher) -> bool:
        job, now = dispatcher.jobs.find(job_id), dispatcher.clock.now()
        assert job is not None
        failed = lifecycle.fail(job, lifecycle.INTERNAL_FAILURE, now, dispatcher.policy) if job.is_live else job
        return job.is_live and dispatcher.jobs.save(job, failed)

    from functions.reconciler import app

    replace_attribute(app, "fail_dead_lettered_job", bury)


def _announce_under_a_new_id(replace_attribute: Replace) -> None:
    original = SqsNotifier.publish

    def publish(self: SqsNotifier, job_id: JobId, announcements: Sequence[Announcement]) -> None:
        original(self, job_id, [replace(each, id=uuid4().hex) for each in announcements])

    replace_attribute(SqsNotifier, "publish", publish)


def _forget_before_announcing(replace_attribute: Replace) -> None:
    def announce(self: JobDispatcher, job: VideoJob) -> VideoJob:
        if job.outbox:
            self.jobs.mark_announced(job.id, job.outbox)
            self.notifier.publish(job.id, job.outbox)
        return replace(job, outbox=())

    replace_attribute(JobDispatcher, "announce", announce)


def _nobody_is_late(replace_attribute: Replace) -> None:
    def is_past_deadline(job: VideoJob, now: datetime, policy: Any) -> bool:
        return False

    replace_attribute(deadlines, "is_past_deadline", is_past_deadline)


def _sweep_sees_nothing(replace_attribute: Replace) -> None:
    def find_overdue(self: MongoJobRepository, *_: Any) -> list[VideoJob]:
        return []

    replace_attribute(MongoJobRepository, "find_overdue", find_overdue)


def _attempts_without_end(replace_attribute: Replace) -> None:
    policy = bootstrap.step_policy
    replace_attribute(bootstrap, "step_policy", lambda: replace(policy(), maximum_attempts=9))


def _discard_nothing(replace_attribute: Replace) -> None:
    def discard(*_: Any, **__: Any) -> None:
        """Leave what is there."""

    replace_attribute(render_video, "_discard", discard)


def _stop_nothing(replace_attribute: Replace) -> None:
    def cancel_at_provider(*_: Any, **__: Any) -> None:
        """Leave it at it."""

    replace_attribute(clean_up, "cancel_at_provider", cancel_at_provider)


def _compare_no_shares(replace_attribute: Replace) -> None:
    def find_unchecked(self: MongoSlotRepository, *_: Any) -> list[UserSlots]:
        return []

    replace_attribute(MongoSlotRepository, "find_unchecked", find_unchecked)


def _forget_the_deletion(replace_attribute: Replace) -> None:
    original = lifecycle.delete

    def delete(job: VideoJob, now: datetime) -> VideoJob:
        return replace(original(job, now), next=job.next)

    replace_attribute(lifecycle, "delete", delete)


def _nothing(_: Replace) -> None:
    """The mutation is in the database."""


NO_IDEMPOTENCY_INDEX = "no unique index on the idempotency key"

MUTANTS: Mapping[str, Callable[[Replace], None]] = {
    "save without the lease": _loosen("save", "lease.token", "next.dueAt"),  # a claim leaves its mark in both
    "save without any guard": _loosen("save", "lease.token", "next.id", "next.dueAt", "status", "attempt"),
    "claim whatever is next": _loosen("claim", "next.id"),
    "claim although somebody has a lease": _loosen("claim", "lease.until"),
    "write the intent after the submit": _intend_afterwards,
    "finish without a look at the object": _finish_unseen,
    "one object for all jobs": _one_object_for_all,
    "a token for each call": _a_token_for_each_call,
    "a crash counts as an attempt": _a_crash_counts_as_an_attempt,
    "bury whatever is there": _bury_whatever_is_there,
    "announce under a new id": _announce_under_a_new_id,
    "forget before announcing": _forget_before_announcing,
    "nobody is late": _nobody_is_late,
    "the sweep sees nothing": _sweep_sees_nothing,
    "attempts without end": _attempts_without_end,
    "discard nothing": _discard_nothing,
    "stop nothing at the provider": _stop_nothing,
    "compare no shares": _compare_no_shares,
    "a deletion is no step": _forget_the_deletion,
    NO_IDEMPOTENCY_INDEX: _nothing,
}
