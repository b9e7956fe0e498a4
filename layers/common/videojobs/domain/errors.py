"""Every error raised on purpose, with a stable code and whether trying again can help.

VideoJobsError
├── RequestError            the caller has to change something
│   ├── ValidationFailed · BodyTooLarge · UnsupportedMediaType
│   ├── TokenMissing · TokenInvalid · TokenExpired · CallbackRefused
│   ├── CrossSiteRequest · JobForbidden · BatchForbidden · PriorityForbidden
│   ├── JobNotFound · BatchNotFound · JobConflict · IdempotencyMismatch · RateLimited
│   └── TooManyConnections · TooManySubscriptions · ConnectionOver
├── IdempotencyKeyTaken     an insert met its own earlier self
├── Unavailable             a service that we stand on does not answer; trying again helps
│   └── SubmissionsPaused        an operator has new jobs refused for a while
├── ProviderError           the AI provider refused or failed; `reason` says how
│   └── ProviderUnreachable it gave no answer: what was asked may have been done or not
├── LeaseLost               the job moved on without us; stop
└── IllegalTransition       a bug of ours: a status may not follow another
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


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
    RATE_LIMITED = "RATE_LIMITED"  # API Gateway's throttling too; template.yaml has its words
    INTERNAL_ERROR = "INTERNAL_ERROR"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One thing to change in a request: `field` is its path (`prompt`, `items[4].duration`; `body` is the whole)."""

    field: str
    message: str


class VideoJobsError(Exception):
    """Root of the tree. `message` is safe to show to a caller: it never quotes a secret or a driver."""

    code: ErrorCode = ErrorCode.INTERNAL_ERROR
    retryable: ClassVar[bool] = False
    message: str = "Something went wrong on our side. Try again; if it persists, quote the request id."

    def __init__(self, message: str | None = None) -> None:
        """Take the class's own words, or better ones for the case at hand."""
        self.message = message or self.message
        super().__init__(self.message)


class RequestError(VideoJobsError):
    """The request can't be served as it is; its author has to change it."""

    code = ErrorCode.VALIDATION_ERROR


class ValidationFailed(RequestError):
    """Fields are missing, unknown or out of range: correct what `details` name."""

    code = ErrorCode.VALIDATION_ERROR
    message = "The request is not valid; details say what to change."

    def __init__(self, details: Sequence[ErrorDetail], message: str | None = None) -> None:
        """Carry one detail per thing to change."""
        self.details = tuple(details)
        super().__init__(message)


class BodyTooLarge(RequestError):
    """The body is over the limit that the message names: send less."""

    code = ErrorCode.TOO_LARGE
    message = "The body is too large."


class UnsupportedMediaType(RequestError):
    """A body came as something else than JSON: set `Content-Type: application/json`."""

    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE
    message = "Send the body as application/json (header Content-Type)."


class TokenMissing(RequestError):
    """No session cookie came with the request: sign in."""

    code = ErrorCode.TOKEN_MISSING
    message = "Sign in first: the session cookie is missing."


class TokenInvalid(RequestError):
    """The session cookie is not one that we issued: sign in again."""

    code = ErrorCode.TOKEN_INVALID
    message = "The session is not valid. Sign in again."


class TokenExpired(RequestError):
    """The session is over: sign in again."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "The session has expired. Sign in again."


class CallbackRefused(RequestError):
    """A callback is not signed by the provider that it claims to come from, or was signed too long ago."""

    code = ErrorCode.TOKEN_INVALID
    message = "The signature is not valid, or too old."


class CrossSiteRequest(RequestError):
    """A browser sent the request from a page that is not allow-listed: add its origin to `AllowedOrigins`."""

    code = ErrorCode.FORBIDDEN
    message = "Requests from this site are not allowed."


class JobForbidden(RequestError):
    """The job is another user's."""

    code = ErrorCode.FORBIDDEN
    message = "This video job belongs to another user."


class BatchForbidden(RequestError):
    """The batch is another user's."""

    code = ErrorCode.FORBIDDEN
    message = "This batch belongs to another user."


class PriorityForbidden(RequestError):
    """The session does not allow `priority: "high"`: ask for `normal`, or leave the field out."""

    code = ErrorCode.FORBIDDEN
    message = "You may not ask for high priority. Leave the field priority out."


