"""A webhook arrives, or is tried again for hours and then given up; an endpoint that is gone is left alone."""

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
    """One job that has changed, and everything around its webhook."""

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
        """Deliver whatever is sent, waiting for it as long as it asks for; how many messages that took."""
        for count in range(at_most):
            waiting = self.queue.drain()
            if not waiting:
                return count
            [(delivery, delay_seconds)] = waiting
            self.clock.advance(delay_seconds)
            self.deliver(delivery)
        raise AssertionError(f"still busy after {at_most} messages")


def test_a_receiver_gets_the_job_as_it_stands_under_the_events_id() -> None:
    sut = SystemUnderTest()
    sut.deliver()
    assert sut.receiver.got == [SentWebhook(URL, "event-1", f"{sut.job.id} at 3", START)]
    assert sut.queue.sent == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_enough(status: int) -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(status)))
    sut.deliver()
    assert sut.queue.sent == []


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_a_failure_redirects_too(status: int) -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(status)))
    sut.deliver()
    [(delivery, _)] = sut.queue.sent
    assert delivery.attempt == 2


def test_a_failure_is_followed_by_another_attempt_under_the_same_id() -> None:
    sut = SystemUnderTest(ScriptedReceiver(WebhookAnswer(500), DOWN))
    sut.deliver()
    sut.run()
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1"] * 3
    waited = sut.receiver.got[-1].at - START
    assert sum(RETRY_PAUSES[:2], timedelta()) <= waited <= sum(RETRY_PAUSES[:2], timedelta()) * (1 + JITTER)


def test_a_later_attempt_shows_what_has_become_of_the_job() -> None:
    sut = SystemUnderTest(ScriptedReceiver(DOWN))
    sut.deliver()
    sut.jobs.put(a_job(id=sut.job.id, version=4))
    sut.run()
    assert [sent.body.rpartition(" ")[2] for sent in sut.receiver.got] == ["3", "4"]


def test_the_pauses_follow_the_table_and_the_last_failure_is_given_up_counted_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sut = SystemUnderTest(ScriptedReceiver(*[DOWN] * 20))
    sut.deliver()
    sut.run()
    times = [sent.at for sent in sut.receiver.got]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(pauses) == len(RETRY_PAUSES)
    for waited, least in zip(pauses, RETRY_PAUSES, strict=True):
        assert least <= waited <= least * (1 + JITTER) + timedelta(seconds=60)  # each hop may round up a second
    assert sut.webhooks.failures == {("event-1", name_endpoint(URL)): "no response before the timeout"}
    assert [record.action for record in caplog.records if record.levelno == logging.ERROR] == ["webhook_given_up"]


def test_a_pause_that_sqs_cannot_make_at_once_is_made_in_hops() -> None:
    sut = SystemUnderTest()
    waiting = sut.delivery().again(START + timedelta(seconds=2000))
    sut.deliver(waiting)
    assert sut.queue.sent == [(waiting, sut.queue.maximum_delay_seconds)]
    assert sut.run() == 3
    assert [sent.at for sent in sut.receiver.got] == [START + timedelta(seconds=2000)]


def test_a_message_that_comes_early_waits() -> None:
    sut = SystemUnderTest()
    waiting = sut.delivery().again(START + timedelta(milliseconds=1))
    sut.deliver(waiting)
    assert sut.receiver.got == []
    assert sut.queue.sent == [(waiting, 1)]


def test_what_is_gone_is_left_alone_for_a_day_whatever_comes() -> None:
    sut = SystemUnderTest(ScriptedReceiver(GONE))
    sut.deliver()
    assert sut.queue.sent == []
    sut.clock.advance(GONE_FOR.total_seconds() - 1)
    sut.deliver(sut.delivery("event-2"))
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1"]
    sut.clock.advance(1)
    sut.deliver(sut.delivery("event-3"))
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1", "event-3"]


def test_retries_end_as_well_when_the_endpoint_says_that_it_is_gone() -> None:
    sut = SystemUnderTest(ScriptedReceiver(DOWN, GONE))
    sut.deliver()
    [(retry, _)] = sut.queue.drain()
    sut.deliver(sut.delivery("event-2"))
    sut.clock.advance(minutes=1)
    sut.deliver(retry)
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1", "event-2"]
    assert (sut.queue.sent, sut.webhooks.failures) == ([], {})


def test_one_endpoint_that_is_gone_stops_no_other_and_a_new_url_starts_anew() -> None:
    sut = SystemUnderTest(ScriptedReceiver(GONE), urls=(URL, OTHER_URL))
    sut.deliver()
    sut.deliver(sut.delivery("event-2", OTHER_URL))
    assert [sent.url for sent in sut.receiver.got] == [URL, OTHER_URL]


def test_a_url_that_the_operator_took_away_gets_nothing_more() -> None:
    sut = SystemUnderTest(urls=(OTHER_URL,))
    sut.deliver()
    assert (sut.receiver.got, sut.queue.sent) == ([], [])


def test_of_a_job_that_is_no_more_there_is_nothing_to_tell() -> None:
    sut = SystemUnderTest()
    sut.deliver(WebhookDelivery(name_endpoint(URL), "event-1", an_id()))
    assert (sut.receiver.got, sut.queue.sent) == ([], [])


def test_while_the_database_does_not_answer_the_delivery_waits_like_any_that_failed() -> None:
    sut = SystemUnderTest()
    sut.webhooks.available = False
    sut.deliver()
    sut.webhooks.available = True
    assert sut.receiver.got == []
    sut.run()
    assert [sent.event_id for sent in sut.receiver.got] == ["event-1"]


def test_while_the_secret_cannot_be_read_the_delivery_waits() -> None:
    sut = SystemUnderTest(ScriptedReceiver(Unavailable()))
    sut.deliver()
    assert [delivery.attempt for delivery, _ in sut.queue.sent] == [2]


def test_a_retry_that_no_queue_takes_leaves_the_message_where_it_is() -> None:
    sut = SystemUnderTest(ScriptedReceiver(DOWN))
    sut.queue.available = False
    with pytest.raises(Unavailable):
        sut.deliver()


def test_a_giving_up_that_cannot_be_recorded_leaves_the_message_where_it_is() -> None:
    class Failing(ScriptedReceiver):
        def send(self, *arguments: object) -> WebhookAnswer:
            sut.webhooks.available = False
            return DOWN

    sut = SystemUnderTest(Failing())
    last = WebhookDelivery(name_endpoint(URL), "event-1", sut.job.id, attempt=len(RETRY_PAUSES) + 1)
    with pytest.raises(Unavailable):
        sut.deliver(last)


def test_the_log_names_the_host_and_never_the_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sut = SystemUnderTest(ScriptedReceiver(DOWN))
    sut.deliver()
    sut.run()
    assert {record.host for record in caplog.records} == {"platform.example"}
    assert "of-the-url" not in "".join(str(vars(record)) for record in caplog.records)
