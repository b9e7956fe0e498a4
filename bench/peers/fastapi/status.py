"""FastAPI with Mangum, GET. The route is `async def`, which FastAPI runs without a thread."""

from typing import Any

from fastapi import FastAPI, Request
from mangum import Mangum
from plain import admit, read

app = FastAPI(openapi_url=None)


@app.get("/api/videos/{job_id}")
async def status(job_id: str, request: Request) -> dict[str, Any]:
    """Return the response's body for the job of the user who is signed in.

    FastAPI responds with 500 to an exception, such as that of an unknown job or an invalid token.
    """
    return read(job_id, admit(request.headers["cookie"]))


handler = Mangum(app, lifespan="off")
