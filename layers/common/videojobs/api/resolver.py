"""The API object on which functions register routes: Powertools' resolver with the common headers and errors."""

import json
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs.api.errors import ErrorEnvelope, RouteNotFound, answer_error
from videojobs.api.http import HttpRequest
from videojobs.domain.errors import VideoJobsError
from videojobs.domain.time_limit import time_limit
from videojobs.domain.trace import begin_trace

logger = logging.getLogger(__name__)

JSON = "application/json"
ALLOWED_METHODS = "GET, POST, DELETE, OPTIONS"
ALLOWED_HEADERS = "Content-Type, Idempotency-Key, If-None-Match, traceparent, tracestate, baggage, sentry-trace"
"""The headers that pages can send. OpenTelemetry and Sentry add the last four to each request of a page."""
EXPOSED_HEADERS = "Location, ETag, Retry-After, Link, Idempotent-Replayed, RateLimit, RateLimit-Policy"
PREFLIGHT_SECONDS = 600
"""How long browsers may cache a preflight response, in seconds."""

SECURITY_HEADERS: dict[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every response. A route's own header of the same name takes precedence."""

_PREFLIGHT: dict[str, str] = {
    "Access-Control-Allow-Methods": ALLOWED_METHODS,
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
}
_EXPOSURE: dict[str, str] = {"Access-Control-Expose-Headers": EXPOSED_HEADERS}
_NO_CONTENT: Mapping[str, Any] = {"statusCode": 204, "body": "", "isBase64Encoded": False}
# ASCII, because an unpaired surrogate in an old document would break Lambda's encoder. NaN is not valid JSON.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def answer_empty(status: int, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """Return a response without a body."""
    return Response(status, body="", headers=headers)


class VideoJobsApi(APIGatewayRestResolver):
    """A resolver that adds CORS and security headers and returns every error in the API's envelope.

    `http` is the current request; a Lambda environment handles one request at a time. `headers` are added to its
    response, also to an error response.
    """

    def __init__(self, allowed_origins: Callable[[], Collection[str]]) -> None:
        """Create the resolver. `allowed_origins` is called per request, so that an import reads no configuration."""
        super().__init__(serializer=_ENCODER.encode, debug=False)  # POWERTOOLS_DEV would print whole events
        self._allowed_origins = allowed_origins
        self.http = HttpRequest.from_event({})
        self.headers: dict[str, str] = {}
        self._error: Exception | None = None
        self.exception_handler(NotFoundError)(lambda _: self._refuse(RouteNotFound()))
        self.exception_handler(Exception)(self._refuse)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Route the request, log it, and return the proxy response, to HEAD without a body.

        If operations are slow, the response is a 503 before the function's timeout. Never raises: API Gateway would
        turn an exception, or a timeout of the function, into its own error response.
        """
        self.http = HttpRequest.from_event(event, fallback_id=context.aws_request_id)
        self.headers = {}
        self._error = None
        begin_trace(self.http.header("traceparent"), self.http.header("x-amzn-trace-id"))
        cors: dict[str, str] = {}
        try:
            cors = self._cors_headers()
            with time_limit(context.get_remaining_time_in_millis):
                proxy = dict(_NO_CONTENT) if self.http.method == "OPTIONS" else super().resolve(event, context)
        except Exception as error:  # noqa: BLE001 - for example a malformed event or invalid settings
            response = self._refuse(error)
            proxy = {
                "statusCode": response.status_code,
                "body": _ENCODER.encode(response.body),
                "isBase64Encoded": False,
            }
            proxy["multiValueHeaders"] = {name: [value] for name, value in response.headers.items()}
        headers = {name: [value] for name, value in (SECURITY_HEADERS | cors | self.headers).items()}
        proxy["multiValueHeaders"] = headers | proxy.get("multiValueHeaders", {})
        if self.http.method == "HEAD":
            proxy["body"] = ""
        self._log(proxy["statusCode"])
        return proxy

    def get_and_head[Route: Callable[..., Any]](
        self, rule: str, *, operation_id: str, summary: str, tags: list[str]
    ) -> Callable[[Route], Route]:
        """Return a decorator that registers a route for GET, and for HEAD under the operation ID `headX` for `getX`."""

        def register(route: Route) -> Route:
            self.get(rule, operation_id=operation_id, summary=summary, tags=tags)(route)
            head_id = f"head{operation_id.removeprefix('get')}"
            self.head(rule, operation_id=head_id, summary=f"{summary}, without its body", tags=tags)(route)
            return route

        return register

    def _cors_headers(self) -> dict[str, str]:
        origin = self.http.header("origin")
        if origin is None or origin not in self._allowed_origins():
            return {}
        allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        return allowed | (_PREFLIGHT if self.http.method == "OPTIONS" else _EXPOSURE)

    def _refuse(self, error: Exception) -> Response[ErrorEnvelope]:
        self._error = error
        response = answer_error(error, self.http.request_id)
        return Response(response.status.value, content_type=JSON, body=response.body, headers=response.headers)

    def _log(self, status: int) -> None:
        extra = {
            "action": "request_answered",
            "method": self.http.method,
            "route": self.http.route,
            "status": status,
            "request_id": self.http.request_id,
        }
        if isinstance(self._error, VideoJobsError):
            extra["code"] = self._error.code.value
        level = logging.INFO if status < 500 else logging.WARNING if status == 503 else logging.ERROR
        # Server errors are logged with their stack and cause; errors of callers need neither.
        logger.log(level, "Request handled", extra=extra, exc_info=self._error if status >= 500 else None)
