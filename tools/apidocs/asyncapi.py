"""The live updates' document, AsyncAPI 3.0, made of the types and the limits that the functions run on.

`python -m tools.apidocs.asyncapi > docs/asyncapi.yaml`; no function imports it.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from tools.apidocs.document import build_document as build_openapi
from videojobs.api.realtime import MAXIMUM_MESSAGE_LENGTH, Action
from videojobs.api.updates import PONG, ErrorMessage, JobUpdated, Pong, serialize_error
from videojobs.domain import errors
from videojobs.domain.errors import VideoJobsError
from videojobs.domain.realtime import (
    LONGEST_CONNECTION,
    MAXIMUM_SUBSCRIPTIONS,
    SNAPSHOT_JOBS,
    TICKET_LIFETIME,
)

type Json = dict[str, Any]

_HOURS, _SECONDS = LONGEST_CONNECTION.total_seconds() / 3600, TICKET_LIFETIME.total_seconds()
_DESCRIPTION = f"""\
Nobody needs to poll: open a WebSocket, subscribe, and hear of each change of your own jobs.

**Getting in.** The session cookie of the REST API lets you in. Where it doesn't reach, get a ticket from
`POST /api/realtime/ticket` and open `wss://…?ticket=…`: it works once, within {_SECONDS:.0f} s. A browser's page must
be of an allow-listed origin. Who isn't let in sees the handshake refused: 401 sign in (again), 403 the wrong origin,
429 too many connections of one user, 503 come again shortly.

**Delivery** is at least once and in no promised order: keep the highest `version` that you saw of each job, and drop
what isn't higher. Nothing falls between a snapshot and the updates after it.

**Ends.** A connection ends with its session, after {_HOURS:.0f} hours, after 10 minutes in which nobody said anything,
and when it takes no message: send a ping every few minutes, and when it ends, connect and subscribe again. The
snapshot then tells what you missed. Until you are in again, `GET /api/videos/{{jobId}}` tells the same.
"""
_JOB_ID: Json = {"type": "string", "pattern": "^[0-9a-fA-F]{24}$", "description": "A job of your own."}
_REFINEMENTS: Mapping[str, Mapping[str, Json]] = {
    "JobUpdated": {
        "id": {"description": "The change's own; a repeat has the same. In a snapshot it is made of job and version."},
        "version": {"minimum": 0, "description": "Of two updates of one job the one with the higher version is newer."},
    },
    "ErrorMessage": {
        "code": {"description": "For programs; stable."},
        "message": {"description": "For people."},
    },
}
_ERRORS: Sequence[VideoJobsError] = (
    errors.ValidationFailed([errors.ErrorDetail("action", f"Must be one of: {', '.join(Action)}.")]),
    errors.BodyTooLarge(f"The message is too large: {MAXIMUM_MESSAGE_LENGTH} characters are the most."),
    errors.JobForbidden(),
    errors.JobNotFound(),
    errors.TooManySubscriptions(),
    errors.Unavailable(),
    VideoJobsError(),
)
"""What a client may be told."""


def build_document() -> Json:
    """The whole document; the same at every run."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Video Jobs, live",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "live": {
                "host": "live.example.com",
                "protocol": "wss",
                "description": "The stack's output `WebSocketUrl`.",
                "security": [_ref("securitySchemes", "session"), _ref("securitySchemes", "ticket")],
            }
        },
        "channels": {
            "updates": {
                "address": "/",
                "messages": {name: _ref("messages", name) for name in _messages()},
                "bindings": {"ws": _handshake()},
            }
        },
        "operations": {
            "subscribe": _operation("receive", "subscribe", reply=("jobUpdated", "error")),
            "ping": _operation("receive", "ping", reply=("pong", "error")),
            "push": _operation("send", "jobUpdated"),
        },
        "components": {
            "messages": _messages(),
            "schemas": _schemas(),
            "securitySchemes": {
                "session": {
                    "type": "httpApiKey",
                    "in": "cookie",
                    "name": "token",
                    "description": "The platform's JWT, as for the REST API.",
                },
                "ticket": {
                    "type": "httpApiKey",
                    "in": "query",
                    "name": "ticket",
                    "description": "From `POST /api/realtime/ticket`.",
                },
            },
        },
    }


