"""POST /api/providers/{provider}/callback: signed hints, and an answer that tells nothing about jobs."""

import base64
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from functions.callbacks import app
from tests.builders import a_started_job
from tests.functions.system_under_test import NOW, USER, call
from videojobs import bootstrap
from videojobs.adapters.callbacks import make_verifier
from videojobs.domain.job import ProviderTask
from videojobs.ports.callbacks import CALLBACK_PROVIDERS, MAXIMUM_AGE

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"id": "task-1", "status": "succeeded"}'
ACCEPTED = {"success": True, "data": {"accepted": True}}


def a_waiting_job(sut, **fields):
    """A job that its provider is at."""
    task = ProviderTask("replicate", NOW, "task-1")
    return sut.jobs.put(a_started_job(**({"provider": task, "user_id": USER} | fields)))


def call_back(sut, job_id, **overrides):
    return sut.call_back(BODY, query={"job": job_id}, **overrides)


def test_a_signed_callback_has_the_worker_ask_at_once(sut):
    job = a_waiting_job(sut)
    answer = call_back(sut, job.id)
    assert (answer.status, answer.json) == (200, ACCEPTED)
    assert [(sent.job_id, sent.step_id, sent.delay_seconds) for sent in sut.queue.sent] == [(job.id, job.next.id, 0)]


def test_the_answer_tells_nothing_about_jobs(sut):
    job = a_waiting_job(sut)
    ended = a_waiting_job(sut, next=None)
    told = [call_back(sut, job_id) for job_id in (job.id, ended.id, "0" * 24, "no id", "")]
    told.append(sut.call_back(BODY))
    told.append(sut.call_back('{"id": "another"}', query={"job": job.id}))
    told.append(sut.call_back(BODY, provider="fal", query={"job": job.id}))
    told.append(sut.call_back("[]", query={"job": job.id}))
    assert {(answer.status, answer.text) for answer in told} == {(200, told[0].text)}
    assert len(sut.queue.sent) == 1


def test_of_several_jobs_the_first_is_meant(sut):
    first, second = a_waiting_job(sut), a_waiting_job(sut)
    assert call_back(sut, [first.id, second.id]).status == 200
    assert [sent.job_id for sent in sut.queue.sent] == [first.id]


@pytest.mark.parametrize("signature", ["", "0" * 64])
def test_a_bad_signature_does_nothing(sut, signature):
    job = a_waiting_job(sut)
    answer = call_back(sut, job.id, headers={"X-Signature": signature})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
    assert not sut.queue.sent


def test_a_callback_of_long_ago_does_nothing(sut):
    job, old = a_waiting_job(sut), sut.verifier.sign(BODY, NOW)
    sut.clock.set(NOW + MAXIMUM_AGE + timedelta(seconds=1))
    answer = call_back(sut, job.id, headers=old)
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
    assert not sut.queue.sent


def test_a_session_is_no_signature(sut):
    job = a_waiting_job(sut)
    answer = call_back(sut, job.id, headers=sut.sign_in() | {"X-Signature": "none"})
    assert answer.status == 401


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, {"Cookie": "x"}]
)
def test_where_it_comes_from_does_not_matter(sut, headers):
    assert call_back(sut, a_waiting_job(sut).id, headers=headers).status == 200


@pytest.mark.parametrize(
    "provider", ["sketch", "simulated", "runway", "luma", "veo", "bedrock", "FAL", "nobody", "%00"]
)
def test_a_provider_that_does_not_call_back_has_no_address(sut, provider):
    answer = sut.call_back(BODY, provider=provider)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_no_other_method_is_there(sut):
    event = sut.event("POST", "/api/providers/fal/callback", BODY, httpMethod="GET")
    answer = call(app.handler, event)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("letter", ["x", "é"])
@pytest.mark.parametrize(("more", "status"), [(0, 200), (2, 413)])
def test_a_body_may_have_a_mebibyte(sut, letter, more, status):
    letters = (1024 * 1024 - 2 + more) // len(letter.encode())
    assert sut.call_back(f'"{letter * letters}"').status == status


def test_what_is_signed_are_the_bytes_whatever_they_are(sut):
    job = a_waiting_job(sut)
    encoded = base64.b64encode(BODY.encode()).decode()
    signed = sut.verifier.sign(BODY, NOW)
    answer = sut.call_back(encoded, query={"job": job.id}, headers=signed, isBase64Encoded=True)
    assert (answer.status, len(sut.queue.sent)) == (200, 1)
    assert sut.call_back("no base64", headers=signed, isBase64Encoded=True).status == 400


def test_without_keys_the_provider_is_asked_to_call_again(sut):
    sut.verifier.available = False
    answer = call_back(sut, a_waiting_job(sut).id)
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) > 0


def test_nothing_that_was_sent_is_logged(sut):
    job = a_waiting_job(sut)
    call_back(sut, job.id)
    sut.call_back('{"id": "secret-task", "input": {"prompt": "paper boat"}}', query={"job": job.id})
    logged = sut.log.getvalue()
    assert "callback_accepted" in logged
    assert "callback_ignored" in logged
    assert not [word for word in ("paper boat", "secret-task", "X-Signature") if word in logged]


def test_a_callback_as_replicate_sends_it_is_believed(sut, monkeypatch):
    verifier = make_verifier("replicate", lambda *, refresh=False: {"webhookSecret": SECRET})
    monkeypatch.setattr(bootstrap, "callback_verifier", lambda _: verifier)
    job = a_waiting_job(sut)
    signature = Webhook(SECRET).sign("msg-1", NOW, BODY)
    headers = {"Webhook-Id": "msg-1", "Webhook-Timestamp": str(int(NOW.timestamp())), "Webhook-Signature": signature}
    assert call_back(sut, job.id, headers=headers).status == 200
    assert call_back(sut, job.id, headers=headers | {"Webhook-Id": "msg-2"}).status == 401
    assert len(sut.queue.sent) == 1


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
    made = [bootstrap.callback_verifier(name) for name in CALLBACK_PROVIDERS]
    assert None not in made
    assert made == [bootstrap.callback_verifier(name) for name in CALLBACK_PROVIDERS]
    assert [bootstrap.callback_verifier(name) for name in ("luma", "", "nobody")] == [None] * 3
    bootstrap._callback_verifier.cache_clear()
