"""Simulation of an outage: the queues of template.yaml, the functions that read them, and a virtual clock."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from tests.fakes.queue import SentMessage
from tests.fakes.webhooks import InMemoryWebhookRepository, RecordingWebhookQueue, ScriptedReceiver
from tests.system import InMemorySystem
from tests.template.parsed import FUNCTIONS, events, functions, queue_of, resources, variables
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, Step, VideoJob
from videojobs.domain.policy import StepPolicy
from videojobs.domain.request import Priority
from videojobs.domain.webhook import WebhookDelivery, name_endpoint
from videojobs.services.deliver_webhook import WebhookOutcomes, deliver_webhook
from videojobs.services.notify_change import notify_change

SWEEP_EVERY = timedelta(minutes=1)
URL = "https://platform.example/hooks"
QUEUES = resources("AWS::SQS::Queue")
READERS = {queue_of(event): name for name in FUNCTIONS for event in events(functions()[name], "SQS")}
"""The function that reads each queue; the dead-letter queues of events and webhooks have none."""


class Outage(StrEnum):
    """Resource that is missing. A throttled function does not run, but its messages count as received."""

    DATABASE = "MongoDB"
    WORKERS = "capacity of the worker and the renderer"
    FUNCTIONS = "capacity of all functions"


def deployed_policy() -> StepPolicy:
    """Return the policy with the lease and the deadline of the template."""
    declared = variables(functions()["worker"])
    lease, deadline = (float(declared[name]) for name in ("LEASE_SECONDS", "JOB_DEADLINE_SECONDS"))
    return StepPolicy(lease_duration=timedelta(seconds=lease), deadline=timedelta(seconds=deadline))


class Event(NamedTuple):
    """Announcement in the events queue."""

    id: str
    job_id: JobId


@dataclass(slots=True)
class Message:
    """Message in a queue."""

    content: SentMessage | Event | WebhookDelivery
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class Queue:
    """Queue with the visibility timeout and the redrive policy of the template."""

    name: str
    messages: list[Message] = field(default_factory=list)

    @property
    def visibility_timeout(self) -> timedelta:
        """Return how long a received message is hidden."""
        return timedelta(seconds=QUEUES[self.name]["VisibilityTimeout"])

    def is_dead(self, message: Message) -> bool:
        """Return whether the message goes to the dead-letter queue instead of being received once more."""
        policy = QUEUES[self.name].get("RedrivePolicy")
        return policy is not None and message.receives >= policy["maxReceiveCount"]

    @property
    def dead_letter_queue(self) -> str:
        """Return the name of the dead-letter queue."""
        return str(QUEUES[self.name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]).removesuffix(".Arn")


class OutageSimulation:
    """Queues, functions and schedule of the deployment around the services in memory.

    `sent` counts the messages for each step of a job, `dead_letters` the messages that each dead-letter queue got.
    """

    def __init__(self, system: InMemorySystem) -> None:
        self.system = system
        self.queues = {name: Queue(name) for name in QUEUES}
        self.webhooks, self.receiver = InMemoryWebhookRepository(), ScriptedReceiver()
        self.sent: Counter[tuple[JobId, str]] = Counter()
        self.dead_letters: Counter[str] = Counter()
        self._deliveries = RecordingWebhookQueue(endpoints=[name_endpoint(URL)])
        self._outage: Outage | None = None
        self._published = 0
        self._next_sweep = self._now + SWEEP_EVERY

    def put(self, job: VideoJob) -> JobId:
        """Store a job and send the message of its next step, if it has one. Return its ID."""
        if job.next is None:
            return self.system.jobs.put(job).id
        self.system.queue.put_back(self.system.put(job))
        return job.id

    def run(self, minutes: float, *, outage: Outage | None = None) -> None:
        """Let time pass, with the deliveries and sweeps before its end. They fail if what they need is missing."""
        self._set(outage)
        end = self._now + timedelta(minutes=minutes)
        while True:
            self._take_messages()
            times = [message.visible_at for _, message in self._readable()]
            soonest = min([*times, self._next_sweep])
            if soonest >= end:
                break
            self.system.clock.set(max(soonest, self._now))
            for queue, message in self._readable():
                if message.visible_at <= self._now:
                    self._receive(queue, message)
            if self._now >= self._next_sweep:
                self._next_sweep += SWEEP_EVERY
                self._call("reconciler", None)
        self.system.clock.set(end)
        self._set(None)

    def in_queues(self) -> dict[str, int]:
        """Return the number of messages in each queue that is not empty."""
        return {name: len(queue.messages) for name, queue in self.queues.items() if queue.messages}

    @property
    def _now(self) -> datetime:
        return self.system.clock.now()

    def _set(self, outage: Outage | None) -> None:
        self._outage = outage
        system = self.system
        for repository in (system.jobs, system.slots, system.circuits, system.timings, self.webhooks):
            repository.available = outage is not Outage.DATABASE  # type: ignore[attr-defined]

    def _readable(self) -> list[tuple[Queue, Message]]:
        return [(self.queues[name], message) for name in READERS for message in self.queues[name].messages]

    def _receive(self, queue: Queue, message: Message) -> None:
        queue.messages.remove(message)
        if queue.is_dead(message):
            self.dead_letters[queue.dead_letter_queue] += 1
            self.queues[queue.dead_letter_queue].messages.append(Message(message.content, self._now))
            return
        if not self._call(READERS[queue.name], message.content):
            hidden_until = self._now + queue.visibility_timeout
            queue.messages.append(Message(message.content, hidden_until, message.receives + 1))
        self._take_messages()

    def _call(self, function: str, content: SentMessage | Event | WebhookDelivery | None) -> bool:
        """Run a function unless it is throttled. Return whether it succeeded."""
        is_throttled = self._outage is Outage.FUNCTIONS or (
            self._outage is Outage.WORKERS and function in {"worker", "render"}
        )
        if is_throttled:
            return False
        try:
            match content:
                case None:
                    self.system.sweep()
                case SentMessage():
                    (self.system.bury if function == "reconciler" else self.system.hand_out)(content)
                case Event():
                    clock, listeners = self.system.clock, [self._deliveries.enqueue]
                    notify_change(*content, jobs=self.system.jobs, clock=clock, listeners=listeners)
                case WebhookDelivery():
                    self._deliver_webhook(content)
        except Unavailable:
            return False
        return True

    def _deliver_webhook(self, delivery: WebhookDelivery) -> None:
        def read_body(job_id: JobId) -> str | None:
            job = self.system.jobs.find(job_id)
            return job and job.status

        outcomes = WebhookOutcomes(self.webhooks, self._deliveries, self.system.clock)
        deliver_webhook(delivery, URL, read_body=read_body, sender=self.receiver, outcomes=outcomes)

    def _take_messages(self) -> None:
        """Move what the services have sent into the queues."""
        for sent in self.system.queue.drain():
            self.sent[sent.job_id, sent.step_id] += 1
            prefix = "High" if sent.lane is Priority.HIGH else ""
            kind = "RenderQueue" if sent.step is Step.RENDER else "JobsQueue"
            self._put(prefix + kind, sent, sent.delay_seconds)
        for job_id, announcement in self.system.notifier.published[self._published :]:
            self._published += 1
            self._put("EventsQueue", Event(announcement.id, job_id))
        for delivery, delay_seconds in self._deliveries.drain():
            self._put("WebhooksQueue", delivery, delay_seconds)

    def _put(self, name: str, content: SentMessage | Event | WebhookDelivery, delay_seconds: float = 0) -> None:
        visible_at = self._now + timedelta(seconds=delay_seconds)
        self.queues[name].messages.append(Message(content, visible_at))
