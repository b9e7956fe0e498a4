"""Transitions between statuses: every pair, allowed or refused."""

from datetime import timedelta
from itertools import product

import pytest

from tests.builders import a_job
from tests.fakes.clock import START
from videojobs.domain.errors import IllegalTransition
from videojobs.domain.job import LIVE_STATUSES, TRANSITIONS, HistoryEntry, JobStatus

LATER = START + timedelta(seconds=1)
ALLOWED = {
    (JobStatus.QUEUED, JobStatus.PROCESSING),
    (JobStatus.QUEUED, JobStatus.FAILED),
    (JobStatus.QUEUED, JobStatus.CANCELLED),
    (JobStatus.PROCESSING, JobStatus.COMPLETED),
    (JobStatus.PROCESSING, JobStatus.FAILED),
    (JobStatus.PROCESSING, JobStatus.CANCELLED),
    (JobStatus.FAILED, JobStatus.QUEUED),
    (JobStatus.CANCELLED, JobStatus.QUEUED),
}
"""A copy written by hand, so that a change of the table must be intended."""
ENDS = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


def test_the_transition_table_covers_every_status() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert set().union(*TRANSITIONS.values()) <= set(JobStatus)


@pytest.mark.parametrize(("before", "after"), sorted(ALLOWED))
def test_an_allowed_transition_adds_one_version_one_history_entry_and_one_announcement(
    before: JobStatus, after: JobStatus
) -> None:
    job = a_job(status=before)
    moved = job.moved(after, LATER, "why", progress=0.5)
    assert (moved.status, moved.version, moved.updated_at, moved.progress) == (after, job.version + 1, LATER, 0.5)
    assert moved.history == (*job.history, HistoryEntry(LATER, after, "why"))
    assert [(announcement.version, announcement.at) for announcement in moved.outbox[len(job.outbox) :]] == [
        (moved.version, LATER)
    ]
    assert job.status is before


@pytest.mark.parametrize(("before", "after"), sorted(set(product(JobStatus, JobStatus)) - ALLOWED))
def test_every_other_transition_is_refused(before: JobStatus, after: JobStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"from {before} to {after}"):
        a_job(status=before).moved(after, LATER, "why")


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_is_live_until_it_reaches_a_final_status(status: JobStatus) -> None:
    assert (status in LIVE_STATUSES) == a_job(status=status).is_live == (status not in ENDS)


def test_a_final_status_can_only_change_back_to_queued() -> None:
    assert {after for before, after in ALLOWED if before in ENDS} == {JobStatus.QUEUED}


def test_each_announcement_has_a_unique_id() -> None:
    job = a_job().changed(LATER, progress=0.1).changed(LATER, progress=0.2)
    assert len({announcement.id for announcement in job.outbox}) == len(job.outbox) == 3
    assert [announcement.version for announcement in job.outbox] == [1, 2, 3]
