"""Jobs that their owners can't see any more: no listener and no webhook receives them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import a_job
from tests.fakes.clock import START, VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from videojobs.domain.job import JobStatus
from videojobs.ports.changes import Change
from videojobs.services.notify_change import notify_change
from videojobs.services.read_job import find_shown

WITHDRAWN: dict[str, dict[str, Any]] = {
    "deleted": {"deleted_at": START},
    "expired": {"expires_at": START},
    "expired long ago": {"expires_at": START - timedelta(days=30)},
    "deleted and expired": {"deleted_at": START, "expires_at": START},
}


@pytest.mark.parametrize("changes", WITHDRAWN.values(), ids=WITHDRAWN)
@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.FAILED])
def test_withdrawn_job_is_not_found_and_not_published(changes: dict[str, Any], status: JobStatus) -> None:
    job, published = a_job(status=status, **changes), list[Change]()
    jobs, clock = InMemoryJobRepository(job), VirtualClock()
    assert find_shown(job.id, jobs=jobs, clock=clock) is None
    notify_change("event-1", job.id, jobs=jobs, clock=clock, listeners=[published.append])
    assert published == []


def test_job_that_expires_later_is_published() -> None:
    job, published = a_job(expires_at=START + timedelta(seconds=1)), list[Change]()
    jobs, clock = InMemoryJobRepository(job), VirtualClock()
    notify_change("event-1", job.id, jobs=jobs, clock=clock, listeners=[published.append])
    assert [change.job for change in published] == [job]
