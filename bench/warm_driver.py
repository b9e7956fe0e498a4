"""Runs in a function's own process, with nothing but its layers: the processor time of warm calls.

Reads what to do as JSON from stdin and writes the microseconds per call as JSON to the file named there.
"""

import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_SENT = b'{"MessageId":"00000000-0000-0000-0000-000000000000"}'


def main() -> None:
    """Time the handler with stubbed I/O and then with the real database, or the bare database calls alone."""
    task = json.load(sys.stdin)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the function logs there until the process ends
    times = _time_bare(task) if task["handler"] is None else _time_handler(task)
    Path(task["result"]).write_text(json.dumps(times))


def _time_handler(task: dict[str, Any]) -> dict[str, float]:
    module, _, name = task["handler"].partition(".")
    handler = getattr(importlib.import_module(module), name)
    event, context = task["event"], _context()

    def call() -> None:
        answer = handler(event, context)
        if answer["statusCode"] != task["expected"]:
            raise RuntimeError(f"answered {answer}")

    call()  # connections and whatever is made on first use
    _stub_queue()
    on_the_database = _time(call, task["databaseCalls"])
    _stub_database(handler, event, context)
    return {"stubbed": _time(call, task["stubbedCalls"]), "database": on_the_database}


def _time_bare(task: dict[str, Any]) -> dict[str, float]:
    """The driver's calls that every handler makes, and nothing else."""
    from bson import ObjectId
    from pymongo import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient(task["mongoUri"], tz_aware=True)
    jobs = client.get_default_database()["videojobs"]
    job_id = ObjectId(task["jobId"])
    document = jobs.find_one({"_id": job_id}) or {}

    def insert() -> None:
        document["_id"] = ObjectId()
        jobs.insert_one(document)

    insert()
    times = {"generate": _time(insert, task["databaseCalls"])}
    return times | {"status": _time(lambda: jobs.find_one({"_id": job_id}), task["databaseCalls"])}


def _time(call: Callable[[], object], calls: int) -> float:
    for _ in range(calls // 4):
        call()
    begun = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begun) / calls * 1e6


def _stub_queue() -> None:
    """SQS answers at once; signing and serialising are still to be done. Ours and botocore both end in urllib3."""
    import urllib3

    def answer(*_: object, preload_content: bool = True, **__: object) -> urllib3.HTTPResponse:
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return urllib3.HTTPResponse(io.BytesIO(_SENT), headers, 200, preload_content=preload_content)

    pool: Any = urllib3.connectionpool.HTTPConnectionPool
    pool.urlopen = answer


def _stub_database(handler: Callable[..., Any], event: dict[str, Any], context: object) -> None:
    """The driver answers at once, with what it last answered."""
    from pymongo.collection import Collection

    collection: Any = Collection
    find_one = collection.find_one
    seen: dict[str, Any] = {}

    def remember(self: Any, *arguments: Any, **options: Any) -> Any:
        seen.update(find_one(self, *arguments, **options))
        return dict(seen)

    collection.find_one = remember
    handler(event, context)
    collection.find_one = lambda *_, **__: dict(seen)
    collection.insert_one = lambda *_, **__: SimpleNamespace(acknowledged=True)


def _context() -> SimpleNamespace:
    return SimpleNamespace(
        function_name="videojobs",
        function_version="$LATEST",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:videojobs",
        aws_request_id="0f8b6f1e-5f0a-4c1b-9d7e-2b1a3c4d5e6f",
        log_group_name="videojobs",
        log_stream_name="videojobs",
        get_remaining_time_in_millis=lambda: 10_000,
    )


if __name__ == "__main__":
    main()
