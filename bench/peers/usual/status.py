"""Usual stack, GET."""

from typing import Annotated, Any

import boto3
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext
from stack import JobEnvelope, admit, app, find_job, logger, metrics, tracer

_store = boto3.client("s3")


@app.get("/api/videos/<job_id>")
@tracer.capture_method
def status(job_id: Annotated[str, Path()]) -> JobEnvelope:
    """Return the response's body with the job of the user who is signed in.

    Raises:
        NotFoundError: If the job does not exist or belongs to another user.
        bson.errors.InvalidId: If the job ID is not an ObjectId.
        KeyError, jwt.InvalidTokenError: If the token is missing, invalid or expired.
        PyMongoError: If MongoDB does not respond.
    """
    job = find_job(job_id, admit(), _store)
    logger.info("Job read", extra={"job_id": job_id})
    return JobEnvelope(data=job)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the response to an API Gateway event: 404 for an unknown job; other exceptions of `status` are raised."""
    return app.resolve(event, context)
