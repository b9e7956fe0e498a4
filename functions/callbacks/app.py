"""POST /api/providers/{provider}/callback: a provider says, signed, that a task has ended; the worker is to ask it."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from videojobs import bootstrap
from videojobs.api.body import read_bytes
from videojobs.api.envelopes import CallbackEnvelope
from videojobs.api.errors import RouteNotFound
from videojobs.api.resolver import JSON, VideoJobsApi
from videojobs.api.views import serialize_callback
from videojobs.observability import logger
from videojobs.services.handle_callback import handle_callback

MAXIMUM_CALLBACK_BYTES = 1024 * 1024

api = VideoJobsApi(tuple)  # no page calls it, so no origin is allowed to


@api.post(
    "/api/providers/<provider>/callback",
    operation_id="noteCallback",
    summary="Tell that a task has ended",
    tags=["providers"],
)
def callback(provider: str) -> Response[CallbackEnvelope]:
    """Nothing but the signature is minded: no cookie, no origin. The answer tells nothing about jobs."""
    verifier = bootstrap.callback_verifier(provider)
    if verifier is None:
        raise RouteNotFound
    body = read_bytes(api.http, maximum_bytes=MAXIMUM_CALLBACK_BYTES)
    headers = {name: ", ".join(values) for name, values in api.http.headers.items()}
    task_id = verifier.verify(headers, body, bootstrap.clock().now())
    for job_id in api.http.query.get("job", ())[:1]:
        handle_callback(
            job_id, provider=provider, task_id=task_id, jobs=bootstrap.job_repository(), queue=bootstrap.job_queue()
        )
    return Response(200, JSON, serialize_callback())


handler = logger.inject_lambda_context(api.resolve, clear_state=True, log_event=False)
