"""Which status may follow which: every pair, allowed or refused."""

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
"""Said here once more, by hand: a change of the table must be meant."""
ENDS = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


def test_the_table_knows_every_status() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert set().union(*TRANSITIONS.values()) <= set(JobStatus)


@pytest.mark.parametrize(("before", "after"), sorted(ALLOWED))
def test_an_allowed_change_is_one_new_version_one_line_of_history_and_one_announcement(
    before: JobStatus, after: JobStatus
) -> None:
    job = a_job(status=before)
    moved = job.moved(after, LATER, "why", progress=0.5)
    assert (moved.status, moved.version, moved.updated_at, moved.progress) == (after, job.version + 1, LATER, 0.5)
    assert moved.history == (*job.history, HistoryEntry(LATER, after, "why"))
    assert [(each.version, each.at) for each in moved.outbox[len(job.outbox) :]] == [(moved.version, LATER)]
    assert job.status is before


@pytest.mark.parametrize(("before", "after"), sorted(set(product(JobStatus, JobStatus)) - ALLOWED))
def test_every_other_change_is_refused(before: JobStatus, after: JobStatus) -> None:
    with pytest.raises(IllegalTransition, match=f"from {before} to {after}"):
        a_job(status=before).moved(after, LATER, "why")


@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_lives_until_one_of_its_ends(status: JobStatus) -> None:
    assert (status in LIVE_STATUSES) == a_job(status=status).is_live == (status not in ENDS)


def test_an_end_is_followed_by_nothing_but_the_users_retry() -> None:
    assert {after for before, after in ALLOWED if before in ENDS} == {JobStatus.QUEUED}


def test_each_announcement_has_an_id_of_its_own() -> None:
    job = a_job().changed(LATER, progress=0.1).changed(LATER, progress=0.2)
    assert len({each.id for each in job.outbox}) == len(job.outbox) == 3
    assert [each.version for each in job.outbox] == [1, 2, 3]
