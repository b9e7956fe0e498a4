"""Operations on a user's jobs: list, cancel, retry, delete, play, count a batch, erase everything."""

from videojobs import startup  # noqa: F401 - suspends the garbage collector until `prepare_api` ends

# isort: split
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from videojobs import bootstrap
from videojobs.api import envelopes, views
from videojobs.api.auth import Session, authenticate
from videojobs.api.body import read_no_fields, read_retry
from videojobs.api.download_filename import download_filename
from videojobs.api.http import HttpRequest
from videojobs.api.query import encode_cursor, link_next, parse_content_query, parse_list_query
from videojobs.api.rates import count_call, generate_limit, read_limit
from videojobs.api.resolver import JSON, VideoJobsApi, answer_empty
from videojobs.domain.job import VideoJob
from videojobs.observability import logger
from videojobs.ports.erasures import Erasure
from videojobs.services.cancel_job import cancel_job
from videojobs.services.check_submissions import check_submissions
from videojobs.services.delete_job import delete_job
from videojobs.services.erase_videos import erase_videos
from videojobs.services.estimate_job import estimate_job
from videojobs.services.list_jobs import list_jobs, read_batch
from videojobs.services.read_job import locate_video, read_job
from videojobs.services.retry_job import RetryRights, retry_job

ERASURE_TIME = timedelta(seconds=20)  # API Gateway times out after 29 s; the reconciler erases the rest

api = VideoJobsApi(lambda: bootstrap.api_settings().allowed_origins)
bootstrap.prepare_api(bootstrap.read_limiter)


@api.get("/api/videos", operation_id="listVideos", summary="List video jobs", tags=["videos"])
def list_videos() -> Response[envelopes.VideoJobListEnvelope]:
    """Return a page of the caller's jobs, with the next page in `Link`. Errors become error responses."""
    session, query = _enter(parse_list_query)
    page, after = list_jobs(session.user_id, query, jobs=bootstrap.job_repository(), clock=bootstrap.clock())
    cursor = encode_cursor(after) if after else None
    headers = {"Link": link_next(query, cursor)} if cursor else {}
    return Response(200, JSON, views.serialize_jobs(page, cursor, sign=_sign), headers)


@api.post("/api/videos/<job_id>/cancel", operation_id="cancelVideo", summary="Cancel a video job", tags=["videos"])
def cancel(job_id: str) -> Response[envelopes.VideoJobEnvelope]:
    """Cancel the job and return it. Idempotent. Errors of `cancel_job` become error responses."""
    session, _ = _enter(read_no_fields)
    return _show(cancel_job(job_id, user_id=session.user_id, dispatcher=bootstrap.job_dispatcher()))


@api.post("/api/videos/<job_id>/retry", operation_id="retryVideo", summary="Retry a video job", tags=["videos"])
def retry(job_id: str) -> Response[envelopes.VideoJobEnvelope]:
    """Queue a failed or cancelled job again and return it. Errors of `retry_job` become error responses."""
    session, new_seed = _enter(read_retry, creates=True)
    check_submissions(submissions=bootstrap.submission_repository(), clock=bootstrap.clock())
    rights = RetryRights(session.can_use_high_priority, bootstrap.allowed_providers())
    dispatcher, user_id = bootstrap.job_dispatcher(), session.user_id
    return _show(retry_job(job_id, user_id=user_id, dispatcher=dispatcher, rights=rights, with_new_seed=new_seed))


@api.delete("/api/videos/<job_id>", operation_id="deleteVideo", summary="Delete a video job", tags=["videos"])
def delete(job_id: str) -> Response[Any]:
    """Delete an ended job and its files. Return 204 without a body, or an error response."""
    session, _ = _enter(read_no_fields)
    delete_job(job_id, user_id=session.user_id, dispatcher=bootstrap.job_dispatcher(), store=bootstrap.video_store())
    return answer_empty(204)


@api.delete("/api/users/me/videos", operation_id="deleteAllVideos", summary="Delete all videos", tags=["account"])
def erase() -> Response[envelopes.ErasureEnvelope]:
    """Erase all of the caller's jobs. Return 204 when done, 202 if the reconciler continues, or an error response."""
    session, _ = _enter(read_no_fields)
    now, dispatcher, store = bootstrap.clock().now(), bootstrap.job_dispatcher(), bootstrap.video_store()
    batches, erasures = bootstrap.batch_repository(), bootstrap.erasure_repository()
    erasure, until = Erasure(session.user_id, created_before=now), now + ERASURE_TIME
    is_done = erase_videos(erasure, until=until, dispatcher=dispatcher, batches=batches, erasures=erasures, store=store)
    return answer_empty(204) if is_done else Response(202, JSON, views.serialize_erasure())


@api.get_and_head(
    "/api/videos/<job_id>/content", operation_id="getVideoContent", summary="Get a video", tags=["videos"]
)
def content(job_id: str) -> Response[Any]:
    """Redirect to a presigned URL of the video for GET or HEAD (302), or return an error response without a video."""
    session, is_download = _enter(parse_content_query)
    job = read_job(job_id, user_id=session.user_id, jobs=bootstrap.job_repository(), clock=bootstrap.clock())
    name, method = download_filename(job) if is_download else None, api.http.method
    return answer_empty(302, {"Location": locate_video(job, sign=lambda url: _sign(url, name, method))})


@api.get("/api/batches/<batch_id>", operation_id="getBatch", summary="Get a batch", tags=["batches"])
def count_batch(batch_id: str) -> Response[envelopes.BatchEnvelope]:
    """Return the number of the batch's jobs in each status. Errors become error responses."""
    session, _ = _enter(read_no_fields)
    jobs, batches = bootstrap.job_repository(), bootstrap.batch_repository()
    counted = read_batch(batch_id, user_id=session.user_id, batches=batches, jobs=jobs, clock=bootstrap.clock())
    return Response(200, JSON, views.serialize_batch(*counted))


def _enter[T](read: Callable[[HttpRequest], T], *, creates: bool = False) -> tuple[Session, T]:
    """Authenticate the caller, count the request and parse it, in that order. Invalid requests count too.

    `creates` means that the request can queue a job. Such requests have a limit of their own.
    """
    settings, now = bootstrap.api_settings(), bootstrap.clock().now()
    session = authenticate(api.http, settings=settings, secret=bootstrap.jwt_secret)
    if creates:
        count_call(api, session.user_id, generate_limit(settings), rates=bootstrap.rate_limiter(), now=now)
    else:
        bootstrap.read_limiter().count(session.user_id, read_limit(settings), now)
    return session, read(api.http)


def _show(job: VideoJob) -> Response[envelopes.VideoJobEnvelope]:
    jobs, timings = bootstrap.job_repository(), bootstrap.timing_repository()
    estimate = estimate_job(job, jobs=jobs, timings=timings, clock=bootstrap.clock())
    headers = {"Retry-After": str(estimate.retry_after_seconds)} if estimate else {}
    return Response(200, JSON, views.serialize_job(job, sign=_sign, estimate=estimate), headers)


def _sign(url: str, file_name: str | None = None, method: str = "GET") -> str | None:
    return bootstrap.video_store().presigned_url(url, bootstrap.clock().now(), file_name, method=method)


handler = logger.inject_lambda_context(api.resolve, clear_state=True, log_event=False)
