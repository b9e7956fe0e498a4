"""Builders of valid domain objects; a test names only the fields that matter to it."""

from copy import replace
from datetime import timedelta
from itertools import count
from typing import Any

from tests.fakes.clock import START
from videojobs.domain.job import (
    NOT_SCHEDULED,
    Announcement,
    HistoryEntry,
    JobId,
    JobStatus,
    Lease,
    NextStep,
    Output,
    ProviderTask,
    Step,
    UserId,
    VideoJob,
)
from videojobs.domain.request import AspectRatio, NewJob, Style
from videojobs.domain.storage import StoredObject

A_USER = UserId("65a000000000000000000001")
ANOTHER_USER = UserId("65a000000000000000000002")

_numbers = count(1)


def a_new_job(**changes: Any) -> NewJob:
    """Return a valid request for a job, with the changes applied."""
    request = NewJob(prompt="A cat on a surfboard", style=Style.FUN, duration=8, aspect_ratio=AspectRatio.LANDSCAPE)
    return replace(request, **changes)


def an_id() -> JobId:
    """Return a job ID that is unique in this run."""
    return JobId(f"{next(_numbers):024x}")


def a_job(**changes: Any) -> VideoJob:
    """Return a job as `submit_job` stores it: queued, with its start step due at once and a unique ID."""
    job = VideoJob(
        id=an_id(),
        user_id=A_USER,
        prompt="A cat on a surfboard",
        style=Style.FUN,
        duration=8,
        aspect_ratio=AspectRatio.LANDSCAPE,
        status=JobStatus.QUEUED,
        created_at=START,
        updated_at=START,
        version=1,
        next=NextStep.new(Step.START, due_at=START),
        outbox=(Announcement.of(1, START),),
        history=(HistoryEntry(START, JobStatus.QUEUED, "accepted"),),
    )
    return replace(job, **changes)


def a_lease(seconds: float = 25, token: str = "mine") -> Lease:
    """Return a lease that ends `seconds` after the start of the virtual clock."""
    return Lease(token, START + timedelta(seconds=seconds))


def a_step(step: Step = Step.START, due_in_seconds: float = 0, **changes: Any) -> NextStep:
    """Return a step with a unique ID, due `due_in_seconds` after the start of the virtual clock."""
    return replace(NextStep.new(step, due_at=START + timedelta(seconds=due_in_seconds)), **changes)


def a_started_job(step: Step = Step.POLL, **changes: Any) -> VideoJob:
    """Return a job in processing that its provider has accepted; `step` is due at once."""
    started = {
        "status": JobStatus.PROCESSING,
        "next": a_step(step),
        "started_at": START,
        "progress": 0.0,
        "provider": ProviderTask("scripted", submitted_at=START, ref="task-1"),
    }
    return a_job(**(started | changes))


def a_waiting_job(since_seconds: float = 0, **changes: Any) -> VideoJob:
    """Return a job over the cap of its user that has waited for a slot since that time."""
    since = START + timedelta(seconds=since_seconds)
    waiting = {"next": NextStep.new(Step.START, NOT_SCHEDULED), "waiting_since": since, "created_at": since}
    return a_job(**(waiting | changes))


def a_cancelled_job(**changes: Any) -> VideoJob:
    """Return a job that was cancelled while its provider task was running; its clean-up is due at once."""
    cancelled = {"status": JobStatus.CANCELLED, "expires_at": START + timedelta(days=30)}
    return a_started_job(Step.CLEAN_UP, **(cancelled | changes))


def a_retried_job(**changes: Any) -> VideoJob:
    """Return a job that was cancelled in its first attempt and retried before its clean-up."""
    retried = {
        "status": JobStatus.QUEUED,
        "attempt": 2,
        "attempts_before_retry": 1,
        "started_at": None,
        "progress": None,
    }
    return a_started_job(Step.CLEAN_UP, **(retried | changes))


def an_output(key: str = "videos/1/1.mp4", size_bytes: int = 55) -> Output:
    """Return the output of a rendered video."""
    stored = StoredObject("videos-of-tests", key, size_bytes)
    return Output(stored, width=1280, height=720, seconds=8.0, missing_scripts=("Tibetan",))
