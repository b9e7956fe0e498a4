"""The queues: SQS standard queues, at least once, in no promised order."""

import json
from collections.abc import Mapping
from math import ceil

from videojobs.adapters.aws import AwsJsonClient
from videojobs.domain.job import JobId, NextStep, Step


class SqsJobQueue:
    """Sends a step's message to the queue of its kind: `render` to one, all others to another."""

    def __init__(self, client: AwsJsonClient, *, urls: Mapping[Step, str]) -> None:
        """`urls` says which queue each kind of step goes to; one that is missing is never sent by this function."""
        self._client, self._urls = client, urls

    def send(self, job_id: JobId, step: NextStep, *, delay_seconds: float = 0) -> None:
        """Send `{jobId, stepId}`; see `ports.JobQueue`."""
        message = {
            "QueueUrl": self._urls[step.step],
            "MessageBody": json.dumps({"jobId": job_id, "stepId": step.id}),
            "DelaySeconds": ceil(delay_seconds),
        }
        self._client.call("SendMessage", message)
