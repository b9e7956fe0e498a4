"""The introduction of the OpenAPI document, with the default limits of the code."""

from videojobs.api.body import MAXIMUM_BODY_BYTES
from videojobs.api.schemas import MAXIMUM_BATCH_BYTES, MAXIMUM_ITEMS
from videojobs.services.store_once import KEY_LIFETIME
from videojobs.settings import ApiSettings, SlotSettings, StoreSettings

VERSION = "1.0.0"
"""The version of the API as its clients see it. It is independent of the version of a release in pyproject.toml."""


def introduction() -> str:
    """Return the introduction as Markdown."""
    return _INTRODUCTION.format(limits=list_limits())


def list_limits() -> str:
    """Return the default limits as a list in Markdown."""
    return _LIMITS.format(
        hours=round(KEY_LIFETIME.total_seconds() / 3600),
        generate=ApiSettings.generate_calls_per_minute,
        read=ApiSettings.read_calls_per_minute,
        active=SlotSettings.active_jobs_per_user,
        waiting=SlotSettings.waiting_jobs_per_user,
        items=MAXIMUM_ITEMS,
        body=MAXIMUM_BODY_BYTES // 1024,
        batch=MAXIMUM_BATCH_BYTES // 1024 // 1024,
        minutes=StoreSettings.presigned_url_seconds // 60,
        least_minutes=StoreSettings.presigned_url_seconds * 2 // 3 // 60,
    )


_INTRODUCTION = """\
Create a job with `generateVideo`. Follow it by polling `getVideo`, or with the live updates that asyncapi.yaml \
describes. Play the video of a completed job from `videoUrl`, or from `getVideoContent`.

**Authentication.** Your application's session cookie authenticates each request. Scripts can't read it. Use \
`credentials: "include"` if your page and the API have different origins.

**Other origins.** A page on another origin can call the API if the origin is listed in `AllowedOrigins`. Requests \
with POST or DELETE from any other origin are refused with 403. A request with `Sec-Fetch-Site: same-origin` or \
`none`, which browsers send for the API's own origin, passes. A development server that proxies `/api` therefore \
needs no entry. WebSockets have no such header: their `Origin` must be an allowed one.

**Errors.** Every error has the form `ErrorEnvelope`. Use `error.code` in programs. After a 503, or without a \
response, a request may have taken effect: repeat it with the same `Idempotency-Key`.

**Limits** are the defaults; a deployment can have others.

{limits}

**Versions.** The version of this document is that of the API, not of a release. Later releases only add fields, \
operations and codes. Ignore fields that you do not know.
"""

_LIMITS = """\
- Rate limits per user and minute: {generate} requests to create or retry jobs (a batch counts as one), and {read} \
other requests. Invalid requests and repeats count too. `RateLimit` contains the remaining requests to create or \
retry jobs. Requests over the limit are refused with 429 and `Retry-After`.
- Jobs per user and priority: {active} active and {waiting:,} waiting.
- A batch has up to {items} jobs.
- A body has up to {body} KiB, that of a batch up to {batch} MiB.
- An `Idempotency-Key` is valid for {hours} hours.
- `videoUrl`, `posterUrl` and `previewUrl` are valid for {least_minutes} to {minutes} minutes. They do not change \
with each response, so that browsers can cache the files. Get the job again for new ones."""
