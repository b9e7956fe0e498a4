"""GET and HEAD /api/videos/{jobId}: return a job to its owner, with presigned URLs and an ETag for cheap polling."""

from videojobs import startup  # noqa: F401 - suspends the garbage collector until `prepare_api` ends

# isort: split
from aws_lambda_powertools.event_handler.api_gateway import Response

from videojobs import bootstrap
from videojobs.api.auth import authenticate
from videojobs.api.envelopes import VideoJobEnvelope
from videojobs.api.etag import make_etag, matches_etag
from videojobs.api.rates import read_limit
from videojobs.api.resolver import JSON, VideoJobsApi, answer_empty
from videojobs.api.views import serialize_job
from videojobs.observability import logger
from videojobs.services.estimate_job import estimate_job
from videojobs.services.read_job import read_job

api = VideoJobsApi(lambda: bootstrap.api_settings().allowed_origins)
bootstrap.prepare_api(bootstrap.read_limiter, bootstrap.timing_repository)


@api.get_and_head("/api/videos/<job_id>", operation_id="getVideo", summary="Get a video job", tags=["videos"])
def status(job_id: str) -> Response[VideoJobEnvelope]:
    """Return the job, or 304 if the caller's ETag is current.

    Each error (authentication, rate limit, an unknown job, another user's job, MongoDB) becomes an error response.
    """
    settings, jobs, clock = bootstrap.api_settings(), bootstrap.job_repository(), bootstrap.clock()
    user_id = authenticate(api.http, settings=settings, secret=bootstrap.jwt_secret).user_id
    now = clock.now()
    bootstrap.read_limiter().count(user_id, read_limit(settings), now)
    job = read_job(job_id, user_id=user_id, jobs=jobs, clock=clock)
    estimate = estimate_job(job, jobs=jobs, timings=bootstrap.timing_repository(), clock=clock)

    # The store is created on first use, because most responses contain jobs without a video.
    def name_window(url: str) -> str:
        return f"{url} signed in {bootstrap.video_store().signing_window(now)}"

    def sign(url: str) -> str | None:
        return bootstrap.video_store().presigned_url(url, now)

    etag = make_etag(serialize_job(job, sign=name_window, estimate=estimate))
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if estimate:
        headers["Retry-After"] = str(estimate.retry_after_seconds)
    if matches_etag(api.http, etag):
        return answer_empty(304, headers)
    return Response(200, JSON, serialize_job(job, sign=sign, estimate=estimate), headers=headers)


handler = logger.inject_lambda_context(api.resolve, clear_state=True, log_event=False)
