"""Webhook endpoints: their names, and the pauses between retries."""

from datetime import timedelta

from tests.builders import an_id
from tests.fakes.clock import START
from videojobs.domain.webhook import JITTER, RETRY_PAUSES, WebhookDelivery, name_endpoint, pause_after

URL = "https://platform.example/hooks"


def test_each_url_has_a_stable_and_distinct_name() -> None:
    assert name_endpoint(URL) == name_endpoint(URL)
    assert name_endpoint(URL) != name_endpoint(URL + "/")
    assert len(name_endpoint(URL)) == 16


def test_the_name_of_an_endpoint_reveals_nothing_of_its_url() -> None:
    assert "platform" not in name_endpoint(URL)


def test_the_pauses_between_retries_grow_over_hours() -> None:
    assert list(RETRY_PAUSES) == sorted(set(RETRY_PAUSES))
    assert timedelta(hours=12) < sum(RETRY_PAUSES, timedelta()) < timedelta(days=1)


def test_pauses_are_randomized() -> None:
    pauses = {pause_after(3) for _ in range(20)}
    assert len(pauses) > 1
    assert all(pause and RETRY_PAUSES[2] <= pause <= RETRY_PAUSES[2] * (1 + JITTER) for pause in pauses)


def test_a_pause_is_at_least_as_long_as_the_receiver_asks_for() -> None:
    hour = timedelta(hours=1)
    first, last = pause_after(1, hour.total_seconds()), pause_after(len(RETRY_PAUSES), 5)
    assert first is not None
    assert hour <= first <= hour * (1 + JITTER)
    assert last is not None
    assert last >= RETRY_PAUSES[-1]


def test_there_is_no_pause_after_the_last_attempt() -> None:
    assert pause_after(len(RETRY_PAUSES)) is not None
    assert pause_after(len(RETRY_PAUSES) + 1) is None


def test_a_retry_belongs_to_the_same_delivery() -> None:
    delivery = WebhookDelivery(name_endpoint(URL), "event-1", an_id())
    retry = delivery.again(START)
    assert (retry.attempt, retry.due_at) == (2, START)
    assert (retry.endpoint, retry.event_id, retry.job_id) == (delivery.endpoint, delivery.event_id, delivery.job_id)
