"""Holds everything that was acknowledged against everything that is there, and proves the invariants I1 to I6, and I8.

I1 every job that was answered 201 ends within its deadline. I2 one terminal transition, never left. I3 at most one
billable submit per attempt, or a reconciled orphan. I4 completed ⇔ the object exists, whole, and belongs to the job.
I5 no write of a stale step or lease lands. I6 each change is announced under exactly one id. I8 a cancelled or deleted
job leaves nothing in the bucket, and nothing that goes on at the provider; a deleted one no document either.
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
"""How long after its deadline a job may end: the sweep has to come by."""


class InvariantViolated(AssertionError):
    """What is there is not what was promised."""


def check(sut: SystemUnderTest) -> None:
    """Prove the invariants.

    Raises:
        InvariantViolated: with each violation, and the seed that led to it.
    """
    sut.is_checked = True
    violations = list(_violations(sut))
    if violations:
        lines = "\n".join(f"  {line}" for line in violations)
        raise InvariantViolated(f"seed {sut.seed}\n{lines}")


def _violations(sut: SystemUnderTest) -> Iterator[str]:
    jobs = {str(job["_id"]): job for job in sut.jobs()}
    yield from _every_acknowledged_job_ends(sut, jobs)
    yield from _one_job_per_request(sut, jobs)
    yield from _submits_are_paid_once(sut, jobs)
    yield from _announced_under_one_id(sut, jobs)
    yield from _nothing_is_left(sut, jobs)
    for job_id, job in jobs.items():
        yield from _one_end(job_id, job)
        if job_id not in sut.deleted:
            yield from _video_is_there(sut, job_id, job)
        seen = [each for each in sut.observations if each["job"] == job_id]
        yield from _no_stale_write(job_id, sorted(seen, key=lambda each: each["at"]))


def _every_acknowledged_job_ends(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    for post in sut.posts:
        if post.status == 201 and post.job_id not in jobs.keys() | sut.deleted:
            yield f"I1 {post.job_id} was answered 201 and is not there"
    for job_id, job in jobs.items():
        if job["status"] not in ENDED:
            yield f"I1 {job_id} is {job['status']} for ever: {job.get('next')}"
        elif job["updatedAt"] - (job.get("startedAt") or job["createdAt"]) > sut.deadline + LATENESS + sut.skew:
            yield f"I1 {job_id} took {job['updatedAt'] - job['startedAt']}"
        if job["status"] in ENDED and (job.get("next") or job.get("lease")):
            yield f"I1 {job_id} has ended and still has something to do"
        if job["attempt"] > sut.attempts:
            yield f"I1 {job_id} has had {job['attempt']} attempts"


def _one_job_per_request(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A repeated request makes no second job, and no job comes from nowhere."""
    made = Counter(job["prompt"] for job in jobs.values())
    asked = Counter(post.prompt for post in sut.posts if post.key is None)
    asked.update({post.prompt for post in sut.posts if post.key is not None})
    for prompt, count in made.items():
        if count > asked[prompt]:
            yield f"I1 {asked[prompt]} requests made {count} jobs: {prompt}"
    for key in {post.key for post in sut.posts if post.key is not None}:
        named = {post.job_id for post in sut.posts if post.key == key and post.status == 201}
        if len(named) > 1:
            yield f"I1 the key {key} names {len(named)} jobs"


def _one_end(job_id: str, job: dict[str, Any]) -> Iterator[str]:
    told = [entry["status"] for entry in job["history"]]
    if told[-1] != job["status"]:
        yield f"I2 {job_id} is {job['status']}, its history says {told}"
    if sum(status in ENDED for status in told) > 1 + told[1:].count("queued"):
        yield f"I2 {job_id} has ended more than once: {told}"
    for before, after in pairwise(told):
        if before != after and JobStatus(after) not in TRANSITIONS[JobStatus(before)]:
            yield f"I2 {job_id} went from {before} to {after}"
    if (job["errorMessage"] is not None) != (job["status"] == "failed"):
        yield f"I2 {job_id} is {job['status']} with the error {job['errorMessage']}"


