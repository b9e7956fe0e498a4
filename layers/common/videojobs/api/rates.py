"""How much a user may ask for in a minute: each call counts once, and its answer tells what is left.

After draft-ietf-httpapi-ratelimit-headers-10.
"""

from collections.abc import Callable
from datetime import datetime

from videojobs.api.resolver import VideoJobsApi
from videojobs.domain.errors import RateLimited
from videojobs.domain.job import UserId
from videojobs.domain.rate import WINDOW, Allowance, RateLimit
from videojobs.ports.fairness import RateLimiter
from videojobs.settings import ApiSettings

type ChooseLimit = Callable[[ApiSettings], RateLimit]


def generate_limit(settings: ApiSettings) -> RateLimit:
    """The limit of calls that make a provider work; a batch is one."""
    return RateLimit("generate", settings.generate_calls_per_minute)


def read_limit(settings: ApiSettings) -> RateLimit:
    """The limit of all other calls."""
    return RateLimit("read", settings.read_calls_per_minute)


def count_call(api: VideoJobsApi, user_id: UserId, limit: RateLimit, *, rates: RateLimiter, now: datetime) -> None:
    """Count the call at hand, which is known to be its user's and valid; whatever comes of it tells what is left.

    Raises:
        RateLimited: it is one too many.
        Unavailable: MongoDB does not answer; nothing is counted.
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
