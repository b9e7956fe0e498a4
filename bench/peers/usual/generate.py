"""Usual stack, POST."""

import json
import os
from typing import Any
from uuid import uuid4

import boto3
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from stack import Accepted, AcceptedEnvelope, GenerateRequest, admit, app, jobs, logger, metrics, new_document, tracer

_queue = boto3.client("sqs")


@app.post("/api/videos/generate", status_code=201)
@tracer.capture_method
def generate(request: GenerateRequest) -> AcceptedEnvelope:
    """Insert a job for the request, send its message and return the response's body; the status is 201.

    Raises:
        KeyError, jwt.InvalidTokenError: If the token is missing, invalid or expired.
        PyMongoError: If MongoDB does not confirm.
        BotoCoreError, ClientError: If SQS rejects the message or does not respond. The job is stored.
    """
    document = new_document(request, admit(), uuid4().hex)
    jobs.insert_one(document)
    message = {"jobId": str(document["_id"]), "stepId": document["next"]["id"]}
    _queue.send_message(QueueUrl=os.environ["JOBS_QUEUE_URL"], MessageBody=json.dumps(message))
    logger.info("Job queued", extra={"job_id": message["jobId"]})
    metrics.add_metric(name="JobsQueued", unit=MetricUnit.Count, value=1)
    return AcceptedEnvelope(data=Accepted(jobId=message["jobId"], status="queued"))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the response to an API Gateway event: 422 for an invalid body; the exceptions of `generate` are raised."""
    return app.resolve(event, context)
