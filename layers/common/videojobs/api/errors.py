"""Errors on their way out: the one table of HTTP statuses, and the one envelope that every error comes in."""

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


class RouteNotFound(RequestError):
    """No route has this method and path: look into the API's document."""

    code = ErrorCode.NOT_FOUND
    message = "There is nothing at this address, or not with this method."


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
    errors.IdempotencyMismatch: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyConnections: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManySubscriptions: HTTPStatus.BAD_REQUEST,
    errors.ConnectionOver: HTTPStatus.UNAUTHORIZED,
    errors.IdempotencyKeyTaken: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SubmissionsPaused: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ProviderUnreachable: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LeaseLost: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.IllegalTransition: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every error of the tree, by its own name: a test finds the one that is missing."""
_BUG = HTTPStatus.INTERNAL_SERVER_ERROR


class DetailData(TypedDict):
    """One thing to change in the request."""

    field: str
    message: str


class ErrorData(TypedDict):
    """What went wrong: `code` for programs, `message` for people."""

    code: str
    message: str
    details: list[DetailData]


class ErrorEnvelope(TypedDict):
    """The body of every error, whoever makes it; quote `requestId` when asking for help."""

    success: Literal[False]
    error: ErrorData
    requestId: str


class ErrorAnswer(NamedTuple):
    """An error, ready to be sent."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: ErrorEnvelope


def answer_error(error: Exception, request_id: str) -> ErrorAnswer:
    """The answer to an error. A bug, of whatever kind, tells the caller nothing but that there was one."""
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
