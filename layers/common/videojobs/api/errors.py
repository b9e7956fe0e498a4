"""Error responses: the HTTP status of each error, and the envelope of all errors."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, NamedTuple, TypedDict

from videojobs.domain import errors
from videojobs.domain.errors import (
    ErrorCode,
    RateLimited,
    RequestError,
    Unavailable,
    ValidationFailed,
    VideoJobsError,
)
from videojobs.domain.slots import TooManyWaitingJobs


class RouteNotFound(RequestError):
    """Error for a method and path that match no route."""

    code = ErrorCode.NOT_FOUND
    message = "No route matches this path and method. Check both in the API reference."


STATUS_OF: Mapping[type[VideoJobsError], HTTPStatus] = {
    errors.VideoJobsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RequestError: HTTPStatus.BAD_REQUEST,
    errors.ValidationFailed: HTTPStatus.BAD_REQUEST,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.TokenMissing: HTTPStatus.UNAUTHORIZED,
    errors.TokenInvalid: HTTPStatus.UNAUTHORIZED,
    errors.TokenExpired: HTTPStatus.UNAUTHORIZED,
    errors.CallbackRefused: HTTPStatus.UNAUTHORIZED,
    errors.CrossSiteRequest: HTTPStatus.FORBIDDEN,
    errors.JobForbidden: HTTPStatus.FORBIDDEN,
    errors.BatchForbidden: HTTPStatus.FORBIDDEN,
    errors.PriorityForbidden: HTTPStatus.FORBIDDEN,
    errors.JobNotFound: HTTPStatus.NOT_FOUND,
    errors.BatchNotFound: HTTPStatus.NOT_FOUND,
    errors.JobConflict: HTTPStatus.CONFLICT,
    RouteNotFound: HTTPStatus.NOT_FOUND,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyWaitingJobs: HTTPStatus.TOO_MANY_REQUESTS,
    errors.IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyConnections: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManySubscriptions: HTTPStatus.BAD_REQUEST,
    errors.ConnectionOver: HTTPStatus.UNAUTHORIZED,
    errors.ConnectionFlooded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.IdempotencyKeyTaken: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SubmissionsPaused: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ProviderUnreachable: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UnconfirmedFailure: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ResultRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LeaseLost: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.IllegalTransition: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each error class. A test checks that no class is missing."""
_BUG = HTTPStatus.INTERNAL_SERVER_ERROR


class DetailData(TypedDict):
    """A correction that the request needs."""

    field: str
    message: str


class ErrorData(TypedDict):
    """The error: `code` is stable and for programs, `message` is for people."""

    code: str
    message: str
    details: list[DetailData]


class ErrorEnvelope(TypedDict):
    """The body of every error response. Include `requestId` in support requests."""

    success: Literal[False]
    error: ErrorData
    requestId: str


class ErrorAnswer(NamedTuple):
    """The status, headers and body of an error response."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: ErrorEnvelope


def answer_error(error: Exception, request_id: str) -> ErrorAnswer:
    """Return the response for an error, with `Retry-After` for `Unavailable` and `RateLimited`.

    Errors with the status 500, and all that are not a `VideoJobsError`, get a general body without details.
    """
    status = STATUS_OF.get(type(error), _BUG) if isinstance(error, VideoJobsError) else _BUG
    if status is _BUG or not isinstance(error, VideoJobsError):
        error = VideoJobsError()
    details = error.details if isinstance(error, ValidationFailed) else ()
    return ErrorAnswer(
        status=status,
        headers={"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Unavailable | RateLimited) else {},
        body={
            "success": False,
            "error": {
                "code": error.code.value,
                "message": error.message,
                "details": [{"field": detail.field, "message": detail.message} for detail in details],
            },
            "requestId": request_id,
        },
    )
