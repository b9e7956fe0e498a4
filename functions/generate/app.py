"""POST /api/videos/generate and /batch: queue jobs and return their IDs; the worker processes them."""

from videojobs import startup  # noqa: F401 - suspends the garbage collector until `prepare_api` ends

# isort: split
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from videojobs import bootstrap
from videojobs.api.auth import Session, authenticate
from videojobs.api.body import read_object
from videojobs.api.envelopes import AcceptedEnvelope, BatchAcceptedEnvelope
from videojobs.api.idempotency import read_idempotency_key
from videojobs.api.rates import count_call, generate_limit, read_limit
from videojobs.api.resolver import JSON, VideoJobsApi
from videojobs.api.schemas import MAXIMUM_BATCH_BYTES, parse_batch, parse_generate
from videojobs.api.views import serialize_accepted, serialize_accepted_batch
from videojobs.domain.job import Batch, VideoJob
from videojobs.domain.request import NewJob
from videojobs.observability import logger
from videojobs.services.check_submissions import check_submissions
from videojobs.services.store_once import find_earlier
from videojobs.services.submit_batch import submit_batch
from videojobs.services.submit_job import submit_job

api = VideoJobsApi(lambda: bootstrap.api_settings().allowed_origins)
bootstrap.prepare_api(
    bootstrap.rate_limiter, bootstrap.slot_repository, bootstrap.job_queue, bootstrap.submission_repository
)


@api.post("/api/videos/generate", operation_id="generateVideo", summary="Create a video job", tags=["videos"])
def generate() -> Response[AcceptedEnvelope]:
    """Queue a job and return its ID (201), with a reference to it in `Location`. Errors become error responses."""
    session = _enter(creates=True)
    request = _parse()
    idempotency = read_idempotency_key(api.http, [request])
    jobs, clock = bootstrap.job_repository(), bootstrap.clock()
    earlier = check_submissions(
        lambda: find_earlier(idempotency, user_id=session.user_id, now=clock.now(), repository=jobs),
        submissions=bootstrap.submission_repository(),
        clock=clock,
    )
    if earlier is not None:
        return _job_response(earlier, replayed=True)
    session.check_priority([request])
    job, replayed = submit_job(
        request, user_id=session.user_id, dispatcher=bootstrap.job_dispatcher(), idempotency=idempotency
    )
    return _job_response(job, replayed=replayed)


@api.post("/api/videos/batch", operation_id="generateBatch", summary="Create a batch of video jobs", tags=["batches"])
def batch() -> Response[BatchAcceptedEnvelope]:
    """Queue a batch. Return its ID and its jobs' IDs in the order of the request (201), or an error response."""
    session = _enter(creates=True)
    body = read_object(api.http, maximum_bytes=MAXIMUM_BATCH_BYTES)
    requests = parse_batch(body, allowed_providers=bootstrap.allowed_providers(), offers=bootstrap.offers)
    idempotency = read_idempotency_key(api.http, requests)
    batches, clock = bootstrap.batch_repository(), bootstrap.clock()
    earlier = check_submissions(
        lambda: find_earlier(idempotency, user_id=session.user_id, now=clock.now(), repository=batches),
        submissions=bootstrap.submission_repository(),
        clock=clock,
    )
    if earlier is not None:
        return _batch_response(earlier, replayed=True)
    session.check_priority(requests)
    user_id, dispatcher = session.user_id, bootstrap.job_dispatcher()
    new_batch, replayed = submit_batch(
        requests, user_id=user_id, dispatcher=dispatcher, batches=batches, idempotency=idempotency
    )
    return _batch_response(new_batch, replayed=replayed)


@api.post("/api/videos/estimate", operation_id="estimateVideo", summary="Estimate a video", tags=["videos"])
def estimate() -> Response[Any]:
    """Return the generations, the price and the expected time of a request, or an error response. Create nothing."""
    _enter()
    request = _parse()
    from videojobs.api.offers import serialize_video_estimate
    from videojobs.services.estimate_video import estimate_video

    estimated = estimate_video(request, offers=bootstrap.offers(), timings=bootstrap.timing_repository())
    return Response(200, JSON, serialize_video_estimate(estimated))


@api.get("/api/videos/options", operation_id="getOptions", summary="Get the options of requests", tags=["videos"])
def options() -> Response[Any]:
    """Return what can be requested, and of which providers at what price, or 304 or an error response."""
    _enter()
    from videojobs.api.offers import answer_options

    return answer_options(api.http, bootstrap.offers(), bootstrap.allowed_providers())


def _parse() -> NewJob:
    body, allowed = read_object(api.http), bootstrap.allowed_providers()
    return parse_generate(body, allowed_providers=allowed, offers=bootstrap.offers)


def _enter(*, creates: bool = False) -> Session:
    """Authenticate the caller and count the request, before its body is read."""
    settings, now = bootstrap.api_settings(), bootstrap.clock().now()
    session = authenticate(api.http, settings=settings, secret=bootstrap.jwt_secret)
    if creates:
        count_call(api, session.user_id, generate_limit(settings), rates=bootstrap.rate_limiter(), now=now)
    else:
        bootstrap.read_limiter().count(session.user_id, read_limit(settings), now)
    return session


def _job_response(job: VideoJob, *, replayed: bool) -> Response[AcceptedEnvelope]:
    return Response(201, JSON, serialize_accepted(job), headers=_headers(job.id, replayed=replayed))


def _batch_response(batch: Batch, *, replayed: bool) -> Response[BatchAcceptedEnvelope]:
    headers = _headers(f"../batches/{batch.id}", replayed=replayed)
    return Response(201, JSON, serialize_accepted_batch(batch), headers=headers)


def _headers(location: str, *, replayed: bool) -> dict[str, str]:
    return {"Location": api.http.relative_reference(location)} | ({"Idempotent-Replayed": "true"} if replayed else {})


handler = logger.inject_lambda_context(api.resolve, clear_state=True, log_event=False)
