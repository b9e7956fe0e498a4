"""The links of the OpenAPI document: operations that take an ID from a response (OpenAPI 3.1, "Link Object")."""

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
    "follow": _Link("getVideo", "jobId", _JOB_ID, "Get the job."),
    "cancel": _Link("cancelVideo", "jobId", _JOB_ID, "Cancel the job while it is queued or processing."),
    "retry": _Link("retryVideo", "jobId", _JOB_ID, "Retry the job if it has failed or was cancelled."),
    "delete": _Link("deleteVideo", "jobId", _JOB_ID, "Delete the job after it has ended."),
    "play": _Link("getVideoContent", "jobId", _JOB_ID, "Get the video file of a completed job."),
    "followFirst": _Link("getVideo", "jobId", _FIRST_JOB_ID, "Get the first job of the batch."),
    "count": _Link("getBatch", "batchId", _BATCH_ID, "Get the number of the batch's jobs in each status."),
    "list": _Link("listVideos", "batchId", _BATCH_ID, "List the jobs of the batch."),
}
OF_A_JOB = ("follow", "cancel", "retry", "delete", "play")
"""The links of a response that contains one job."""
OF_A_BATCH = ("count", "list", "followFirst")
"""The links of a response that contains a new batch."""


def with_links(answer: Json, *names: str) -> Json:
    """Return the OpenAPI response with references to the named links, such as `follow`. `answer` is not changed."""
    return answer | {"links": {name: {"$ref": f"#/components/links/{name}"} for name in names}}


def all_links() -> Json:
    """Return all OpenAPI links by their names."""
    return {
        name: {
            "operationId": link.operation_id,
            "parameters": {link.parameter: link.expression},
            "description": link.description,
        }
        for name, link in _LINKS.items()
    }
