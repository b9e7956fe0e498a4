"""FastAPI with Mangum, POST. The route is `async def`, which FastAPI runs without a thread."""

from typing import Any

from fastapi import FastAPI, Request
from mangum import Mangum
from plain import admit, submit
from schema import validate

app = FastAPI(openapi_url=None)


@app.post("/api/videos/generate", status_code=201)
async def generate(request: Request) -> dict[str, Any]:
    """Create a job from the request and return the response's body; the status is 201.

    FastAPI responds with 500 to an exception, such as that of an invalid body or token.
    """
    return submit(validate((await request.body()).decode()), admit(request.headers["cookie"]))


handler = Mangum(app, lifespan="off")
