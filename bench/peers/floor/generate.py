"""Floor: POST with only Powertools' Logger and resolver."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext
from plain import admit, logger, submit
from schema import validate

app = APIGatewayRestResolver()


@app.post("/api/videos/generate")
def generate() -> Response[dict[str, Any]]:
    """Create a job."""
    user_id = admit(app.current_event.headers["cookie"])
    return Response(201, content_type="application/json", body=submit(validate(app.current_event.body or ""), user_id))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway event."""
    return app.resolve(event, context)
