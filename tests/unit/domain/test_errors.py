"""The tree of errors: each is fit to be shown, each says whether trying again can help."""

import pytest

from videojobs.domain import errors
from videojobs.domain.errors import (
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

EVERY = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, VideoJobsError)]


@pytest.mark.parametrize("error", EVERY)
def test_every_error_has_a_code_words_of_its_own_and_says_what_to_do(error: type[VideoJobsError]) -> None:
    assert error.code in set(ErrorCode)
    assert error.message.endswith(".")
    assert error.__doc__


def test_a_validation_error_names_what_to_change() -> None:
    details = [ErrorDetail("prompt", "Write something."), ErrorDetail("style", "Choose one.")]
    assert ValidationFailed(details).details == tuple(details)
    assert str(ValidationFailed(details)) == ValidationFailed.message
    assert ValidationFailed(details, "Two things are wrong.").message == "Two things are wrong."


def test_trying_again_helps_only_where_a_service_did_not_answer() -> None:
    assert {error for error in EVERY if error.retryable} == {Unavailable, SubmissionsPaused}


def test_a_provider_without_an_answer_may_be_asked_again() -> None:
    unreachable = ProviderUnreachable()
    assert isinstance(unreachable, ProviderError)
    assert (unreachable.transient, unreachable.reason) == (True, FailureCode.PROVIDER_ERROR)


def test_one_request_too_many_says_when_the_next_one_is_allowed() -> None:
    assert RateLimited(7).retry_after_seconds == 7
    assert RateLimited().retry_after_seconds == 1
