"""Chalice, POST."""

from typing import Any

from chalice.app import Chalice, Response
from plain import admit, submit
from schema import validate

handler = Chalice(app_name="videojobs", configure_logs=False)


@handler.route("/api/videos/generate", methods=["POST"])
def generate() -> Response:
    """Create a job from the request and return the response with status 201.

    Chalice responds with 500 to an exception, such as that of an invalid body or token.
    """
    request: Any = handler.current_request
    body = submit(validate(request.raw_body.decode()), admit(request.headers["cookie"]))
    return Response(body, status_code=201)
