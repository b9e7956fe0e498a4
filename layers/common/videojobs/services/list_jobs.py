"""A user's jobs, page by page, the newest first."""

from videojobs.domain.errors import BatchForbidden, BatchNotFound
from videojobs.domain.job import Batch, BatchId, JobStatus, UserId, VideoJob, is_object_id
from videojobs.ports.jobs import BatchRepository, Clock, JobQuery, JobRepository, Position


def list_jobs(
    user_id: UserId, query: JobQuery, *, jobs: JobRepository, clock: Clock
) -> tuple[list[VideoJob], Position | None]:
    """Return a page of the user's jobs, and the position where the next page begins, or None on the last page.

    Jobs that are added meanwhile do not move others between pages. Another user's batch is an empty list.

    Raises:
        Unavailable: If MongoDB does not answer.
    """
    jobs_found = jobs.list_newest(
        user_id,
        clock.now(),
        limit=query.limit + 1,
        after=query.after,
        status=query.status,
        batch_id=query.batch_id,
    )
    page = jobs_found[: query.limit]
    return page, Position(page[-1].created_at, page[-1].id) if len(jobs_found) > query.limit else None


def read_batch(
    batch_id: str, *, user_id: UserId, batches: BatchRepository, jobs: JobRepository, clock: Clock
) -> tuple[Batch, dict[JobStatus, int]]:
    """A batch, and how many of its jobs have each status; those that were deleted are counted nowhere.

    Raises:
        BatchNotFound: no such batch, `batch_id` is no id, or it has expired.
        BatchForbidden: it is another user's.
        Unavailable: MongoDB does not answer.
    """
    now = clock.now()
    batch = batches.find(BatchId(batch_id.lower())) if is_object_id(batch_id) else None
    if batch is None or batch.expires_at <= now:
        raise BatchNotFound
    if batch.user_id != user_id:
        raise BatchForbidden
    found = jobs.list_newest(user_id, now, limit=len(batch.job_ids), batch_id=batch.id)
    statuses = [job.status for job in found]
    return batch, {status: statuses.count(status) for status in JobStatus}
