"""The document's links: which calls an answer leads to, and what of it they take (OpenAPI 3.1, "Link Object")."""

from collections.abc import Mapping
from typing import NamedTuple

from tools.apidocs.schemas import Json

_JOB_ID = "$response.body#/data/jobId"
_BATCH_ID = "$response.body#/data/batchId"
_FIRST_JOB_ID = "$response.body#/data/items/0/jobId"


class _Link(NamedTuple):
    operation_id: str
    parameter: str
    expression: str
    description: str


_LINKS: Mapping[str, _Link] = {
    "follow": _Link("getVideo", "jobId", _JOB_ID, "How the job stands."),
    "cancel": _Link("cancelVideo", "jobId", _JOB_ID, "End it, while it is live."),
    "retry": _Link("retryVideo", "jobId", _JOB_ID, "Queue it anew, when it has failed or was cancelled."),
    "delete": _Link("deleteVideo", "jobId", _JOB_ID, "Remove it, when it has ended."),
    "play": _Link("getContent", "jobId", _JOB_ID, "The video itself, when it is completed."),
    "followFirst": _Link("getVideo", "jobId", _FIRST_JOB_ID, "How the first of the jobs stands."),
    "count": _Link("countBatch", "batchId", _BATCH_ID, "How far the batch is."),
    "list": _Link("listVideos", "batchId", _BATCH_ID, "The batch's jobs."),
}
OF_A_JOB = ("follow", "cancel", "retry", "delete", "play")
"""Where an answer that shows one job leads."""
OF_A_BATCH = ("count", "list", "followFirst")
"""Where a new batch leads."""


def with_links(answer: Json, *names: str) -> Json:
    """The same answer, with where it leads."""
    return answer | {"links": {name: {"$ref": f"#/components/links/{name}"} for name in names}}


def all_links() -> Json:
    """Each by its name."""
    return {
        name: {
            "operationId": link.operation_id,
            "parameters": {link.parameter: link.expression},
            "description": link.description,
        }
        for name, link in _LINKS.items()
    }
