"""Chalice, GET."""

from typing import Any

from chalice.app import Chalice
from plain import admit, read

handler = Chalice(app_name="videojobs", configure_logs=False)


@handler.route("/api/videos/{jobId}")
def status(jobId: str) -> dict[str, Any]:  # noqa: N803 - Chalice passes the parameter by the route's name
    """Return the response's body for the job of the user who is signed in.

    Chalice responds with 500 to an exception, such as that of an unknown job or an invalid token.
    """
    request: Any = handler.current_request
    return read(jobId, admit(request.headers["cookie"]))
