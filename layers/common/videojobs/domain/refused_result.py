"""Continuation of a failed job whose finished result was at a host that was not allowed.

The provider task is finished and paid for, so it is kept: the result is fetched in the same attempt, and no failure of
the download starts another attempt.
"""

import re
from datetime import datetime

from videojobs.domain.job import JobStatus, NextStep, Step, VideoJob


def refused_link(job: VideoJob) -> str | None:
    """Return the link of the result that was not fetched, or None if the job has no such result."""
    return job.provider.result_url if job.provider is not None and job.provider.ref is not None else None


def describe_place(link: str) -> str:
    """Return the scheme, the host and the first folder of a link, which do not contain its signature."""
    scheme, _, rest = re.split(r"[?#]", link)[0].partition("://")
    host, *path = rest.split("/")
    return f"{scheme}://{'/'.join([host.rpartition('@')[2], *path[:-1][:1]])}"


def fetch_again(job: VideoJob, now: datetime, by: str) -> VideoJob:
    """Return the failed job queued in the same attempt, with its provider task and parts.

    Its deadline is counted again when it starts.

    Raises:
        ValueError: If the job has not failed, or has no result that was refused.
    """
    if job.status is not JobStatus.FAILED or job.provider is None or refused_link(job) is None:
        raise ValueError("only a failed job with a refused result can fetch it again")
    fresh = dict.fromkeys(("error", "error_message", "started_at", "expires_at"))
    task = job.provider._replace(unreachable=0, failing_since=None)
    note = f"the result is fetched again for {by} (attempt {job.attempt})"
    return job.moved(JobStatus.QUEUED, now, note, next=NextStep.new(Step.START, now), provider=task, **fresh)


def start_fetch(job: VideoJob, now: datetime) -> VideoJob:
    """Return the queued job in processing, with its render step due now and its deadline counted from now."""
    render = NextStep.new(Step.RENDER, now)
    return job.moved(JobStatus.PROCESSING, now, "fetching the result", next=render, lease=None, started_at=now)
