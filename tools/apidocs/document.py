"""Assembly of the OpenAPI document."""

import re

from functions.callbacks import app as callbacks
from functions.generate import app as generate
from functions.jobs import app as jobs
from functions.realtime import app as realtime
from functions.status import app as status
from tools.apidocs.answers import HEADERS, error_answers
from tools.apidocs.introduction import VERSION, introduction
from tools.apidocs.links import all_links
from tools.apidocs.operations import OPERATIONS
from tools.apidocs.schemas import Json, all_schemas


def build_document() -> Json:
    """Return the OpenAPI document of all routes. The result is the same in every run.

    Raises:
        KeyError: If a route has no entry in `OPERATIONS`, or an entry has no route.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video Jobs",
            "version": VERSION,
            "summary": "Generates videos from prompts, asynchronously.",
            "description": introduction(),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {
                "url": "https://{domain}",
                "description": "A deployment. Without the parameter `DomainName`, use the stack's output `ApiUrl`.",
                "variables": {"domain": {"default": "api.example.com", "description": "The parameter `DomainName`."}},
            },
            {"url": "http://127.0.0.1:4570", "description": "The local system (`make up`)."},
        ],
        "security": [{"session": []}],
        "tags": [
            {"name": "videos", "description": "Video jobs. Each user can access only their own jobs."},
            {"name": "batches", "description": "Jobs that one request created together."},
            {"name": "live", "description": "Access to the live updates, which asyncapi.yaml describes."},
            {"name": "account", "description": "All data of the user."},
            {"name": "providers", "description": "Callbacks of AI providers. Not for clients."},
        ],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "token",
                    "description": "A JWT (HS256, with the claims `userId` and `exp`) in an HttpOnly cookie that your "
                    "application sets when a user signs in. Scripts can't read or set it, so API consoles can't send "
                    'it. The claim `priority` with the value "high", or a list that contains it, allows high priority.',
                }
            },
            "headers": dict(HEADERS),
            "responses": error_answers(),
            "links": all_links(),
            "schemas": all_schemas(),
        },
    }


def _paths() -> Json:
    """Return the paths of all routes, with the IDs, summaries and tags of their decorators.

    Raises:
        KeyError: If `OPERATIONS` has no entry for a route, or one without a route.
    """
    apis = (generate.api, jobs.api, status.api, realtime.ticket_api(), callbacks.api)
    routes = {route.operation_id: route for api in apis for route in (*api._static_routes, *api._dynamic_routes)}  # noqa: SLF001
    paths: Json = {}
    for operation_id in [*OPERATIONS, *(routes.keys() - OPERATIONS.keys())]:
        route, describe = routes[operation_id], OPERATIONS[operation_id]
        path = re.sub(r"_(\w)", lambda letter: letter[1].upper(), str(route.openapi_path))
        from_route = {"operationId": operation_id, "tags": route.tags, "summary": route.summary}
        paths.setdefault(path, {})[route.method.lower()] = from_route | describe()
    return paths
