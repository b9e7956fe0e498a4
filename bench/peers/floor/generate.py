"""Floor: POST with only Powertools' Logger and resolver."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext
from plain import admit, logger, submit
from schema import validate

app = APIGatewayRestResolver()


@app.post("/api/videos/generate")
def generate() -> Response[dict[str, Any]]:
    """Create a job from the request and return the response with status 201.

    Raises:
        ValueError: If the body is invalid.
        KeyError, jwt.InvalidTokenError: If the token is missing, invalid or expired.
        PyMongoError, RuntimeError, urllib3.exceptions.HTTPError: If MongoDB or SQS does not respond.
    """
    user_id = admit(app.current_event.headers["cookie"])
    return Response(201, content_type="application/json", body=submit(validate(app.current_event.body or ""), user_id))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the response to an API Gateway event; the exceptions of `generate` are raised."""
    return app.resolve(event, context)
