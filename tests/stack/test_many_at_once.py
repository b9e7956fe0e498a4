"""Concurrent jobs in the deployed system; `make soak` runs more."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pymongo
from bson import ObjectId

from localcloud.stack import Stack
from tests.stack.client import User

JOBS = 20


def test_concurrent_jobs_all_complete_exactly_once(stack: Stack) -> None:
    users = [User(stack) for _ in range(5)]
    submissions = [(users[number % len(users)], number) for number in range(JOBS)]

    with ThreadPoolExecutor(8) as pool:  # each request can be a cold start in a new process, and cores are few
        job_ids = list(pool.map(lambda it: it[0].submit(prompt=f"Kite {it[1]}", style="background"), submissions))
    assert len(set(job_ids)) == JOBS
    ended = [user.wait(job_id, seconds=400) for (user, _), job_id in zip(submissions, job_ids, strict=True)]

    assert Counter(job["status"] for job in ended) == {"completed": JOBS}
    documents = read_documents(stack, job_ids)
    assert Counter(count_ends(document) for document in documents) == {1: JOBS}
    assert Counter(document["attempt"] for document in documents) == {1: JOBS}
    assert all("next" not in document and "lease" not in document for document in documents)
    assert list_stored(stack, job_ids) == {
        f"videos/{job_id}/1.{kind}" for job_id in job_ids for kind in ("mp4", "jpg", "webp")
    }
    assert [count_messages(stack, name) for name in ("deadLetter", "renderDeadLetter")] == [0, 0]


def read_documents(stack: Stack, job_ids: list[str]) -> list[dict[str, Any]]:
    """Return the documents of the jobs in MongoDB."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        jobs = client.get_default_database()["videojobs"]
        return [document for job_id in job_ids if (document := jobs.find_one({"_id": ObjectId(job_id)}))]


def count_ends(document: dict[str, Any]) -> int:
    """Return how many times the job was completed or failed."""
    return sum(line["status"] in {"completed", "failed"} for line in document["history"])


def list_stored(stack: Stack, job_ids: list[str]) -> set[str]:
    """Return the keys of these jobs' objects in the bucket."""
    s3 = aws("s3", stack)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix="videos/")
    keys = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    return {key for key in keys if key.split("/")[1] in set(job_ids)}


def count_messages(stack: Stack, queue: str) -> int:
    """Return the approximate number of messages in a queue."""
    name = "ApproximateNumberOfMessages"
    response = aws("sqs", stack).get_queue_attributes(QueueUrl=stack.queues[queue], AttributeNames=[name])
    return int(response["Attributes"][name])


def aws(service: Any, stack: Stack) -> Any:
    """Return a client of the local AWS with all permissions."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client(service, endpoint_url=stack.aws_endpoint_url)
