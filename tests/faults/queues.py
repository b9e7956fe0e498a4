"""The queues, and what Lambda's pollers make of them: a message out, an event in, and a message deleted or not."""

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
        """What stands in Lambda's event."""
        return {
            "messageId": self.id,
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.receive_count)},
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.queue}",
        }


@dataclass(frozen=True)
class Queues:
    """The queues of template.yaml, with its settings, under names of this test's own."""

    client: Any
    urls: Mapping[str, str]

    @classmethod
    def create(cls, cloud: Cloud) -> Self:
        """Make them."""
        client = cloud.client("sqs")
        urls = {}
        for name in [*DEAD_LETTERS_OF.values(), *DEAD_LETTERS_OF, "EventsQueue"]:
            wanted = _TEMPLATE.get(name, {})
            attributes = {"VisibilityTimeout": str(wanted.get("VisibilityTimeout", 30))}
            if name in DEAD_LETTERS_OF:
                arn = f"arn:aws:sqs:us-east-1:123456789012:{urls[DEAD_LETTERS_OF[name]].rpartition('/')[2]}"
                redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": wanted["RedrivePolicy"]["maxReceiveCount"]}
                attributes["RedrivePolicy"] = json.dumps(redrive)
            urls[name] = client.create_queue(QueueName=unused_name(name), Attributes=attributes)["QueueUrl"]
        return cls(client, urls)

    def receive(self, queue: str, at_most: int = 10) -> list[Message]:
        """What is visible now, ten at the most; hidden from others for the queue's time-out."""
        answer = self.client.receive_message(
            QueueUrl=self.urls[queue], MaxNumberOfMessages=at_most, AttributeNames=["ApproximateReceiveCount"]
        )
        return [
            Message(
                queue,
                each["MessageId"],
                each["Body"],
                each["ReceiptHandle"],
                int(each["Attributes"]["ApproximateReceiveCount"]),
            )
            for each in answer.get("Messages", [])
        ]

    def delete(self, message: Message) -> None:
        """It was handled."""
        self.client.delete_message(QueueUrl=self.urls[message.queue], ReceiptHandle=message.receipt)

    def send(self, queue: str, body: str) -> None:
        """Put a message in by hand."""
        self.client.send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def purge(self, queue: str) -> None:
        """Lose everything that is in it."""
        self.client.purge_queue(QueueUrl=self.urls[queue])

    def drain(self, queue: str) -> list[Message]:
        """Take everything out that is visible."""
        taken: list[Message] = []
        while page := self.receive(queue):
            for message in page:
                self.delete(message)
            taken += page
        return taken
