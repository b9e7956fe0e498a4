"""GET /api/videos/{jobId}: how a job stands, for its owner, with a URL that plays once there is a video."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from videojobs import bootstrap
from videojobs.edge.auth import admit
from videojobs.edge.resolver import JSON, VideoJobsApi
from videojobs.edge.views import VideoJobEnvelope, show_job
from videojobs.observability import logger
from videojobs.services.read_job import read_job

api = VideoJobsApi(lambda: bootstrap.api_settings().allowed_origins)
bootstrap.prepare_api()


@api.get("/api/videos/<job_id>")
def status(job_id: str) -> Response[VideoJobEnvelope]:
    """The job as it stands."""
    user_id = admit(api.http, settings=bootstrap.api_settings(), secret=bootstrap.jwt_secret)
    job = read_job(job_id, user_id=user_id, jobs=bootstrap.job_repository(), clock=bootstrap.clock())
    return Response(200, content_type=JSON, body=show_job(job, sign=_sign))


def _sign(url: str) -> str:
    # Made on first use: most answers are about jobs that have no video yet.
    return bootstrap.video_store().presigned_url(url)


@logger.inject_lambda_context(clear_state=True, log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda's entry."""
    return api.resolve(event, context)
