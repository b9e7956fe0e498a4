"""Mapping of errors to HTTP responses: complete, and the only information that a caller receives."""

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


def test_every_error_class_has_a_status():
    assert set(STATUS_OF) == set(every_error())


def test_every_error_code_belongs_to_exactly_one_status():
    statuses: dict[ErrorCode, set[HTTPStatus]] = {}
    for error, status in STATUS_OF.items():
        statuses.setdefault(error.code, set()).add(status)
    assert set(statuses) == set(ErrorCode)
    assert {code: len(codes_statuses) for code, codes_statuses in statuses.items()} == dict.fromkeys(ErrorCode, 1)


def test_the_response_to_a_validation_error_lists_the_fields():
    response = answer_error(ValidationFailed([ErrorDetail("prompt", "Is missing.")]), "r-1")
    assert response.status == 400
    assert response.body == {
        "success": False,
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "The request is not valid. Correct the fields listed in details.",
            "details": [{"field": "prompt", "message": "Is missing."}],
        },
        "requestId": "r-1",
    }


def test_an_error_without_details_has_an_empty_list_of_details():
    assert answer_error(JobNotFound(), "r-1").body["error"]["details"] == []


def test_the_response_to_an_unavailable_service_contains_retry_after():
    response = answer_error(Unavailable(), "r-1")
    assert (response.status, response.headers) == (503, {"Retry-After": "5"})


class Unlisted(VideoJobsError):
    """An error class without a status."""

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
def test_an_internal_error_reveals_nothing_to_the_caller(error):
    response = answer_error(error, "r-1")
    assert (response.status, response.body["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert "hunter2" not in str(response)
