"""Rate limits per user and minute. The headers of requests that create or retry jobs report the remaining requests.

The headers follow draft-ietf-httpapi-ratelimit-headers-10. Other requests have none: they are counted per process.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from videojobs.domain.errors import RateLimited
from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, Allowance, RateLimit
from videojobs.settings import ApiSettings

if TYPE_CHECKING:
    from videojobs.api.resolver import VideoJobsApi  # its import is slow, and WebSocket events need no resolver
    from videojobs.ports.fairness import RateLimiter


def generate_limit(settings: ApiSettings) -> RateLimit:
    """Return the limit of requests that create or retry jobs; a batch counts as one request."""
    return RateLimit("generate", settings.generate_calls_per_minute)


def read_limit(settings: ApiSettings) -> RateLimit:
    """Return the limit of a user's HTTP requests that neither create nor retry jobs."""
    return RateLimit("read", settings.read_calls_per_minute)


def live_limit(settings: ApiSettings) -> RateLimit:
    """Return the limit of WebSocket handshakes and messages, which are counted together and apart from requests."""
    return RateLimit("live", settings.read_calls_per_minute)


def count_call(api: "VideoJobsApi", user_id: UserId, limit: RateLimit, *, rates: "RateLimiter", now: datetime) -> None:
    """Count the current request and add the `RateLimit` headers to its response, also to an error response.

    Call it directly after authentication and before the request is parsed, so that invalid and refused requests count
    too. Requests without a valid session belong to no user and are not counted.

    Raises:
        RateLimited: If the user has reached the limit. The request is not counted.
        Unavailable: If MongoDB does not respond in time; the request may have been counted.
    """
    try:
        allowance = rates.count(user_id, limit, now)
    except RateLimited as error:
        api.headers |= _show(Allowance(limit, remaining=0, reset_seconds=error.retry_after_seconds))
        raise
    api.headers |= _show(allowance)


def _show(allowance: Allowance) -> dict[str, str]:
    limit, window_seconds = allowance.limit, int(WINDOW.total_seconds())
    return {
        "RateLimit-Policy": f'"{limit.name}";q={limit.calls};w={window_seconds}',
        "RateLimit": f'"{limit.name}";r={allowance.remaining};t={allowance.reset_seconds}',
    }
