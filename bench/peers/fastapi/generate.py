"""FastAPI with Mangum, POST. The route is `async def`, which FastAPI runs without a thread."""

from typing import Any

from fastapi import FastAPI, Request
from mangum import Mangum
from plain import admit, submit
from schema import validate

app = FastAPI(openapi_url=None)


@app.post("/api/videos/generate", status_code=201)
async def generate(request: Request) -> dict[str, Any]:
    """Create a job."""
    return submit(validate((await request.body()).decode()), admit(request.headers["cookie"]))


handler = Mangum(app, lifespan="off")
