"""Checker of the invariants I1 to I6 and I8: it compares the acknowledged requests with the stored state.

I1: Every job whose request returned 201 ends within its deadline. I2: A job reaches one terminal status and keeps it.
I3: At most one billable submission per attempt, or a reconciled orphan. I4: A job is completed exactly if its object
exists, is complete and belongs to the job. I5: A write of a stale step or lease is never applied. I6: Each change is
published under exactly one ID. I8: A cancelled or deleted job leaves no objects in the bucket and no running task at
the provider. A deleted job leaves no document either.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

from tests.faults.system_under_test import ENDED, SystemUnderTest
from videojobs.domain.job import TRANSITIONS, JobStatus

LATENESS = timedelta(minutes=2)
"""Maximum time between a job's deadline and its end, as the reconciler runs only once a minute."""


class InvariantViolated(AssertionError):
    """The stored state violates an invariant."""


def check(sut: SystemUnderTest) -> None:
    """Check all invariants.

    Raises:
        InvariantViolated: If any invariant is violated. The message lists all violations and the seed.
    """
    sut.is_checked = True
    violations = list(_violations(sut))
    if violations:
        lines = "\n".join(f"  {line}" for line in violations)
        raise InvariantViolated(f"seed {sut.seed}\n{lines}")


def _violations(sut: SystemUnderTest) -> Iterator[str]:
    jobs = {str(job["_id"]): job for job in sut.jobs()}
    yield from _check_that_accepted_jobs_end(sut, jobs)
    yield from _check_one_job_per_request(sut, jobs)
    yield from _check_paid_tasks(sut, jobs)
    yield from _check_published_ids(sut, jobs)
    yield from _check_nothing_remains(sut, jobs)
    for job_id, job in jobs.items():
        yield from _check_single_end(job_id, job)
        if job_id not in sut.deleted:
            yield from _check_video(sut, job_id, job)
        writes = [write for write in sut.observations if write["job"] == job_id]
        yield from _check_writes(job_id, sorted(writes, key=lambda write: write["at"]))


