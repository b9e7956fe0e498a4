"""Webhook delivery: attempts are repeated for hours and then given up; an endpoint that is gone is skipped."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.builders import a_job, an_id
from tests.fakes.clock import START, VirtualClock
from tests.fakes.jobs import InMemoryJobRepository
from tests.fakes.webhooks import InMemoryWebhookRepository, RecordingWebhookQueue, ScriptedReceiver, SentWebhook
from videojobs.domain.errors import Unavailable
from videojobs.domain.job import JobId, VideoJob
from videojobs.domain.webhook import GONE_FOR, JITTER, RETRY_PAUSES, WebhookDelivery, name_endpoint
from videojobs.ports.changes import WebhookAnswer
from videojobs.services.deliver_webhook import WebhookOutcomes, deliver_webhook

URL = "https://platform.example/hooks?key=of-the-url"
OTHER_URL = "https://other.example/hooks"
DOWN = WebhookAnswer(None, "no response before the timeout")
GONE = WebhookAnswer(410)


@dataclass
class SystemUnderTest:
    """A job that has changed, and the adapters around the delivery of its webhooks."""

    receiver: ScriptedReceiver = field(default_factory=ScriptedReceiver)
    urls: tuple[str, ...] = (URL,)
    job: VideoJob = field(default_factory=lambda: a_job(version=3))
    clock: VirtualClock = field(default_factory=VirtualClock)
    jobs: InMemoryJobRepository = field(default_factory=InMemoryJobRepository)
    webhooks: InMemoryWebhookRepository = field(default_factory=InMemoryWebhookRepository)
    queue: RecordingWebhookQueue = field(default_factory=RecordingWebhookQueue)

    def __post_init__(self) -> None:
        self.jobs.put(self.job)

    def delivery(self, event_id: str = "event-1", url: str = URL) -> WebhookDelivery:
        return WebhookDelivery(name_endpoint(url), event_id, self.job.id)

    def deliver(self, delivery: WebhookDelivery | None = None) -> None:
        deliver_webhook(
            delivery or self.delivery(),
            {name_endpoint(url): url for url in self.urls}.get((delivery or self.delivery()).endpoint),
            read_body=self.read_body,
            sender=self.receiver,
            outcomes=WebhookOutcomes(self.webhooks, self.queue, self.clock),
        )

    def read_body(self, job_id: JobId) -> str | None:
        job = self.jobs.find(job_id)
        return job and f"{job.id} at {job.version}"

    def run(self, *, at_most: int = 200) -> int:
        """Deliver messages until the queue is empty, waiting out each delay; return the number of messages."""
        for count in range(at_most):
            waiting = self.queue.drain()
            if not waiting:
                return count
            [(delivery, delay_seconds)] = waiting
            self.clock.advance(delay_seconds)
            self.deliver(delivery)
        raise AssertionError(f"still busy after {at_most} messages")


def test_the_receiver_gets_the_current_job_with_the_id_of_the_event() -> None:
    sut = SystemUnderTest()
    sut.deliver()
    assert sut.receiver.got == [SentWebhook(URL, "event-1", f"{sut.job.id} at 3", START)]
    assert sut.queue.sent == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_status_completes_the_delivery(status: int) -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(status)))
    sut.deliver()
    assert sut.queue.sent == []


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_every_other_status_including_redirects_is_a_failure(status: int) -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(status)))
    sut.deliver()
    [(delivery, _)] = sut.queue.sent
    assert delivery.attempt == 2


def test_a_failed_delivery_is_retried_with_the_same_event_id() -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(500), DOWN))
    sut.deliver()
    sut.run()
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1"] * 3
    waited = sut.receiver.got[-1].at - START
    assert sum(RETRY_PAUSES[:2], timedelta()) <= waited <= sum(RETRY_PAUSES[:2], timedelta()) * (1 + JITTER)


def test_a_retry_waits_as_long_as_the_receiver_asks_for() -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(503, retry_after_seconds=900)))
    sut.deliver()
    sut.run()
    assert sut.receiver.got[-1].at - START >= timedelta(seconds=900)


def test_a_retry_sends_the_current_version_of_the_job() -> None:
    sut = SystemUnderTest(ScriptedReceiver(DOWN))
    sut.deliver()
    sut.jobs.put(a_job(id=sut.job.id, version=4))
    sut.run()
    assert [sent.body.rpartition(" ")[2] for sent in sut.receiver.got] == ["3", "4"]


def test_retries_follow_the_table_and_the_last_failure_is_logged_and_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sut = SystemUnderTest(ScriptedReceiver(*[DOWN] * 20))
    sut.deliver()
    sut.run()
    times = [sent.at for sent in sut.receiver.got]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(pauses) == len(RETRY_PAUSES)
    for waited, least in zip(pauses, RETRY_PAUSES, strict=True):
        assert least <= waited <= least * (1 + JITTER) + timedelta(seconds=60)  # each hop may round up by a second
    assert sut.webhooks.failures == {("event-1", name_endpoint(URL)): "no response before the timeout"}
    assert [record.action for record in caplog.records if record.levelno == logging.ERROR] == ["webhook_given_up"]


def test_a_pause_longer_than_the_maximum_delay_of_sqs_is_made_in_hops() -> None:
    sut = SystemUnderTest()
    waiting = sut.delivery().again(START + timedelta(seconds=2000))
    sut.deliver(waiting)
    assert sut.queue.sent == [(waiting, sut.queue.maximum_delay_seconds)]
    assert sut.run() == 3
    assert [sent.at for sent in sut.receiver.got] == [START + timedelta(seconds=2000)]


def test_a_message_that_arrives_early_is_delayed_again() -> None:
    sut = SystemUnderTest()
    waiting = sut.delivery().again(START + timedelta(milliseconds=1))
    sut.deliver(waiting)
    assert sut.receiver.got == []
    assert sut.queue.sent == [(waiting, 1)]


def test_an_endpoint_that_is_gone_receives_nothing_for_a_day() -> None:
    sut = SystemUnderTest(ScriptedReceiver(GONE))
    sut.deliver()
    assert sut.queue.sent == []
    sut.clock.advance(GONE_FOR.total_seconds() - 1)
    sut.deliver(sut.delivery("event-2"))
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1"]
    sut.clock.advance(1)
    sut.deliver(sut.delivery("event-3"))
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1", "event-3"]


def test_a_410_response_also_ends_the_retries_of_earlier_events() -> None:
    sut = SystemUnderTest(ScriptedReceiver(DOWN, GONE))
    sut.deliver()
    [(retry, _)] = sut.queue.drain()
    sut.deliver(sut.delivery("event-2"))
    sut.clock.advance(minutes=1)
    sut.deliver(retry)
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1", "event-2"]
    assert (sut.queue.sent, sut.webhooks.failures) == ([], {})


def test_an_endpoint_that_is_gone_does_not_affect_another_endpoint() -> None:
    sut = SystemUnderTest(ScriptedReceiver(GONE), urls=(URL, OTHER_URL))
    sut.deliver()
    sut.deliver(sut.delivery("event-2", OTHER_URL))
    assert [sent.url for sent in sut.receiver.got] == [URL, OTHER_URL]


def test_a_url_that_is_no_longer_configured_receives_nothing() -> None:
    sut = SystemUnderTest(urls=(OTHER_URL,))
    sut.deliver()
    assert (sut.receiver.got, sut.queue.sent) == ([], [])


def test_no_webhook_is_sent_for_a_deleted_job() -> None:
    sut = SystemUnderTest()
    sut.deliver(WebhookDelivery(name_endpoint(URL), "event-1", an_id()))
    assert (sut.receiver.got, sut.queue.sent) == ([], [])


def test_the_delivery_is_retried_while_the_database_is_unavailable() -> None:
    sut = SystemUnderTest()
    sut.webhooks.available = False
    sut.deliver()
    sut.webhooks.available = True
    assert sut.receiver.got == []
    sut.run()
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1"]


def test_the_delivery_is_retried_while_the_secret_cannot_be_read() -> None:
    sut = SystemUnderTest(ScriptedReceiver(Unavailable()))
    sut.deliver()
    assert [delivery.attempt for delivery, _ in sut.queue.sent] == [2]


def test_the_message_stays_in_its_queue_when_the_retry_cannot_be_sent() -> None:
    sut = SystemUnderTest(ScriptedReceiver(DOWN))
    sut.queue.available = False
    with pytest.raises(Unavailable):
        sut.deliver()


def test_the_message_stays_in_its_queue_when_the_final_failure_cannot_be_recorded() -> None:
    class Failing(ScriptedReceiver):
        def send(self, *arguments: object) -> WebhookAnswer:
            sut.webhooks.available = False
            return DOWN

    sut = SystemUnderTest(Failing())
    last = WebhookDelivery(name_endpoint(URL), "event-1", sut.job.id, attempt=len(RETRY_PAUSES) + 1)
    with pytest.raises(Unavailable):
        sut.deliver(last)


def test_the_log_contains_the_host_and_never_the_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sut = SystemUnderTest(ScriptedReceiver(DOWN))
    sut.deliver()
    sut.run()
    assert {record.host for record in caplog.records} == {"platform.example"}
    assert "of-the-url" not in "".join(str(vars(record)) for record in caplog.records)