class JobNotFound(RequestError):
    """No such job (any more), or the id is no id."""

    code = ErrorCode.NOT_FOUND
    message = "There is no such video job."


class BatchNotFound(RequestError):
    """No such batch (any more), or the id is no id."""

    code = ErrorCode.NOT_FOUND
    message = "There is no such batch."


class JobConflict(RequestError):
    """The job is in a state in which that can't be done to it; the message says in which, and what can be done."""

    code = ErrorCode.CONFLICT
    message = "That can't be done with this video job at the moment."


class RateLimited(RequestError):
    """Too many requests: wait `retry_after_seconds`. API Gateway finds that out as well (`GatewayResponses`)."""

    code = ErrorCode.RATE_LIMITED
    message = "Too many requests. Try again shortly."

    def __init__(self, retry_after_seconds: int = 1) -> None:
        """Whole seconds, after which one more is allowed."""
        self.retry_after_seconds = retry_after_seconds
        super().__init__()


class IdempotencyMismatch(RequestError):
    """The key was used within 24 h for another request: take a fresh key for each new request."""

    code = ErrorCode.IDEMPOTENCY_MISMATCH
    message = "This Idempotency-Key belongs to another request. Use a fresh key for each new video."


class TooManyConnections(RequestError):
    """The user has as many live connections as allowed: close one, or ask for the status now and then."""

    code = ErrorCode.RATE_LIMITED
    message = "There are too many live connections. Close one of them first."


class TooManySubscriptions(RequestError):
    """One connection has named as many jobs as it can: subscribe to all of them, without a `jobId`."""

    code = ErrorCode.VALIDATION_ERROR
    message = "This connection follows too many single jobs. Subscribe without a jobId to follow all."


class ConnectionOver(RequestError):
    """The connection has ended with its session, or was never let in: sign in and connect again."""

    code = ErrorCode.TOKEN_EXPIRED
    message = "The connection has ended with its session. Sign in again."


class IdempotencyKeyTaken(VideoJobsError):
    """An insert found a job of the same user and key: read that one."""


class Unavailable(VideoJobsError):
    """MongoDB, SQS, S3 or Secrets Manager can't be reached: try again after `retry_after_seconds`."""

    code = ErrorCode.UNAVAILABLE
    retryable = True
    message = "The service is not available at the moment. Try again shortly."
    retry_after_seconds = 5


class SubmissionsPaused(Unavailable):
    """An operator has paused the intake: ask for new videos after `retry_after_seconds`; all else goes on."""

    message = "New videos are not taken at the moment. Those under way go on. Try again later."

    def __init__(self, retry_after_seconds: int) -> None:
        """As long as the operator thinks that it takes, in whole seconds."""
        self.retry_after_seconds = retry_after_seconds
        super().__init__()


class FailureCode(StrEnum):
    """Why an attempt or a job failed, whichever provider it was; the job's `error.code`."""

    CONTENT_REJECTED = "content_rejected"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    INVALID_REQUEST = "invalid_request"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    RESULT_LOST = "result_lost"
    INTERNAL_ERROR = "internal_error"


class ProviderError(VideoJobsError):
    """A provider refused or failed. `reason` says how, `transient` whether another attempt can succeed.

    `message` is for the user who asked for the video. `retry_after_seconds` is what the provider asked for, if it did.
    """

    def __init__(
        self,
        reason: FailureCode,
        message: str,
        *,
        transient: bool,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Say what happened in words that the user understands."""
        self.reason = reason
        self.transient = transient
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class IllegalTransition(VideoJobsError):
    """Code tried to set a status that may not follow the present one; it is a bug and nothing was written."""


class ProviderUnreachable(ProviderError):
    """A call brought no answer that says anything: what it was to do may have been done or not.

    After a poll: ask again (a poll that is too early or one too many, 429, says nothing about the task either). After a
    submit: a task may be running and costing money, see `Capabilities.unknown_submit`.
    """

    def __init__(
        self, message: str = "The video provider does not answer.", *, retry_after_seconds: float | None = None
    ) -> None:
        """No answer has no code of the provider's; ours is `provider_error`."""
        super().__init__(FailureCode.PROVIDER_ERROR, message, transient=True, retry_after_seconds=retry_after_seconds)


class LeaseLost(VideoJobsError):
    """The job moved on while we worked on it (another worker, a cancellation): stop, nothing of ours was written."""