def _check_that_accepted_jobs_end(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    for post in sut.posts:
        if post.status == 201 and post.job_id not in jobs.keys() | sut.deleted:
            yield f"I1 {post.job_id} was accepted with 201 and is not stored"
    for job_id, job in jobs.items():
        if job["status"] not in ENDED:
            yield f"I1 {job_id} never ends, its status is {job['status']}: {job.get('next')}"
        elif job["updatedAt"] - (job.get("startedAt") or job["createdAt"]) > sut.deadline + LATENESS + sut.skew:
            yield f"I1 {job_id} took {job['updatedAt'] - job['startedAt']}"
        if job["status"] in ENDED and (job.get("next") or job.get("lease")):
            yield f"I1 {job_id} has ended and still has a next step or a lease"
        if job["attempt"] > sut.attempts:
            yield f"I1 {job_id} has had {job['attempt']} attempts"


def _check_one_job_per_request(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Check that a repeated request creates no second job, and that each job belongs to a request."""
    created = Counter(job["prompt"] for job in jobs.values())
    requested = Counter(post.prompt for post in sut.posts if post.key is None)
    requested.update({post.prompt for post in sut.posts if post.key is not None})
    for prompt, count in created.items():
        if count > requested[prompt]:
            yield f"I1 {requested[prompt]} requests created {count} jobs: {prompt}"
    for key in {post.key for post in sut.posts if post.key is not None}:
        job_ids = {post.job_id for post in sut.posts if post.key == key and post.status == 201}
        if len(job_ids) > 1:
            yield f"I1 the key {key} returned {len(job_ids)} jobs"


def _check_single_end(job_id: str, job: dict[str, Any]) -> Iterator[str]:
    statuses = [entry["status"] for entry in job["history"]]
    if statuses[-1] != job["status"]:
        yield f"I2 {job_id} is {job['status']}, its history is {statuses}"
    if sum(status in ENDED for status in statuses) > 1 + statuses[1:].count("queued"):
        yield f"I2 {job_id} has ended more than once: {statuses}"
    for before, after in pairwise(statuses):
        if before != after and JobStatus(after) not in TRANSITIONS[JobStatus(before)]:
            yield f"I2 {job_id} went from {before} to {after}"
    if (job["errorMessage"] is not None) != (job["status"] == "failed"):
        yield f"I2 {job_id} is {job['status']} with the error {job['errorMessage']}"


def _check_paid_tasks(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    tasks = defaultdict(list)
    for task in sut.provider.tasks.values():
        tasks[task.job].append(task)
    for job_id, paid in tasks.items():
        if job_id in sut.deleted:
            continue
        if job_id not in jobs:
            yield f"I3 {job_id} was submitted and is not stored"
            continue
        job = jobs[job_id]
        kept = [task for task in paid if not task.cancelled]
        for token, count in Counter(task.token for task in kept).items():
            if count > 1:
                yield f"I3 {token} was paid for {count} times"
        if len(kept) > job["attempt"]:
            yield f"I3 {job_id} was paid for {len(kept)} times in {job['attempt']} attempts"
        current = job["provider"]["ref"] if job.get("provider") else None
        notes = " ".join(entry["note"] for entry in job["history"])
        for task in kept:
            resubmitted = sut.unknown_submit == "resubmit" and "unknown whether the submit arrived" in notes
            accounted = task.failed or task.lost or task.ref == current or resubmitted
            if not accounted and job["status"] != "failed":
                yield f"I3 {task.ref} of {job_id} is an orphan without a note in the history"


def _check_nothing_remains(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    cancelled = {job_id for job_id, job in jobs.items() if job["status"] == "cancelled"}
    for job_id in cancelled | sut.deleted:
        if keys := sut.objects(job_id):
            yield f"I8 {job_id} was cancelled or deleted, and these objects remain in the bucket: {keys}"
        if job_id in sut.deleted and job_id in jobs:
            yield f"I8 {job_id} was deleted and is still stored: {jobs[job_id]['status']}, {jobs[job_id].get('next')}"
    for task in sut.provider.tasks.values():
        if task.job in cancelled and not (task.cancelled or task.failed or task.lost):
            yield f"I8 {task.ref} of {task.job} is still running at the provider"


def _check_video(sut: SystemUnderTest, job_id: str, job: dict[str, Any]) -> Iterator[str]:
    if (job["videoUrl"] is not None) != (job["status"] == "completed"):
        yield f"I4 {job_id} is {job['status']} with the URL {job['videoUrl']}"
    if job["status"] != "completed":
        return
    task = sut.provider.tasks[job["provider"]["ref"]]
    if not sut.yields_pixels:
        if job["videoUrl"] != task.url:
            yield f"I4 {job_id} has the video of another job: {job['videoUrl']}"
        return
    try:
        key = job["videoUrl"].removeprefix(f"s3://{sut.bucket}/")
        stored = sut.s3.get_object(Bucket=sut.bucket, Key=key)["Body"].read()
    except sut.s3.exceptions.ClientError:
        yield f"I4 {job_id} is completed and has no video"
        return
    if stored != task.content or task.job != job_id:
        yield f"I4 {job_id}: the video has {len(stored)} bytes and begins with {stored[:60]!r}"


def _check_writes(job_id: str, writes: list[dict[str, Any]]) -> Iterator[str]:
    """Replay the acknowledged writes. A step ends once, by its lease's holder, and is claimed only while it is next."""
    ended: set[str] = set()
    holder: dict[str, Any] | None = None
    claimed = {write["token"]: write["pid"] for write in writes if write["kind"] == "claim"}
    for write in writes:
        step, token = write["step"], write["token"]
        is_foreign = holder and holder["until"] > write["now"] and claimed.get(holder["token"]) != write["pid"]
        if step in ended:
            yield f"I5 {job_id}: {write['kind']} of step {step}, which had ended"
        if write["kind"] == "control":  # a cancellation, retry or deletion may break the lease
            ended |= {step} if write["left"] else set()
            holder = holder if write["until"] else None
            continue
        if is_foreign:
            yield f"I5 {job_id}: {write['kind']} of step {step} while another process held a live lease"
        if write["kind"] == "claim":
            if write["found"] != step:
                yield f"I5 {job_id}: step {step} was claimed when {write['found']} was next"
            holder = write
            continue
        # A lease whose claim was never acknowledged has no holder. It expires, and the reconciler resends the step.
        if token in claimed and (holder is None or holder["token"] != token):
            yield f"I5 {job_id}: a write under a lease that another process held by then"
        if write["left"]:
            ended.add(step)
            holder = None
        elif token is not None:
            holder = write


def _check_published_ids(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    sut.pass_time(3600)  # received messages that were not deleted become visible again
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    for message in sut.queues.drain("EventsQueue"):
        event = json.loads(message.body)
        ids[event["jobId"], event["version"]].add(event["id"])
    for (job_id, version), published in ids.items():
        if len(published) > 1:
            yield f"I6 version {version} of {job_id} was published under {len(published)} IDs"
    for job_id, job in jobs.items():
        versions = {version for published_job, version in ids if published_job == job_id}
        missing = set(range(1, job["version"] + 1)) - versions
        if missing and (job["version"] in missing or not sut.loses_answers):
            yield f"I6 versions {missing} of {job_id} were never published"
