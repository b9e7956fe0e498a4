"""Floor: GET with only Powertools' Logger and resolver."""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from plain import admit, logger, read

app = APIGatewayRestResolver()


@app.get("/api/videos/<job_id>")
def status(job_id: str) -> dict[str, Any]:
    """Return the response's body for the job of the user who is signed in.

    Raises:
        LookupError: If the job does not exist or belongs to another user, or the cookie is missing.
        bson.errors.InvalidId: If the job ID is not an ObjectId.
        jwt.InvalidTokenError: If the token is invalid or expired.
        PyMongoError: If MongoDB does not respond.
    """
    return read(job_id, admit(app.current_event.headers["cookie"]))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return the response to an API Gateway event; the exceptions of `status` are raised."""
    return app.resolve(event, context)
