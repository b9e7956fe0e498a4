"""List a user's jobs page by page, the newest first, and read the statuses of a batch."""

from videojobs.domain.errors import BatchForbidden, BatchNotFound
from videojobs.domain.job import Batch, BatchId, JobStatus, UserId, VideoJob, is_object_id
from videojobs.ports.jobs import BatchRepository, Clock, JobQuery, JobRepository, Position


def list_jobs(
    user_id: UserId, query: JobQuery, *, jobs: JobRepository, clock: Clock
) -> tuple[list[VideoJob], Position | None]:
    """Return up to `query.limit` of the user's jobs, and the position where the next page begins, or None at the end.

    New jobs do not move older jobs between pages. A query for another user's batch returns an empty page.

    Raises:
        Unavailable: If MongoDB does not respond in time.
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
    """Return a batch and the number of its jobs in each status. Deleted and expired jobs are not counted.

    Raises:
        BatchNotFound: If no such batch exists or it has expired, or if `batch_id` is not a valid ID.
        BatchForbidden: If the batch is another user's.
        Unavailable: If MongoDB does not respond in time.
    """
    now = clock.now()
    batch = batches.find(BatchId(batch_id.lower())) if is_object_id(batch_id) else None
    if batch is None or batch.expires_at <= now:
        raise BatchNotFound
    if batch.user_id != user_id:
        raise BatchForbidden
    batch_jobs = jobs.list_newest(user_id, now, limit=len(batch.job_ids) + 1, batch_id=batch.id)
    statuses = [job.status for job in batch_jobs]
    return batch, {status: statuses.count(status) for status in JobStatus}
