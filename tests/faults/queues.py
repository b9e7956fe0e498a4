"""The queues of the template, and the operations of Lambda's pollers on them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.faults.cloud import Cloud, unused_name
from tests.template.parsed import resources

_TEMPLATE = resources("AWS::SQS::Queue")
FUNCTION_OF = {"JobsQueue": "worker", "RenderQueue": "render"}
DEAD_LETTERS_OF = {"JobsQueue": "DeadLetterQueue", "RenderQueue": "RenderDeadLetterQueue"}


@dataclass(frozen=True)
class Message:
    """One delivery of a message; `receipt` deletes it."""

    queue: str
    id: str
    body: str
    receipt: str
    receive_count: int

    def record(self) -> dict[str, Any]:
        """Return the record of the message in Lambda's event."""
        return {
            "messageId": self.id,
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.receive_count)},
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.queue}",
        }


@dataclass(frozen=True)
class Queues:
    """The queues of template.yaml with their settings, under names that are unique to the test."""

    client: Any
    urls: Mapping[str, str]

    @classmethod
    def create(cls, cloud: Cloud) -> Self:
        """Create the queues."""
        client = cloud.client("sqs")
        urls = {}
        for name in [*DEAD_LETTERS_OF.values(), *DEAD_LETTERS_OF, "EventsQueue"]:
            properties = _TEMPLATE.get(name, {})
            attributes = {"VisibilityTimeout": str(properties.get("VisibilityTimeout", 30))}
            if name in DEAD_LETTERS_OF:
                arn = f"arn:aws:sqs:us-east-1:123456789012:{urls[DEAD_LETTERS_OF[name]].rpartition('/')[2]}"
                redrive = {
                    "deadLetterTargetArn": arn,
                    "maxReceiveCount": properties["RedrivePolicy"]["maxReceiveCount"],
                }
                attributes["RedrivePolicy"] = json.dumps(redrive)
            urls[name] = client.create_queue(QueueName=unused_name(name), Attributes=attributes)["QueueUrl"]
        return cls(client, urls)

    def receive(self, queue: str, at_most: int = 10) -> list[Message]:
        """Return up to `at_most` visible messages, and hide them for the queue's visibility timeout."""
        response = self.client.receive_message(
            QueueUrl=self.urls[queue], MaxNumberOfMessages=at_most, AttributeNames=["ApproximateReceiveCount"]
        )
        return [
            Message(
                queue,
                it["MessageId"],
                it["Body"],
                it["ReceiptHandle"],
                int(it["Attributes"]["ApproximateReceiveCount"]),
            )
            for it in response.get("Messages", [])
        ]

    def delete(self, message: Message) -> None:
        """Delete a message after it was handled."""
        self.client.delete_message(QueueUrl=self.urls[message.queue], ReceiptHandle=message.receipt)

    def send(self, queue: str, body: str) -> None:
        """Send a message."""
        self.client.send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def purge(self, queue: str) -> None:
        """Delete all messages of a queue."""
        self.client.purge_queue(QueueUrl=self.urls[queue])

    def drain(self, queue: str) -> list[Message]:
        """Receive and delete all visible messages. Return them."""
        taken: list[Message] = []
        while page := self.receive(queue):
            for message in page:
                self.delete(message)
            taken += page
        return taken
