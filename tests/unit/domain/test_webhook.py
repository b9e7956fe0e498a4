"""How an endpoint is named, and how long it is waited for."""

from datetime import timedelta

from tests.builders import an_id
from tests.fakes.clock import START
from videojobs.domain.webhook import JITTER, RETRY_PAUSES, WebhookDelivery, name_endpoint, pause_after

URL = "https://platform.example/hooks"


def test_a_url_has_one_name_and_another_url_another() -> None:
    assert name_endpoint(URL) == name_endpoint(URL)
    assert name_endpoint(URL) != name_endpoint(URL + "/")
    assert len(name_endpoint(URL)) == 16


def test_the_name_shows_nothing_of_the_url() -> None:
    assert "platform" not in name_endpoint(URL)


def test_pauses_grow_over_hours() -> None:
    assert list(RETRY_PAUSES) == sorted(set(RETRY_PAUSES))
    assert timedelta(hours=12) < sum(RETRY_PAUSES, timedelta()) < timedelta(days=1)


def test_what_failed_together_does_not_come_back_together() -> None:
    pauses = {pause_after(3) for _ in range(20)}
    assert len(pauses) > 1
    assert all(pause and RETRY_PAUSES[2] <= pause <= RETRY_PAUSES[2] * (1 + JITTER) for pause in pauses)


def test_after_the_last_attempt_there_is_no_pause() -> None:
    assert pause_after(len(RETRY_PAUSES)) is not None
    assert pause_after(len(RETRY_PAUSES) + 1) is None


def test_the_next_attempt_is_the_same_delivery() -> None:
    delivery = WebhookDelivery(name_endpoint(URL), "event-1", an_id())
    later = delivery.again(START)
    assert (later.attempt, later.due_at) == (2, START)
    assert (later.endpoint, later.event_id, later.job_id) == (delivery.endpoint, delivery.event_id, delivery.job_id)
