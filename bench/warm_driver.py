"""Runs in a function's own process, with nothing but its layers: the processor time of warm calls.

Reads what to do as JSON from stdin and writes the microseconds per call as JSON to the file named there.
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
from types import SimpleNamespace
from typing import Any, NamedTuple

_SENT = b'{"MessageId":"00000000-0000-0000-0000-000000000000"}'
_DRIVER_CALLS = ("find_one", "insert_one", "update_one", "count_documents")
_CALLS_A_MINUTE = 20
"""Fewer than a user is allowed, of jobs and of calls; then this user begins again, while no clock runs."""

type Call = Callable[[], object]


class Asked(NamedTuple):
    """One call of the driver: how to make it again, and what it answered."""

    method: str
    collection: str
    again: Call
    arguments: tuple[Any, ...]
    answer: Any


def main() -> None:
    """Time the handler with stubbed I/O and with the real database, and the database calls that it makes alone."""
    task = json.load(sys.stdin)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the function logs there until the process ends
    Path(task["result"]).write_text(json.dumps(_time_handler(task)))


def _time_handler(task: dict[str, Any]) -> dict[str, float]:
    from pymongo import MongoClient

    module, _, name = task["handler"].partition(".")
    handler = getattr(importlib.import_module(module), name)
    event, context = task["event"], _context()
    database = MongoClient[dict[str, Any]](task["mongoUri"]).get_default_database()

    def call() -> None:
        answer = handler(event, context)
        if answer["statusCode"] != task["expected"]:
            raise RuntimeError(f"answered {answer}")

    def begin_again() -> None:
        for collection in ("rates", "shares"):
            database[collection].delete_many({})

    call()  # connections and whatever is made on first use
    _stub_queue()
    driver_calls = _record_driver(call)
    times = {
        "database": _time(call, task["databaseCalls"], begin_again),
        "bare": _time(lambda: _replay(driver_calls), task["databaseCalls"], begin_again),
    }
    _stub_driver(driver_calls)
    return times | {"stubbed": _time(call, task["stubbedCalls"], begin_again)}


def _time(call: Call, calls: int, begin_again: Call) -> float:
    for _ in range(calls // 4 // _CALLS_A_MINUTE):
        _time_some(call, begin_again)
    seconds = [_time_some(call, begin_again) for _ in range(calls // _CALLS_A_MINUTE)]
    return sum(seconds) / len(seconds) / _CALLS_A_MINUTE * 1e6


def _time_some(call: Call, begin_again: Call) -> float:
    begin_again()
    begun = time.process_time()
    for _ in range(_CALLS_A_MINUTE):
        call()
    return time.process_time() - begun


def _stub_queue() -> None:
    """SQS answers at once; signing and serialising are still to be done. Ours and botocore both end in urllib3."""
    import urllib3

    def answer(*_: object, preload_content: bool = True, **__: object) -> urllib3.HTTPResponse:
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return urllib3.HTTPResponse(io.BytesIO(_SENT), headers, 200, preload_content=preload_content)

    pool: Any = urllib3.connectionpool.HTTPConnectionPool
    pool.urlopen = answer


def _record_driver(call: Call) -> list[Asked]:
    """What a call asks of the driver."""
    from pymongo.collection import Collection

    collection: Any = Collection
    recorded: list[Asked] = []

    def record(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def recording(self: Any, *arguments: Any, **options: Any) -> Any:
            answer = method(self, *arguments, **options)
            recorded.append(Asked(name, self.name, partial(method, self, *arguments, **options), arguments, answer))
            return answer

        return recording

    methods = {name: getattr(collection, name) for name in _DRIVER_CALLS}
    for name, method in methods.items():
        setattr(collection, name, record(name, method))
    call()
    for name, method in methods.items():
        setattr(collection, name, method)
    return recorded


def _replay(recorded: list[Asked]) -> None:
    from bson import ObjectId

    for asked in recorded:
        if asked.method == "insert_one":
            asked.arguments[0]["_id"] = ObjectId()
        asked.again()


def _stub_driver(recorded: list[Asked]) -> None:
    """The driver answers at once what it answered before."""
    from pymongo.collection import Collection

    answers = {(asked.method, asked.collection): copy.deepcopy(asked.answer) for asked in recorded}

    def stub(name: str) -> Callable[..., Any]:
        return lambda self, *_, **__: copy.copy(answers.get((name, self.name)))

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