def _handshake() -> Json:
    ticket = {"type": "string", "description": "Where the session cookie doesn't reach."}
    return {"method": "GET", "query": {"type": "object", "properties": {"ticket": ticket}}, "bindingVersion": "0.1.0"}


def _operation(action: str, message: str, *, reply: Sequence[str] = ()) -> Json:
    channel = {"$ref": "#/channels/updates"}
    made: Json = {"action": action, "channel": channel, "messages": [_ref_in_channel(message)]}
    if reply:
        made["reply"] = {"channel": channel, "messages": [_ref_in_channel(name) for name in reply]}
    return made


def _messages() -> Json:
    openapi = build_openapi()["paths"]["/api/videos/{jobId}"]["get"]["responses"]["200"]["content"]["application/json"]
    data = openapi["examples"]["processing"]["value"]["data"]
    update = {"type": "job.updated", "id": "9a7b41c9d5e34c2fb6a0", "jobId": data["jobId"], "version": 4, "data": data}
    return {
        "subscribe": _message(
            "Hear of all of your jobs, or of one; a snapshot comes at once",
            f"The snapshot is one `job.updated` per job: the newest {SNAPSHOT_JOBS} and, beyond them, up to "
            f"{SNAPSHOT_JOBS} each that are queued or processing. Subscriptions add up; a connection can name "
            f"{MAXIMUM_SUBSCRIPTIONS} single jobs.",
            "Subscribe",
            {"action": "subscribe"},
            {"action": "subscribe", "jobId": data["jobId"]},
        ),
        "ping": _message("Keep the connection open, and see that it is", "", "Ping", {"action": "ping"}),
        "jobUpdated": _message("A job, as `GET` shows it", "", "JobUpdated", update),
        "pong": _message("The answer to a ping", "", "Pong", dict(PONG)),
        "error": _message(
            "Why a message was not heeded",
            "The connection lives on.",
            "ErrorMessage",
            *(dict(serialize_error(error)) for error in _ERRORS),
        ),
    }


def _message(summary: str, description: str, schema: str, *examples: Json) -> Json:
    described = {"summary": summary} | ({"description": description} if description else {})
    return {
        **described,
        "payload": _ref("schemas", schema),
        "examples": [{"payload": example} for example in examples],
    }


def _schemas() -> Json:
    roots = (JobUpdated, Pong, ErrorMessage)
    _, made = TypeAdapter.json_schemas(
        [(root.__name__, "validation", TypeAdapter(root)) for root in roots],
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = made["$defs"] | {"VideoJobData": build_openapi()["components"]["schemas"]["VideoJobData"]}
    for name, schema in schemas.items():
        for field, content in schema.get("properties", {}).items():
            content.pop("title", None)
            content.update(_REFINEMENTS.get(name, {}).get(field, {}))
    schemas["ErrorMessage"]["properties"]["code"]["enum"] = sorted({error.code.value for error in _ERRORS})
    return schemas | {
        "Subscribe": _action(Action.SUBSCRIBE, {"jobId": _JOB_ID}),
        "Ping": _action(Action.PING, {}),
    }


def _action(action: Action, fields: Json) -> Json:
    return {
        "type": "object",
        "properties": {"action": {"const": action.value}, **fields},
        "required": ["action"],
        "additionalProperties": False,
    }


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _ref_in_channel(message: str) -> Json:
    return {"$ref": f"#/channels/updates/messages/{message}"}


def write_yaml() -> str:
    """The document as it is committed."""
    import yaml  # a developer's tool, in no layer

    class Dumper(yaml.SafeDumper):
        """Long texts as they are, and nothing by reference."""

        def ignore_aliases(self, _: object) -> bool:
            return True

    def write_text(dumper: Dumper, text: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, write_text)
    return str(yaml.dump(build_document(), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=118))


if __name__ == "__main__":
    sys.stdout.write(write_yaml())
