"""Calls of Bedrock and the translation of its errors. Bedrock's messages can contain the prompt and are not logged."""

import logging
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from videojobs.adapters.retry_after import read_retry_after
from videojobs.domain.errors import FailureCode, ProviderError, ProviderUnreachable
from videojobs_providers.rest.failures import failure, not_set_up, unconfirmed
from videojobs_providers.rest.moderation import REFUSAL_STATUSES, is_rejected_content

if TYPE_CHECKING:
    import boto3
    from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

REASONS: tuple[tuple[str, FailureCode], ...] = (
    (r"moderat|safety|blocked", FailureCode.CONTENT_REJECTED),
    (r"quota", FailureCode.QUOTA_EXHAUSTED),
    (r"throttl|too many requests", FailureCode.RATE_LIMITED),
    (r"validation|invalid|malformed", FailureCode.INVALID_REQUEST),
)
"""Patterns of failure messages and their codes, because AWS publishes no codes. Other failures can be transient.

The messages of the content filters: https://docs.aws.amazon.com/nova/latest/userguide/video-gen-errors.html
"""

_MALFORMED = (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError)
"""Errors that botocore's parser raises for a body that is nested too deeply, not UTF-8, or of another form."""

_UNDECIDED = frozenset({408, 409, 425})


class ModelGone(ProviderError):
    """The model was retired, or is not available in this region."""

    def __init__(self) -> None:
        """Set the message; only an operator can correct this, so the error is not transient."""
        message = "The video provider no longer offers this model. Contact the operator of this service."
        super().__init__(FailureCode.PROVIDER_ERROR, message, transient=False)


class TokenInUse(ProviderUnreachable):
    """Another start with this token is in progress, or had different arguments."""


def call(
    operation: Callable[..., Any], read_error: "Callable[[ClientError], ProviderError]", **arguments: Any
) -> dict[str, Any]:
    """Call a botocore operation and return its response.

    Raises:
        ProviderError: If Bedrock returns an error, as translated by `read_error`; or if the function has no credentials
            or region for a start (`read_refusal`).
        ProviderUnreachable: If there is no response, or it can't be parsed; or if a read has no credentials or region.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
    from botocore.parsers import ResponseParserError

    try:
        response: dict[str, Any] = operation(**arguments)
    except ClientError as error:
        extra = {"action": "provider_call_refused", "provider": "bedrock", "code": _read_error(error)[0]}
        logger.info("Call refused", extra=extra)
        raise read_error(error) from None
    except (NoCredentialsError, NoRegionError) as error:
        refusal = _not_allowed(type(error).__name__)
        raise (refusal if read_error is read_refusal else ProviderUnreachable()) from None
    except (BotoCoreError, ResponseParserError, *_MALFORMED):
        raise ProviderUnreachable from None
    return response


def make_client(
    session: "boto3.Session", service: str, *, region: str | None, endpoint_url: str | None, **config: Any
) -> Any:
    """Return a boto3 client of the service without retries; `config` has other options of botocore's `Config`."""
    from botocore.config import Config

    # No retries here: the worker decides when to retry, in particular a start.
    options = Config(retries={"total_max_attempts": 1, "mode": "standard"}, **config)
    client: Any = session.client(service, region_name=region, endpoint_url=endpoint_url, config=options)  # type: ignore[call-overload]
    client.meta.events.register("before-parse", _drop_byte_order_mark)
    return client


def _drop_byte_order_mark(response_dict: dict[str, Any], **_more: object) -> None:
    """Drop a leading byte order mark of a response; a handler of botocore's event `before-parse`."""
    body = response_dict.get("body")
    if isinstance(body, bytes):
        response_dict["body"] = body.removeprefix(BOM_UTF8)


def read_refusal(error: "ClientError") -> ProviderError:
    """Return the `ProviderError` for an error response to a start.

    It is `ProviderUnreachable` if the job may have started despite the error.
    """
    code, status, retry_after = _read_error(error)
    message = str(error.response.get("Error", {}).get("Message", ""))
    match code:
        case "ConflictException":
            refusal: ProviderError = TokenInUse()
        case "ResourceNotFoundException":
            refusal = ModelGone()
        case "ServiceQuotaExceededException":
            refusal = failure(FailureCode.QUOTA_EXHAUSTED, retry_after_seconds=retry_after)
        case _ if code == "ThrottlingException" or status == 429:
            refusal = failure(FailureCode.RATE_LIMITED, retry_after_seconds=retry_after)
        case _ if status in REFUSAL_STATUSES and is_rejected_content(message):
            refusal = failure(FailureCode.CONTENT_REJECTED)
        case _ if status in {401, 403}:
            refusal = _not_allowed(code)
        case _ if 400 <= status < 500 and status not in _UNDECIDED:
            refusal = _invalid(message)
        case _:
            refusal = ProviderUnreachable(retry_after_seconds=retry_after)
    return refusal


def read_silence(error: "ClientError") -> ProviderError:
    """Return the `ProviderError` for an error response to a read.

    It is an unconfirmed `result_lost` for the status 404, else `ProviderUnreachable`, because other errors say nothing
    about the task.
    """
    _, status, retry_after = _read_error(error)
    if status == 404:
        return unconfirmed(FailureCode.RESULT_LOST, retry_after_seconds=retry_after)
    return ProviderUnreachable(retry_after_seconds=retry_after)


def find_reason(message: str) -> FailureCode | None:
    """Return the code of a failure message: of rejected content, else of the first pattern in `REASONS`, or None."""
    if is_rejected_content(message):
        return FailureCode.CONTENT_REJECTED
    return next((code for pattern, code in REASONS if re.search(pattern, message, re.IGNORECASE)), None)


def _invalid(message: str) -> ProviderError:
    """Return `content_rejected` if the message is about the content, else `invalid_request`."""
    rejected = find_reason(message) is FailureCode.CONTENT_REJECTED
    return failure(FailureCode.CONTENT_REJECTED if rejected else FailureCode.INVALID_REQUEST)


def _read_error(error: "ClientError") -> tuple[str, int, float | None]:
    """Return error code, HTTP status and seconds to wait (None if not specified)."""
    metadata = error.response.get("ResponseMetadata", {})
    code = error.response.get("Error", {}).get("Code", "")
    return code, metadata.get("HTTPStatusCode", 0), read_retry_after(metadata.get("HTTPHeaders", {}))


def _not_allowed(reason: str) -> ProviderError:
    """Log that the function lacks access and return the error."""
    extra = {"action": "provider_not_set_up", "provider": "bedrock", "reason": reason}
    logger.error("Provider not set up", extra=extra)
    return not_set_up()
