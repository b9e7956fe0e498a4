"""Errors of providers, with messages for the user of the video."""

from collections.abc import Mapping

from videojobs.domain.errors import FailureCode, ProviderError, UnconfirmedFailure

_MESSAGES: Mapping[FailureCode, tuple[str, bool]] = {
    FailureCode.CONTENT_REJECTED: (
        "The video provider rejected this prompt. Change the prompt and try again.",
        False,
    ),
    FailureCode.RATE_LIMITED: ("The video provider is busy. Try again in a few minutes.", True),
    FailureCode.QUOTA_EXHAUSTED: ("The video provider's quota is used up. Try again later.", False),
    FailureCode.INVALID_REQUEST: ("The video provider can't make this video. Change the request and try again.", False),
    FailureCode.PROVIDER_ERROR: ("The video provider failed to make this video. Try again.", True),
    FailureCode.TIMEOUT: ("The video provider took too long. Try again.", True),
    FailureCode.RESULT_LOST: ("The finished video is no longer available at the provider. Try again.", True),
}
"""Message of each code, and whether the error is transient: another attempt at the same provider can succeed."""


def failure(
    code: FailureCode, *, message: str | None = None, retry_after_seconds: float | None = None
) -> ProviderError:
    """Return the error of a code. `message` replaces the default message; never pass a provider's own text."""
    default_message, transient = _MESSAGES[code]
    return ProviderError(code, message or default_message, transient=transient, retry_after_seconds=retry_after_seconds)


def unconfirmed(code: FailureCode, *, retry_after_seconds: float | None = None) -> UnconfirmedFailure:
    """Return the error of a code for a poll or download whose response can be a mistake of the provider."""
    message, transient = _MESSAGES[code]
    return UnconfirmedFailure(code, message, transient=transient, retry_after_seconds=retry_after_seconds)


def not_set_up() -> ProviderError:
    """Return the error for a missing or rejected key; not transient, because an operator has to correct it."""
    message = "The video provider is not configured correctly. Contact the operator of this service."
    return ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
