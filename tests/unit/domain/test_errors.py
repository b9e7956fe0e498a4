"""The error classes: each has a code, a message for users and a statement of whether a retry can help."""

import pytest

from videojobs.domain import errors
from videojobs.domain.errors import (
    CrossSiteRequest,
    ErrorCode,
    ErrorDetail,
    FailureCode,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    SubmissionsPaused,
    Unavailable,
    ValidationFailed,
    VideoJobsError,
)

ERROR_CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, VideoJobsError)
]


@pytest.mark.parametrize("error", ERROR_CLASSES)
def test_every_error_class_has_a_code_a_message_and_a_docstring(error: type[VideoJobsError]) -> None:
    assert error.code in set(ErrorCode)
    assert error.message.endswith(".")
    assert error.__doc__


def test_a_validation_error_lists_its_details() -> None:
    details = [ErrorDetail("prompt", "Write something."), ErrorDetail("style", "Choose one.")]
    assert ValidationFailed(details).details == tuple(details)
    assert str(ValidationFailed(details)) == ValidationFailed.message
    assert ValidationFailed(details, "Two things are wrong.").message == "Two things are wrong."


def test_only_unavailable_services_and_paused_submissions_are_retryable() -> None:
    assert {error for error in ERROR_CLASSES if error.retryable} == {Unavailable, SubmissionsPaused}


def test_an_unreachable_provider_is_a_transient_provider_error() -> None:
    unreachable = ProviderUnreachable()
    assert isinstance(unreachable, ProviderError)
    assert (unreachable.transient, unreachable.reason) == (True, FailureCode.PROVIDER_ERROR)


def test_a_rate_limit_error_contains_the_seconds_until_the_next_request() -> None:
    assert RateLimited(7).retry_after_seconds == 7
    assert RateLimited().retry_after_seconds == 1


def test_a_refused_origin_is_named_without_characters_that_a_header_or_a_log_could_misread() -> None:
    assert "'https://a?b?'" in CrossSiteRequest("https://a\nb\u202e").message
    assert len(CrossSiteRequest("x" * 10_000).message) < 500
    assert CrossSiteRequest().message == CrossSiteRequest.message
