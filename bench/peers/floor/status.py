"""Floor: GET with only Powertools' Logger and resolver."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from plain import admit, logger, read

app = APIGatewayRestResolver()


@app.get("/api/videos/<job_id>")
def status(job_id: str) -> dict[str, Any]:
    """Return a job."""
    return read(job_id, admit(app.current_event.headers["cookie"]))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway event."""
    return app.resolve(event, context)
