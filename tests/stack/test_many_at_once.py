"""Fifty jobs at once, and each ends once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pymongo
from bson import ObjectId

from localcloud.stack import Stack
from tests.stack.client import User

JOBS = 50


def test_fifty_jobs_at_once_all_end_once(stack: Stack) -> None:
    users = [User(stack) for _ in range(5)]
    asked = [(users[number % len(users)], number) for number in range(JOBS)]

    with ThreadPoolExecutor(8) as pool:  # each is a cold start of its own process, on as few cores as there are
        job_ids = list(pool.map(lambda each: each[0].submit(prompt=f"Kite {each[1]}", style="background"), asked))
    assert len(set(job_ids)) == JOBS
    ended = [user.wait(job_id, seconds=400) for (user, _), job_id in zip(asked, job_ids, strict=True)]

    assert Counter(job["status"] for job in ended) == {"completed": JOBS}
    documents = read_documents(stack, job_ids)
    assert Counter(ends(document) for document in documents) == {1: JOBS}
    assert Counter(document["attempt"] for document in documents) == {1: JOBS}
    assert all("next" not in document and "lease" not in document for document in documents)
    assert stored(stack, job_ids) == {
        f"videos/{job_id}/1.{kind}" for job_id in job_ids for kind in ("mp4", "jpg", "webp")
    }
    assert [depth(stack, name) for name in ("deadLetter", "renderDeadLetter")] == [0, 0]


def read_documents(stack: Stack, job_ids: list[str]) -> list[dict[str, Any]]:
    """The jobs as MongoDB holds them."""
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        jobs = client.get_default_database()["videojobs"]
        return [found for job_id in job_ids if (found := jobs.find_one({"_id": ObjectId(job_id)}))]


def ends(document: dict[str, Any]) -> int:
    """How often a job has ended."""
    return sum(line["status"] in {"completed", "failed"} for line in document["history"])


def stored(stack: Stack, job_ids: list[str]) -> set[str]:
    """What lies in the bucket for these jobs."""
    s3 = aws("s3", stack)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix="videos/")
    keys = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    return {key for key in keys if key.split("/")[1] in set(job_ids)}


def depth(stack: Stack, queue: str) -> int:
    """How many messages lie in a queue."""
    name = "ApproximateNumberOfMessages"
    found = aws("sqs", stack).get_queue_attributes(QueueUrl=stack.queues[queue], AttributeNames=[name])
    return int(found["Attributes"][name])


def aws(service: Any, stack: Stack) -> Any:
    """A client of the local AWS, with every right."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client(service, endpoint_url=stack.aws_endpoint_url)
