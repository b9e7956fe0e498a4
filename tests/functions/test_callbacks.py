"""POST /api/providers/{provider}/callback: signed hints, and an answer that tells nothing about jobs."""

import base64
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from functions.callbacks import app
from tests.builders import a_started_job
from tests.functions.world import NOW, USER, call
from videojobs import bootstrap
from videojobs.adapters.callbacks import make_verifier
from videojobs.domain.job import ProviderTask
from videojobs.ports.callbacks import CALLING_BACK, MAXIMUM_AGE

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"id": "task-1", "status": "succeeded"}'
ACCEPTED = {"success": True, "data": {"accepted": True}}


def a_waiting_job(world, **fields):
    """A job that its provider is at."""
    task = ProviderTask("replicate", NOW, "task-1")
    return world.jobs.put(a_started_job(**({"provider": task, "user_id": USER} | fields)))


def call_back(world, job_id, **overrides):
    return world.call_back(BODY, query={"job": job_id}, **overrides)


def test_a_signed_callback_has_the_worker_ask_at_once(world):
    job = a_waiting_job(world)
    answer = call_back(world, job.id)
    assert (answer.status, answer.json) == (200, ACCEPTED)
    assert [(sent.job_id, sent.step_id, sent.delay_seconds) for sent in world.queue.sent] == [(job.id, job.next.id, 0)]


def test_the_answer_tells_nothing_about_jobs(world):
    job = a_waiting_job(world)
    ended = a_waiting_job(world, next=None)
    told = [call_back(world, job_id) for job_id in (job.id, ended.id, "0" * 24, "no id", "")]
    told.append(world.call_back(BODY))
    told.append(world.call_back('{"id": "another"}', query={"job": job.id}))
    told.append(world.call_back(BODY, provider="fal", query={"job": job.id}))
    told.append(world.call_back("[]", query={"job": job.id}))
    assert {(answer.status, answer.text) for answer in told} == {(200, told[0].text)}
    assert len(world.queue.sent) == 1


def test_of_several_jobs_the_first_is_meant(world):
    first, second = a_waiting_job(world), a_waiting_job(world)
    assert call_back(world, [first.id, second.id]).status == 200
    assert [sent.job_id for sent in world.queue.sent] == [first.id]


@pytest.mark.parametrize("signature", ["", "0" * 64])
def test_a_bad_signature_does_nothing(world, signature):
    job = a_waiting_job(world)
    answer = call_back(world, job.id, headers={"X-Signature": signature})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
    assert not world.queue.sent


def test_a_callback_of_long_ago_does_nothing(world):
    job, old = a_waiting_job(world), world.verifier.sign(BODY, NOW)
    world.clock.set(NOW + MAXIMUM_AGE + timedelta(seconds=1))
    answer = call_back(world, job.id, headers=old)
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
    assert not world.queue.sent


def test_a_session_is_no_signature(world):
    job = a_waiting_job(world)
    answer = call_back(world, job.id, headers=world.sign_in() | {"X-Signature": "none"})
    assert answer.status == 401


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, {"Cookie": "x"}]
)
def test_where_it_comes_from_does_not_matter(world, headers):
    assert call_back(world, a_waiting_job(world).id, headers=headers).status == 200


@pytest.mark.parametrize(
    "provider", ["sketch", "simulated", "runway", "luma", "veo", "bedrock", "FAL", "nobody", "%00"]
)
def test_a_provider_that_does_not_call_back_has_no_address(world, provider):
    answer = world.call_back(BODY, provider=provider)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_no_other_method_is_there(world):
    event = world.event("POST", "/api/providers/fal/callback", BODY, httpMethod="GET")
    answer = call(app.handler, event)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("letter", ["x", "é"])
@pytest.mark.parametrize(("more", "status"), [(0, 200), (2, 413)])
def test_a_body_may_have_a_mebibyte(world, letter, more, status):
    letters = (1024 * 1024 - 2 + more) // len(letter.encode())
    assert world.call_back(f'"{letter * letters}"').status == status


def test_what_is_signed_are_the_bytes_whatever_they_are(world):
    job = a_waiting_job(world)
    encoded = base64.b64encode(BODY.encode()).decode()
    signed = world.verifier.sign(BODY, NOW)
    answer = world.call_back(encoded, query={"job": job.id}, headers=signed, isBase64Encoded=True)
    assert (answer.status, len(world.queue.sent)) == (200, 1)
    assert world.call_back("no base64", headers=signed, isBase64Encoded=True).status == 400


def test_without_keys_the_provider_is_asked_to_call_again(world):
    world.verifier.available = False
    answer = call_back(world, a_waiting_job(world).id)
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0


def test_nothing_that_was_sent_is_logged(world):
    job = a_waiting_job(world)
    call_back(world, job.id)
    world.call_back('{"id": "secret-task", "input": {"prompt": "paper boat"}}', query={"job": job.id})
    logged = world.log.getvalue()
    assert "callback_heeded" in logged
    assert "callback_ignored" in logged
    assert not [word for word in ("paper boat", "secret-task", "X-Signature") if word in logged]


def test_a_callback_as_replicate_sends_it_is_believed(world, monkeypatch):
    verifier = make_verifier("replicate", lambda *, refresh=False: {"webhookSecret": SECRET})
    monkeypatch.setattr(bootstrap, "callback_verifier", lambda _: verifier)
    job = a_waiting_job(world)
    signature = Webhook(SECRET).sign("msg-1", NOW, BODY)
    headers = {"Webhook-Id": "msg-1", "Webhook-Timestamp": str(int(NOW.timestamp())), "Webhook-Signature": signature}
    assert call_back(world, job.id, headers=headers).status == 200
    assert call_back(world, job.id, headers=headers | {"Webhook-Id": "msg-2"}).status == 401
    assert len(world.queue.sent) == 1


def test_every_provider_that_calls_back_has_its_verifier(monkeypatch):
    variables = {
        "MONGODB_SECRET_ARN": "arn",
        "PROVIDER_SECRET_ARN": "",
        "JOBS_QUEUE_URL": "http://127.0.0.1:9/jobs",
        "HIGH_JOBS_QUEUE_URL": "http://127.0.0.1:9/high",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bootstrap._callback_verifier.cache_clear()
    made = [bootstrap.callback_verifier(name) for name in CALLING_BACK]
    assert None not in made
    assert made == [bootstrap.callback_verifier(name) for name in CALLING_BACK]
    assert [bootstrap.callback_verifier(name) for name in ("luma", "", "nobody")] == [None] * 3
    bootstrap._callback_verifier.cache_clear()
