"""Driver of the warm-call measurement: runs in the function's process with only the function's layers.

It reads the task as JSON from stdin and writes the microseconds per call as JSON to the file named in the task. The
baseline "bare" repeats the operations of a call: each call of pymongo's `Collection`, with the same arguments, on the
same client, without any other code.
"""

import copy
import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, NamedTuple

_SENT = b'{"MessageId":"00000000-0000-0000-0000-000000000000"}'
_DRIVER_CALLS = ("find_one", "insert_one", "update_one", "find_one_and_update", "count_documents", "aggregate")
_OTHER_CALLS = ("find", "insert_many", "update_many", "delete_one", "delete_many", "distinct", "bulk_write")
_CALLS_A_MINUTE = 20
"""Below the limits of a user. After this many calls the counters are deleted, outside of the measured time."""

type Call = Callable[[], object]


class Asked(NamedTuple):
    """Recorded call of the database driver, with its result and a function that repeats it."""

    method: str
    collection: str
    again: Call
    arguments: tuple[Any, ...]
    answer: Any


def main() -> None:
    """Time the handler: its processor time with and without the database, or the elapsed time with the real database.

    Read the task as JSON from stdin, and write the microseconds per call as JSON to the file named in the task.

    Raises:
        RuntimeError: If the handler returns an unexpected status code, such as 503 if MongoDB does not respond.
        PyMongoError: If MongoDB does not respond to a call outside of the handler.
    """
    task = json.load(sys.stdin)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the function logs there until the process ends
    Path(task["result"]).write_text(json.dumps(_time_handler(task)))


def _time_handler(task: dict[str, Any]) -> dict[str, float]:
    from bson import ObjectId
    from pymongo import MongoClient

    module, _, name = task["handler"].partition(".")
    handler = getattr(importlib.import_module(module), name)
    event, context = task["event"], _context()
    database = MongoClient[dict[str, Any]](task["mongoUri"]).get_default_database()
    if not task["limits"]:
        _remove_limits()

    def call() -> None:
        response = handler(event, context)
        if response["statusCode"] != task["expected"]:
            raise RuntimeError(f"The handler returned {response}")

    started = ObjectId()

    def reset_limits() -> None:
        for collection in ("rates", "shares"):
            database[collection].delete_many({})
        # Thousands of queued jobs would slow the queue position, because SecantusDB reads whole index ranges.
        database["videojobs"].delete_many({"_id": {"$gt": started}})
        _forget_reads()

    call()  # opens connections and fills caches
    _stub_queue()
    if task["elapsedCalls"]:
        return {"elapsed": _time_elapsed(call, task["elapsedCalls"], reset_limits)}
    driver_calls = _record_driver(call)
    times = {
        "operations": float(len(driver_calls)),
        "database": _time(call, task["databaseCalls"], reset_limits),
        "bare": _time(lambda: _replay(driver_calls), task["databaseCalls"], reset_limits),
    }
    _stub_driver(driver_calls)
    return times | {"stubbed": _time(call, task["stubbedCalls"], reset_limits)}


def _remove_limits() -> None:
    """Replace the rate limits and the limit of active jobs by objects that count nothing."""
    from videojobs import bootstrap
    from videojobs.domain.rate import Allowance

    limiter: Any = SimpleNamespace(count=lambda _, limit, __: Allowance(limit, limit.calls, 60))
    slots: Any = SimpleNamespace(acquire=lambda _, __, job_ids, ___: len(job_ids))
    replaced: Any = bootstrap
    replaced.rate_limiter = replaced.read_limiter = lambda: limiter
    replaced.slot_repository = lambda: slots


def _forget_reads() -> None:
    """Discard the reads that the process has counted: a page reads less often than this measurement."""
    limiter: Any = getattr(sys.modules.get("videojobs.bootstrap"), "read_limiter", None)
    if hasattr(limiter, "cache_clear"):
        limiter.cache_clear()


def _time_elapsed(call: Call, calls: int, reset_limits: Call) -> float:
    """Return the median of the elapsed times in microseconds, which other load affects less than the mean."""
    seconds: list[float] = []
    for number in range(calls + calls // 4):
        if number % _CALLS_A_MINUTE == 0:
            reset_limits()
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return median(seconds[calls // 4 :]) * 1e6


def _time(call: Call, calls: int, reset_limits: Call) -> float:
    for _ in range(calls // 4 // _CALLS_A_MINUTE):
        _time_some(call, reset_limits)
    seconds = [_time_some(call, reset_limits) for _ in range(calls // _CALLS_A_MINUTE)]
    return sum(seconds) / len(seconds) / _CALLS_A_MINUTE * 1e6


def _time_some(call: Call, reset_limits: Call) -> float:
    reset_limits()
    started = time.process_time()
    for _ in range(_CALLS_A_MINUTE):
        call()
    return time.process_time() - started


def _stub_queue() -> None:
    """Replace the HTTP call by a stub that responds as SQS does.

    The project's client and botocore both use urllib3, so signing and serialisation still run.
    """
    import urllib3

    def respond(*_: object, preload_content: bool = True, **__: object) -> urllib3.HTTPResponse:
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return urllib3.HTTPResponse(io.BytesIO(_SENT), headers, 200, preload_content=preload_content)

    pool: Any = urllib3.connectionpool.HTTPConnectionPool
    pool.urlopen = respond


def _record_driver(call: Call) -> list[Asked]:
    """Make one call, and return the calls of the driver that it makes.

    Raises:
        RuntimeError: If the handler calls a method that can't be repeated, which would make the baseline too low.
    """
    from pymongo.collection import Collection

    collection: Any = Collection
    recorded: list[Asked] = []
    nested = False  # the driver's methods call each other

    def record(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def recording(self: Any, *arguments: Any, **options: Any) -> Any:
            nonlocal nested
            if nested:
                return method(self, *arguments, **options)
            if name in _OTHER_CALLS:
                raise RuntimeError(f"The baseline can't repeat {name}")
            nested = True
            try:
                again = partial(_read_all, method, self, *arguments, **options)
                recorded.append(Asked(name, self.name, again, arguments, again()))
            finally:
                nested = False
            return recorded[-1].answer

        return recording

    methods = {name: getattr(collection, name) for name in (*_DRIVER_CALLS, *_OTHER_CALLS)}
    for name, method in methods.items():
        setattr(collection, name, record(name, method))
    call()
    for name, method in methods.items():
        setattr(collection, name, method)
    return recorded


def _read_all(method: Callable[..., Any], collection: Any, *arguments: Any, **options: Any) -> Any:
    """Call a method of a collection, and return the documents of a cursor as a list."""
    result = method(collection, *arguments, **options)
    return list(result) if hasattr(result, "batch_size") else result


def _replay(recorded: list[Asked]) -> None:
    from bson import ObjectId

    for driver_call in recorded:
        if driver_call.method == "insert_one":
            driver_call.arguments[0]["_id"] = ObjectId()
        driver_call.again()


def _stub_driver(recorded: list[Asked]) -> None:
    """Replace the driver's methods by stubs that return the recorded results."""
    from pymongo.collection import Collection

    results = {(call.method, call.collection): copy.deepcopy(call.answer) for call in recorded}

    def stub(name: str) -> Callable[..., Any]:
        return lambda self, *_, **__: copy.copy(results.get((name, self.name)))

    collection: Any = Collection
    for name in _DRIVER_CALLS:
        setattr(collection, name, stub(name))


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
