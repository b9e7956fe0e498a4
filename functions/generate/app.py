"""POST /api/videos/generate: take a video job, answer with its id at once; the work happens behind the queue."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.edge.auth import admit
from videojobs.edge.body import read_object
from videojobs.edge.idempotency import read_idempotency_key
from videojobs.edge.resolver import JSON, VideoJobsApi
from videojobs.edge.schemas import parse_generate
from videojobs.edge.views import AcceptedEnvelope, show_accepted
from videojobs.observability import logger
from videojobs.services.submit_job import submit_job

api = VideoJobsApi(lambda: bootstrap.api_settings().allowed_origins)
bootstrap.prepare_api()


@api.post("/api/videos/generate")
def generate() -> Response[AcceptedEnvelope]:
    """The new job: its id, and where to follow it."""
    user_id = admit(api.http, settings=bootstrap.api_settings(), secret=bootstrap.jwt_secret)
    request = parse_generate(read_object(api.http))
    job, replayed = submit_job(
        request,
        user_id=user_id,
        jobs=bootstrap.job_repository(),
        queue=bootstrap.job_queue(),
        clock=bootstrap.clock(),
        idempotency=read_idempotency_key(api.http, request),
    )
    headers = {"Location": f"/api/videos/{job.id}"} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return Response(201, content_type=JSON, body=show_accepted(job), headers=headers)


@logger.inject_lambda_context(clear_state=True, log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda's entry."""
    return api.resolve(event, context)
