"""The time limit of a call: slow operations end with a 503 before the function's timeout."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools.event_handler.api_gateway import Response

from tests.fakes.clock import START, VirtualClock
from tests.functions.system_under_test import lambda_context
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.api.resolver import JSON, VideoJobsApi
from videojobs.domain.errors import Unavailable
from videojobs.domain.time_limit import seconds_left, time_limit

TIMEOUT = timedelta(seconds=10)
EVENT = {"httpMethod": "GET", "resource": "/slow", "path": "/slow", "requestContext": {"requestId": "request-1"}}


class SlowDatabase:
    """A database whose operations take `seconds` of a virtual clock, and the function that calls it ten times."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.clock = VirtualClock()
        self.connection = MongoConnection(lambda *, refresh=False: "mongodb://127.0.0.1:1/videojobs?connect=false")
        self.operations = 0
        self.api = VideoJobsApi(tuple)
        self.api.get("/slow")(self._respond)

    def remaining_ms(self) -> int:
        """Return the milliseconds until the function's timeout."""
        return int((START + TIMEOUT - self.clock.now()).total_seconds() * 1000)

    def call(self) -> dict[str, Any]:
        return self.api.resolve(EVENT, lambda_context(self.remaining_ms))

    def _respond(self) -> Response[Any]:
        for _ in range(10):
            self.connection.run(self._operate)
        return Response(200, JSON, {})

    def _operate(self, _: object) -> None:
        self.operations += 1
        self.clock.advance(self._seconds)


def test_slow_operations_end_with_a_503_before_the_timeout_of_the_function() -> None:
    database = SlowDatabase(seconds=3)
    response = database.call()
    assert response["statusCode"] == 503
    assert json.loads(response["body"])["error"]["code"] == "UNAVAILABLE"
    assert int(response["multiValueHeaders"]["Retry-After"][0]) > 0
    assert database.operations == 3
    assert database.remaining_ms() == 1000


def test_fast_operations_are_not_limited_and_the_next_call_starts_again() -> None:
    database = SlowDatabase(seconds=0.1)
    assert database.call()["statusCode"] == 200
    database.clock.set(START)
    assert database.call()["statusCode"] == 200
    assert database.operations == 20


def test_there_is_no_limit_outside_of_a_call() -> None:
    assert seconds_left() is None
    with time_limit(lambda: 5000):
        assert seconds_left() == 4
        with time_limit(lambda: 5000, kept_seconds=3):
            assert seconds_left() == 2
        assert seconds_left() == 4
    assert seconds_left() is None


@pytest.mark.parametrize("remaining_ms", [1000, 0])
def test_no_operation_starts_after_the_limit(remaining_ms: int) -> None:
    with time_limit(lambda: remaining_ms), pytest.raises(Unavailable):
        seconds_left()
