"""The whole document, put together."""

from tools.apidocs.answers import HEADERS, error_answers
from tools.apidocs.links import all_links
from tools.apidocs.operations import (
    batch_operation,
    callback_operation,
    cancel_operation,
    content_operation,
    count_operation,
    delete_operation,
    erase_operation,
    generate_operation,
    list_operation,
    retry_operation,
    status_operation,
    ticket_operation,
)
from tools.apidocs.schemas import Json, all_schemas


def build_document() -> Json:
    """The same at every run."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video Jobs",
            "version": "1.0.0",
            "summary": "A prompt becomes a video, asynchronously.",
            "description": "Post a prompt, get a job's id at once, follow the job, play the video.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"session": []}],
        "tags": [
            {"name": "videos", "description": "Video jobs, each its owner's alone."},
            {"name": "batches", "description": "Jobs that were asked for together."},
            {"name": "providers", "description": "For AI providers alone."},
        ],
        "paths": {
            "/api/videos/generate": {"post": generate_operation()},
            "/api/videos/batch": {"post": batch_operation()},
            "/api/videos": {"get": list_operation()},
            "/api/videos/{jobId}": {"get": status_operation(), "delete": delete_operation()},
            "/api/videos/{jobId}/cancel": {"post": cancel_operation()},
            "/api/videos/{jobId}/retry": {"post": retry_operation()},
            "/api/videos/{jobId}/content": {"get": content_operation()},
            "/api/batches/{batchId}": {"get": count_operation()},
            "/api/users/me/videos": {"delete": erase_operation()},
            "/api/realtime/ticket": {"post": ticket_operation()},
            "/api/providers/{provider}/callback": {"post": callback_operation()},
        },
        "components": {
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "token",
                    "description": "The platform's JWT (HS256; claims `userId` and `exp`), in an HTTP-only cookie. "
                    'The claim `priority` with the value "high", or a list with it, allows high priority.',
                }
            },
            "headers": dict(HEADERS),
            "responses": error_answers(),
            "links": all_links(),
            "schemas": all_schemas(),
        },
    }
