"""The errors of the application, each with a stable code and a flag that says whether a retry can help.

VideoJobsError
├── RequestError            the caller must change the request
│   ├── ValidationFailed · BodyTooLarge · UnsupportedMediaType
│   ├── TokenMissing · TokenInvalid · TokenExpired · CallbackRefused
│   ├── CrossSiteRequest · JobForbidden · BatchForbidden · PriorityForbidden
│   ├── JobNotFound · BatchNotFound · JobConflict · IdempotencyMismatch · RateLimited
│   └── TooManyConnections · TooManySubscriptions · ConnectionOver · ConnectionFlooded
├── IdempotencyKeyTaken     a job with the same user and idempotency key exists
├── Unavailable             MongoDB or an AWS service does not respond; a retry can help
│   └── SubmissionsPaused   an operator has paused new jobs
├── ProviderError           the AI provider refused or failed; `reason` has the cause
│   ├── ProviderUnreachable no response: the call may or may not have taken effect
│   ├── UnconfirmedFailure  a failure that one odd response can report; it is believed after a minute
│   └── ResultRefused       the result is at a host that is not allowed; its link is kept
├── LeaseLost               another writer changed the job; stop
└── IllegalTransition       a bug: the status transition is not allowed
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

MAXIMUM_ORIGIN_LENGTH = 300
"""The number of characters of an `Origin` header in an error message. A host name has up to 253."""


class ErrorCode(StrEnum):
    """The codes of the API's error envelope."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    TOKEN_MISSING = "TOKEN_MISSING"  # noqa: S105 - a code, not a password
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    RATE_LIMITED = "RATE_LIMITED"  # template.yaml has the text for API Gateway's throttling
    INTERNAL_ERROR = "INTERNAL_ERROR"
    UNAVAILABLE = "UNAVAILABLE"


class ErrorDetail(NamedTuple):
    """A correction that a request needs. `field` is a path such as `items[4].duration`, or `body` for all of it."""

    field: str
    message: str


class VideoJobsError(Exception):
    """Base class of all errors. `message` is safe to show to a caller: it never quotes a secret or a driver."""

    code: ErrorCode = ErrorCode.INTERNAL_ERROR
    retryable: ClassVar[bool] = False
    message: str = "Something went wrong on our side. Try again, and contact support if it keeps happening."

    def __init__(self, message: str | None = None) -> None:
        """Create the error with `message`, or with the default message of the class."""
        self.message = message or self.message
        super().__init__(self.message)


class RequestError(VideoJobsError):
    """Base class of errors that only a changed request can resolve."""

    code = ErrorCode.VALIDATION_ERROR


class ValidationFailed(RequestError):
    """Error for missing, unknown or invalid fields; `details` lists them."""

    code = ErrorCode.VALIDATION_ERROR
    message = "The request is not valid. Correct the fields listed in details."

    def __init__(self, details: Sequence[ErrorDetail], message: str | None = None) -> None:
        """Create the error with one detail per field that must change."""
        self.details = tuple(details)
        super().__init__(message)


class BodyTooLarge(RequestError):
    """Error for a body that exceeds the limit given in the message."""

    code = ErrorCode.TOO_LARGE
    message = "The request body is too large. Send a smaller body."


class UnsupportedMediaType(RequestError):
    """Error for a body whose `Content-Type` is not `application/json`, or names a charset other than UTF-8."""

    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE
    message = "The request body must be JSON. Set the Content-Type header to application/json."


class TokenMissing(RequestError):
    """Error for a request without a session cookie."""

    code = ErrorCode.TOKEN_MISSING
    message = "The session cookie is missing. Sign in and try again."


class TokenInvalid(RequestError):
    """Error for a session token that fails verification, and for a request with several session cookies."""

    code = ErrorCode.TOKEN_INVALID
    message = "The session is not valid. Sign in again."


class TokenExpired(RequestError):
    """Error for a session that has expired."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "The session has expired. Sign in again."


class CallbackRefused(RequestError):
    """Error for a callback whose signature does not match its provider or is too old."""

    code = ErrorCode.TOKEN_INVALID
    message = "The signature is invalid or too old. Sign the callback again and resend it."


class CrossSiteRequest(RequestError):
    """Error for a request of a page whose origin is not in the parameter `AllowedOrigins`, or is not stated."""

    code = ErrorCode.FORBIDDEN
    message = "Another site sent this request without its origin. Send it from an origin in AllowedOrigins."

    def __init__(self, origin: str | None = None) -> None:
        """Name the `Origin` header in the message, without characters other than printable ASCII."""
        shown = "".join(letter if " " <= letter <= "~" else "?" for letter in (origin or "")[:MAXIMUM_ORIGIN_LENGTH])
        message = f"Requests from the origin '{shown}' are not allowed. Add it to the parameter AllowedOrigins."
        super().__init__(None if origin is None else message)


class JobForbidden(RequestError):
    """Error for access to another user's job."""

    code = ErrorCode.FORBIDDEN
    message = "This video job belongs to another user. Use the ID of one of your own jobs."


class BatchForbidden(RequestError):
    """Error for access to another user's batch."""

    code = ErrorCode.FORBIDDEN
    message = "This batch belongs to another user. Use the ID of one of your own batches."


class PriorityForbidden(RequestError):
    """Error for `priority: "high"` in a session that does not allow it."""

    code = ErrorCode.FORBIDDEN
    message = "Your account can't use high priority. Omit priority, or set it to normal."


