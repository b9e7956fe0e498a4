"""POST /api/providers/{provider}/callback: accept the signed callback of a provider and queue a poll of its task."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from videojobs import bootstrap
from videojobs.api.body import read_bytes
from videojobs.api.envelopes import CallbackEnvelope
from videojobs.api.errors import RouteNotFound
from videojobs.api.resolver import JSON, VideoJobsApi
from videojobs.api.views import serialize_callback
from videojobs.observability import logger
from videojobs.services.handle_callback import handle_callback
from videojobs_providers import factories

MAXIMUM_CALLBACK_BYTES = 1024 * 1024

bootstrap.use_boto3()

api = VideoJobsApi(tuple)  # providers call it, not pages, so no origin is allowed


@api.post(
    "/api/providers/<provider>/callback",
    operation_id="receiveProviderCallback",
    summary="Receive a provider's callback",
    tags=["providers"],
)
def callback(provider: str) -> Response[CallbackEnvelope]:
    """Authenticate the callback by its signature only, and queue a poll. The response reveals nothing about jobs.

    Each error (an unknown provider, an invalid signature, a body over 1 MiB, MongoDB, SQS) becomes an error response.
    """
    verifier = factories.callback_verifier(provider)
    if verifier is None:
        raise RouteNotFound
    body = read_bytes(api.http, maximum_bytes=MAXIMUM_CALLBACK_BYTES)
    headers = {name: ", ".join(values) for name, values in api.http.headers.items()}
    task_id = verifier.verify(headers, body, bootstrap.clock().now())
    jobs, queue, clock = bootstrap.job_repository(), bootstrap.job_queue(), bootstrap.clock()
    for job_id in api.http.query.get("job", ())[:1]:
        handle_callback(job_id, provider=provider, task_id=task_id, jobs=jobs, queue=queue, clock=clock)
    return Response(200, JSON, serialize_callback())


handler = logger.inject_lambda_context(api.resolve, clear_state=True, log_event=False)
