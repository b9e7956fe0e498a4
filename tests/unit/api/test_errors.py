"""The one table of errors: complete, and the only thing a caller is told by."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from videojobs.api.errors import STATUS_OF, answer_error
from videojobs.domain.errors import (
    ErrorCode,
    ErrorDetail,
    FailureCode,
    IllegalTransition,
    JobNotFound,
    ProviderError,
    Unavailable,
    ValidationFailed,
    VideoJobsError,
)


def every_error(root: type[VideoJobsError] = VideoJobsError) -> Iterator[type[VideoJobsError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("videojobs.") and not child.__module__.startswith("videojobs.adapters."):
            yield from every_error(child)


def test_every_error_has_its_own_status():
    assert set(STATUS_OF) == set(every_error())


def test_every_code_of_the_api_belongs_to_an_error_and_one_status():
    statuses: dict[ErrorCode, set[HTTPStatus]] = {}
    for error, status in STATUS_OF.items():
        statuses.setdefault(error.code, set()).add(status)
    assert set(statuses) == set(ErrorCode)
    assert {code: len(found) for code, found in statuses.items()} == dict.fromkeys(ErrorCode, 1)


def test_an_error_of_the_caller_says_what_to_change():
    answer = answer_error(ValidationFailed([ErrorDetail("prompt", "Is missing.")]), "r-1")
    assert answer.status == 400
    assert answer.body == {
        "success": False,
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "The request is not valid. Correct the fields listed in details.",
            "details": [{"field": "prompt", "message": "Is missing."}],
        },
        "requestId": "r-1",
    }


def test_an_error_without_details_has_an_empty_list_of_them():
    assert answer_error(JobNotFound(), "r-1").body["error"]["details"] == []


def test_a_service_out_of_reach_says_when_to_come_again():
    answer = answer_error(Unavailable(), "r-1")
    assert (answer.status, answer.headers) == (503, {"Retry-After": "5"})


class Unlisted(VideoJobsError):
    """An error that somebody forgot to give a status."""

    message = "hunter2"


@pytest.mark.parametrize(
    "error",
    [
        KeyError("hunter2"),
        RuntimeError("mongodb://user:hunter2@host"),
        IllegalTransition("hunter2"),
        ProviderError(FailureCode.PROVIDER_ERROR, "hunter2", transient=False),
        Unlisted(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_tells_the_caller_nothing_but_that_there_was_one(error):
    answer = answer_error(error, "r-1")
    assert (answer.status, answer.body["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert "hunter2" not in str(answer)