class JobNotFound(RequestError):
    """Error for a job ID that is malformed, unknown, or that of a deleted or expired job."""

    code = ErrorCode.NOT_FOUND
    message = "This video job does not exist or was removed. Check the job ID."


class BatchNotFound(RequestError):
    """Error for a batch ID that is malformed, unknown, or that of an expired batch."""

    code = ErrorCode.NOT_FOUND
    message = "This batch does not exist or was removed. Check the batch ID."


class JobConflict(RequestError):
    """Error for an operation that the job's status does not allow; the message names the status and a remedy."""

    code = ErrorCode.CONFLICT
    message = "The status of this video job does not allow this operation. Check its status and try again."


class RateLimited(RequestError):
    """Error for a caller over the rate limit. API Gateway sends the same body when it throttles a request."""

    code = ErrorCode.RATE_LIMITED
    message = "Too many requests. Try again shortly."

    def __init__(self, retry_after_seconds: int = 1, message: str | None = None) -> None:
        """Create the error; another request is allowed after `retry_after_seconds` whole seconds."""
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class IdempotencyMismatch(RequestError):
    """Error for an idempotency key that the user sent with a different request in the last 24 hours."""

    code = ErrorCode.IDEMPOTENCY_MISMATCH
    message = "This Idempotency-Key was used for a different request. Use a new key for each new request."


class TooManyConnections(RequestError):
    """Error for a WebSocket handshake of a user who has the maximum number of open connections."""

    code = ErrorCode.RATE_LIMITED
    message = "You have too many live connections. Close one and try again."


class TooManySubscriptions(RequestError):
    """Error for a connection that has the maximum number of single-job subscriptions."""

    code = ErrorCode.VALIDATION_ERROR
    message = "This connection follows too many single jobs. Subscribe without jobId to follow all jobs."


class ConnectionOver(RequestError):
    """Error for a message on a connection that is unknown or whose session has ended."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "The session of this connection has ended. Sign in and connect again."


class ConnectionFlooded(ConnectionOver):
    """Error for a message on a connection that was closed, because its user continued over the rate limit."""

    code = ErrorCode.RATE_LIMITED
    message = "This connection sent too many messages and was closed. Connect again in a minute."


class IdempotencyKeyTaken(VideoJobsError):
    """Error for an insert when a job or batch with the same user and idempotency key exists; read that document."""


class Unavailable(VideoJobsError):
    """Error for MongoDB or an AWS service that can't be reached; retry after `retry_after_seconds`."""

    code = ErrorCode.UNAVAILABLE
    retryable = True
    message = "The service is temporarily unavailable. Try again shortly."
    retry_after_seconds = 5


class SubmissionsPaused(Unavailable):
    """Error for a new job while an operator has paused submissions; retry after `retry_after_seconds`."""

    message = "New videos are paused. Videos in progress are not affected. Try again later."

    def __init__(self, retry_after_seconds: int) -> None:
        """Create the error with the operator's estimate of the pause, in whole seconds."""
        self.retry_after_seconds = retry_after_seconds
        super().__init__()


class FailureCode(StrEnum):
    """The causes of a failed attempt or job, the same for all providers; the values of a job's `error.code`."""

    CONTENT_REJECTED = "content_rejected"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    INVALID_REQUEST = "invalid_request"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    RESULT_LOST = "result_lost"
    INTERNAL_ERROR = "internal_error"


class ProviderError(VideoJobsError):
    """Error for a generation that a provider refused or failed.

    `reason` is the cause, and `transient` is true if another attempt can succeed. The user of the job reads `message`.
    `retry_after_seconds` is the delay that the provider requested, or None.
    """

    def __init__(
        self, reason: FailureCode, message: str, *, transient: bool, retry_after_seconds: float | None = None
    ) -> None:
        """Create the error with a message that a user of the API can understand."""
        self.reason = reason
        self.transient = transient
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class IllegalTransition(VideoJobsError):
    """Error for a status that may not follow the current one. It is a bug; nothing was written."""


class ProviderUnreachable(ProviderError):
    """Error for a call to a provider with an unknown outcome: it may or may not have taken effect.

    After a poll, poll again; a rate limit (429) also leaves the state of the task unknown. After a submit, a task may
    be running and incurring cost, see `Capabilities.unknown_submit`.
    """

    def __init__(
        self,
        message: str = "The video provider is not responding. Try again in a minute.",
        *,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Create a transient error with the reason `provider_error`."""
        super().__init__(FailureCode.PROVIDER_ERROR, message, transient=True, retry_after_seconds=retry_after_seconds)


class UnconfirmedFailure(ProviderError):
    """Error for a failed poll or download that a single odd response can cause, such as a 404 during a failover.

    The task may have succeeded and is paid for. Repeat the call, and give up only if the failure has lasted for
    `confirmation.CONFIRMATION_PERIOD`.
    """


class ResultRefused(ProviderError):
    """Error for a finished result at a host that is not allowed. `link` is its URL, or "" if it can't be stored."""

    def __init__(self, message: str, *, link: str) -> None:
        """Create an error with the reason `provider_error`. It is not transient: an operator has to allow the host."""
        self.link = link
        super().__init__(FailureCode.PROVIDER_ERROR, message, transient=False)


class LeaseLost(VideoJobsError):
    """Error for a write to a job that another worker or a cancellation has changed; stop, nothing was written."""
