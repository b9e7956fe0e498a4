"""What Bedrock's errors mean; what they say stays here, as it may quote the prompt."""

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from videojobs.adapters.rest.client import read_retry_after
from videojobs.adapters.rest.failures import failure, not_set_up
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

REASONS: tuple[tuple[str, FailureCode], ...] = (
    (r"content filter|moderat|responsible ai|safety|blocked|policy violation", FailureCode.CONTENT_REJECTED),
    (r"quota", FailureCode.QUOTA_EXHAUSTED),
    (r"throttl|too many requests", FailureCode.RATE_LIMITED),
    (r"validation|invalid|malformed", FailureCode.INVALID_REQUEST),
)
"""What a failure's words mean, as no codes are published; any other may pass. Of the filters' words AWS tells at
https://docs.aws.amazon.com/nova/latest/userguide/video-gen-errors.html."""

_SAY_NOTHING = frozenset({408, 409, 425})


class ModelGone(ProviderError):
    """AWS has taken the model away, or it never was in this region."""

    def __init__(self) -> None:
        """Only an operator can do something about it."""
        message = "The video provider no longer offers this model. Please tell the people who run this service."
        super().__init__(FailureCode.PROVIDER_ERROR, message, transient=False)


class TokenInUse(ProviderUnreachable):
    """Another start with this token is under way, or was made of something else."""


def call(
    operation: Callable[..., Any], read_error: "Callable[[ClientError], ProviderError]", **arguments: Any
) -> dict[str, Any]:
    """What an operation of botocore's answers.

    Raises:
        ProviderError: what `read_error` makes of a refusal; the function has no rights at all.
        ProviderUnreachable: there is no answer, or none of Bedrock's.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
    from botocore.parsers import ResponseParserError

    try:
        told: dict[str, Any] = operation(**arguments)
    except ClientError as error:
        extra = {"action": "provider_call_refused", "provider": "bedrock", "code": _read_error(error)[0]}
        logger.info("Call refused", extra=extra)
        raise read_error(error) from None
    except (NoCredentialsError, NoRegionError) as error:
        raise _not_allowed(type(error).__name__) from None
    except (BotoCoreError, ResponseParserError):
        raise ProviderUnreachable from None
    return told


def read_refusal(error: "ClientError") -> ProviderError:
    """The meaning of a refused start; what is not known to be refused may have begun."""
    code, status, retry_after = _read_error(error)
    match code:
        case "ConflictException":
            refusal: ProviderError = TokenInUse()
        case "ResourceNotFoundException":
            refusal = ModelGone()
        case "ServiceQuotaExceededException":
            refusal = failure(FailureCode.QUOTA_EXHAUSTED, retry_after_seconds=retry_after)
        case _ if code == "ThrottlingException" or status == 429:
            refusal = failure(FailureCode.RATE_LIMITED, retry_after_seconds=retry_after)
        case _ if status in {401, 403}:
            refusal = _not_allowed(code)
        case _ if 400 <= status < 500 and status not in _SAY_NOTHING:
            refusal = _invalid(error.response["Error"].get("Message", ""))
        case _:
            refusal = ProviderUnreachable(retry_after_seconds=retry_after)
    return refusal


def read_silence(error: "ClientError") -> ProviderError:
    """The meaning of a refused question: only that there is no such thing says anything about it."""
    _, status, retry_after = _read_error(error)
    return failure(FailureCode.RESULT_LOST) if status == 404 else ProviderUnreachable(retry_after_seconds=retry_after)


def find_reason(message: str) -> FailureCode | None:
    """What `REASONS` knows of a message."""
    return next((code for pattern, code in REASONS if re.search(pattern, message, re.IGNORECASE)), None)


def _invalid(message: str) -> ProviderError:
    rejected = find_reason(message) is FailureCode.CONTENT_REJECTED
    return failure(FailureCode.CONTENT_REJECTED if rejected else FailureCode.INVALID_REQUEST)


def _read_error(error: "ClientError") -> tuple[str, int, float | None]:
    about = error.response.get("ResponseMetadata", {})
    code = error.response.get("Error", {}).get("Code", "")
    return code, about.get("HTTPStatusCode", 0), read_retry_after(about.get("HTTPHeaders", {}))


def _not_allowed(reason: str) -> ProviderError:
    extra = {"action": "provider_not_set_up", "provider": "bedrock", "reason": reason}
    logger.error("Provider not set up", extra=extra)
    return not_set_up()