def _submits_are_paid_once(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    tasks = defaultdict(list)
    for task in sut.provider.tasks.values():
        tasks[task.job].append(task)
    for job_id, paid in tasks.items():
        if job_id in sut.deleted:
            continue
        if job_id not in jobs:
            yield f"I3 {job_id} was submitted and is not there"
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
            resubmitted = sut.unknown_submit == "resubmit" and "nobody knows" in notes
            accounted = task.failed or task.lost or task.ref == current or resubmitted
            if not accounted and job["status"] != "failed":
                yield f"I3 {task.ref} of {job_id} is an orphan that nobody speaks of"


def _nothing_is_left(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    cancelled = {job_id for job_id, job in jobs.items() if job["status"] == "cancelled"}
    for job_id in cancelled | sut.deleted:
        if left := sut.objects(job_id):
            yield f"I8 {job_id} is nobody's any more, and these lie in the bucket: {left}"
        if job_id in sut.deleted and job_id in jobs:
            yield f"I8 {job_id} was deleted and is there: {jobs[job_id]['status']}, {jobs[job_id].get('next')}"
    for task in sut.provider.tasks.values():
        if task.job in cancelled and not (task.cancelled or task.failed or task.lost):
            yield f"I8 {task.ref} of {task.job} goes on at the provider"


def _video_is_there(sut: SystemUnderTest, job_id: str, job: dict[str, Any]) -> Iterator[str]:
    if (job["videoUrl"] is not None) != (job["status"] == "completed"):
        yield f"I4 {job_id} is {job['status']} with the URL {job['videoUrl']}"
    if job["status"] != "completed":
        return
    task = sut.provider.tasks[job["provider"]["ref"]]
    if not sut.yields_pixels:
        if job["videoUrl"] != task.url:
            yield f"I4 {job_id} has another's video: {job['videoUrl']}"
        return
    try:
        key = job["videoUrl"].removeprefix(f"s3://{sut.bucket}/")
        stored = sut.s3.get_object(Bucket=sut.bucket, Key=key)["Body"].read()
    except sut.s3.exceptions.ClientError:
        yield f"I4 {job_id} is completed and has no video"
        return
    if stored != task.content or task.job != job_id:
        yield f"I4 {job_id}: the video has {len(stored)} bytes and begins with {stored[:60]!r}"


def _no_stale_write(job_id: str, seen: list[dict[str, Any]]) -> Iterator[str]:
    """Replay the acknowledged writes: a step is left once, by whoever holds its lease, and claimed while it is next."""
    left: set[str] = set()
    holder: dict[str, Any] | None = None
    claimed = {write["token"]: write["pid"] for write in seen if write["kind"] == "claim"}
    for write in seen:
        step, token = write["step"], write["token"]
        others = holder and holder["until"] > write["now"] and claimed.get(holder["token"]) != write["pid"]
        if step in left:
            yield f"I5 {job_id}: {write['kind']} of step {step}, which was over"
        if write["kind"] == "wish":  # which may take the lease from whoever has it
            left |= {step} if write["left"] else set()
            holder = holder if write["until"] else None
            continue
        if others:
            yield f"I5 {job_id}: {write['kind']} of step {step} while somebody else held a live lease"
        if write["kind"] == "claim":
            if write["found"] != step:
                yield f"I5 {job_id}: step {step} was claimed when {write['found']} was next"
            holder = write
            continue
        # A lease whose claim was never acknowledged is nobody's; it runs out, and the reconciler passes over it.
        if token in claimed and (holder is None or holder["token"] != token):
            yield f"I5 {job_id}: a write under a lease that was another's by then"
        if write["left"]:
            left.add(step)
            holder = None
        elif token is not None:
            holder = write


def _announced_under_one_id(sut: SystemUnderTest, jobs: dict[str, dict[str, Any]]) -> Iterator[str]:
    sut.pass_time(3600)  # whatever somebody has received and not deleted becomes visible again
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    for message in sut.queues.drain("EventsQueue"):
        event = json.loads(message.body)
        ids[event["jobId"], event["version"]].add(event["id"])
    for (job_id, version), announced in ids.items():
        if len(announced) > 1:
            yield f"I6 version {version} of {job_id} was announced under {len(announced)} ids"
    for job_id, job in jobs.items():
        told = {version for announced_job, version in ids if announced_job == job_id}
        missing = set(range(1, job["version"] + 1)) - told
        if missing and (job["version"] in missing or not sut.loses_answers):
            yield f"I6 versions {missing} of {job_id} were never announced"
