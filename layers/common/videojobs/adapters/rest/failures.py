"""The one taxonomy of what goes wrong at a provider, in words that the user of a video understands."""

from collections.abc import Mapping

from videojobs.domain.errors import FailureCode, ProviderError

_WORDS: Mapping[FailureCode, tuple[str, bool]] = {
    FailureCode.CONTENT_REJECTED: (
        "The video provider does not make videos of this prompt. Please describe it in other words.",
        False,
    ),
    FailureCode.RATE_LIMITED: ("The video provider is very busy. Please try again a little later.", True),
    FailureCode.QUOTA_EXHAUSTED: ("No more videos can be made at the provider at the moment. Please try later.", False),
    FailureCode.INVALID_REQUEST: ("The video provider can't make this video as it was asked for.", False),
    FailureCode.PROVIDER_ERROR: ("The video provider failed to make this video. Please try again.", True),
    FailureCode.TIMEOUT: ("The video provider took too long. Please try again.", True),
    FailureCode.RESULT_LOST: ("The finished video is gone at the provider. Please try again.", True),
}
"""Each code's message, and whether another attempt at the same provider can help."""


def failure(
    code: FailureCode, *, message: str | None = None, retry_after_seconds: float | None = None
) -> ProviderError:
    """The error of that code; with words of its own where they say better what to change. Never the provider's own."""
    words, transient = _WORDS[code]
    return ProviderError(code, message or words, transient=transient, retry_after_seconds=retry_after_seconds)


def not_set_up() -> ProviderError:
    """The deployment has no key for the provider, or one that it does not accept: an operator has to act."""
    message = "The video provider is not set up correctly. Please tell the people who run this service."
    return ProviderError(FailureCode.PROVIDER_ERROR, message, transient=False)
