"""Recognition of requests that were rejected because of their content, in the error formats of all providers."""

import re
from collections.abc import Iterator, Mapping

REFUSAL_STATUSES = frozenset({400, 403, 422})
"""Statuses of rejected prompts. Which of them a provider uses depends on its version and on gateways."""

_REJECTED = re.compile(
    r"(?<![a-z])flagged\b|content[ _-]?(?:policy|filter|moderat)|(?:request|prompt|input)[ _]moderat"
    r"|moderation[ _](?:block|fail|reject|polic|system)|policy ?violation"
    r"|safety (?:filter|system|polic)|(?<![a-z])safety\.|responsible ?ai|usage guidelines|(?<![a-z])(?:nsfw|E005)\b"
    r"|sensitive[ _]?(?:words|content|information)|sentinel_block|blocked by our content",
    re.IGNORECASE,
)
"""Codes and messages of fal, Replicate, Runway, OpenAI, OpenRouter, LiteLLM, Azure, Luma, Google and Amazon."""
_ERROR_FIELDS = (
    *("error", "errors", "detail", "details", "message", "msg", "title", "reason", "reasons", "metadata"),
    *("code", "type", "error_type", "failure", "failureCode", "failure_code", "failure_reason", "innererror"),
)
"""Fields that contain codes or messages. Others, such as `input`, can contain the user's prompt."""
_MAXIMUM_DEPTH = 5


def is_rejected_content(text: str) -> bool:
    """Return whether a code or message of a provider says that it rejected the content of a request."""
    return _REJECTED.search(text) is not None


def is_moderation(payload: object) -> bool:
    """Return whether the JSON of an error response says that the provider rejected the content of the request."""
    return isinstance(payload, Mapping) and any(map(is_rejected_content, _texts(payload, _MAXIMUM_DEPTH)))


def _texts(value: object, depth: int) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping() if depth:
            for name in _ERROR_FIELDS:
                yield from _texts(value.get(name), depth - 1)
        case [*items] if depth:
            for item in items:
                yield from _texts(item, depth - 1)
