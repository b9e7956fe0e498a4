"""POST /api/providers/{provider}/callback: signed callbacks, and a response that reveals nothing about jobs."""

import base64
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from functions.callbacks import app
from tests.builders import a_started_job
from tests.functions.system_under_test import NOW, USER, call
from videojobs.domain.job import NextStep, ProviderTask, Step
from videojobs.ports.callbacks import CALLBACK_PROVIDERS, MAXIMUM_AGE
from videojobs_providers import factories
from videojobs_providers.callbacks import make_verifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"id": "task-1", "status": "succeeded"}'
FORGED = {
    "Webhook-Id": "msg-1",
    "Webhook-Timestamp": str(int(NOW.timestamp())),
    "Webhook-Signature": Webhook("whsec_0000000000000000000000000000000A").sign("msg-1", NOW, BODY),
}
CALLBACK_VERIFIER = factories.callback_verifier
"""The factory itself, which the fixture `sut` replaces."""
ACCEPTED = {"success": True, "data": {"accepted": True}}


def a_polled_job(sut, **fields):
    """Store a job that waits for its provider, and return it."""
    task, poll = ProviderTask("replicate", NOW, "task-1"), NextStep.new(Step.POLL, due_at=NOW + timedelta(minutes=1))
    return sut.jobs.put(a_started_job(**({"provider": task, "user_id": USER, "next": poll} | fields)))


def call_back(sut, job_id, **overrides):
    return sut.call_back(BODY, query={"job": job_id}, **overrides)


def test_a_signed_callback_sends_the_step_at_once(sut):
    job = a_polled_job(sut)
    response = call_back(sut, job.id)
    assert (response.status, response.json) == (200, ACCEPTED)
    assert [(sent.job_id, sent.step_id, sent.delay_seconds) for sent in sut.queue.sent] == [(job.id, job.next.id, 0)]


def test_a_replayed_callback_is_accepted_and_sends_no_further_message(sut):
    job, headers = a_polled_job(sut), sut.verifier.sign(BODY, NOW)
    assert {call_back(sut, job.id, headers=headers).status for _ in range(500)} == {200}
    assert len(sut.queue.sent) == 1


def test_the_response_reveals_nothing_about_jobs(sut):
    job = a_polled_job(sut)
    ended = a_polled_job(sut, next=None)
    responses = [call_back(sut, job_id) for job_id in (job.id, ended.id, "0" * 24, "no id", "")]
    responses.append(sut.call_back(BODY))
    responses.append(sut.call_back('{"id": "another"}', query={"job": job.id}))
    responses.append(sut.call_back(BODY, provider="fal", query={"job": job.id}))
    responses.append(sut.call_back("[]", query={"job": job.id}))
    assert {(response.status, response.text) for response in responses} == {(200, responses[0].text)}
    assert len(sut.queue.sent) == 1


def test_the_first_of_several_job_parameters_is_used(sut):
    first, second = a_polled_job(sut), a_polled_job(sut)
    assert call_back(sut, [first.id, second.id]).status == 200
    assert [sent.job_id for sent in sut.queue.sent] == [first.id]


@pytest.mark.parametrize("signature", ["", "0" * 64])
def test_a_callback_with_an_invalid_signature_is_refused(sut, signature):
    job = a_polled_job(sut)
    response = call_back(sut, job.id, headers={"X-Signature": signature})
    assert (response.status, response.code) == (401, "TOKEN_INVALID")
    assert not sut.queue.sent


def test_a_callback_that_is_too_old_is_refused(sut):
    job, old = a_polled_job(sut), sut.verifier.sign(BODY, NOW)
    sut.clock.set(NOW + MAXIMUM_AGE + timedelta(seconds=1))
    response = call_back(sut, job.id, headers=old)
    assert (response.status, response.code) == (401, "TOKEN_INVALID")
    assert not sut.queue.sent


def test_a_session_does_not_replace_the_signature(sut):
    job = a_polled_job(sut)
    response = call_back(sut, job.id, headers=sut.sign_in() | {"X-Signature": "none"})
    assert response.status == 401


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, {"Cookie": "x"}]
)
def test_the_origin_of_a_callback_is_not_checked(sut, headers):
    assert call_back(sut, a_polled_job(sut).id, headers=headers).status == 200


@pytest.mark.parametrize(
    "provider", ["sketch", "simulated", "runway", "luma", "veo", "bedrock", "FAL", "unknown", "%00"]
)
def test_a_provider_without_callbacks_is_not_found(sut, provider):
    response = sut.call_back(BODY, provider=provider)
    assert (response.status, response.code) == (404, "NOT_FOUND")


def test_another_method_is_not_found(sut):
    event = sut.event("POST", "/api/providers/fal/callback", BODY, httpMethod="GET")
    response = call(app.handler, event)
    assert (response.status, response.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("letter", ["x", "é"])
@pytest.mark.parametrize(("more", "status"), [(0, 200), (2, 413)])
def test_a_body_may_have_1_mib(sut, letter, more, status):
    letters = (1024 * 1024 - 2 + more) // len(letter.encode())
    assert sut.call_back(f'"{letter * letters}"').status == status


def test_the_signature_covers_the_decoded_bytes_of_the_body(sut):
    job = a_polled_job(sut)
    encoded = base64.b64encode(BODY.encode()).decode()
    signed = sut.verifier.sign(BODY, NOW)
    response = sut.call_back(encoded, query={"job": job.id}, headers=signed, isBase64Encoded=True)
    assert (response.status, len(sut.queue.sent)) == (200, 1)
    assert sut.call_back("no base64", headers=signed, isBase64Encoded=True).status == 400


def test_a_callback_returns_503_while_the_keys_are_unavailable(sut):
    sut.verifier.available = False
    response = call_back(sut, a_polled_job(sut).id)
    assert (response.status, response.code) == (503, "UNAVAILABLE")
    assert int(response.headers["retry-after"]) > 0


def test_the_content_of_a_callback_is_not_logged(sut):
    job = a_polled_job(sut)
    call_back(sut, job.id)
    sut.call_back('{"id": "secret-task", "input": {"prompt": "paper boat"}}', query={"job": job.id})
    logged = sut.log.getvalue()
    assert "callback_accepted" in logged
    assert "callback_ignored" in logged
    assert not [word for word in ("paper boat", "secret-task", "X-Signature") if word in logged]


def test_a_callback_in_the_format_of_replicate_is_accepted(sut, monkeypatch):
    verifier = make_verifier("replicate", lambda *, refresh=False: {"webhookSecret": SECRET}, {})
    monkeypatch.setattr(factories, "callback_verifier", lambda _: verifier)
    job = a_polled_job(sut)
    signature = Webhook(SECRET).sign("msg-1", NOW, BODY)
    headers = {"Webhook-Id": "msg-1", "Webhook-Timestamp": str(int(NOW.timestamp())), "Webhook-Signature": signature}
    assert call_back(sut, job.id, headers=headers).status == 200
    assert call_back(sut, job.id, headers=headers | {"Webhook-Id": "msg-2"}).status == 401
    assert len(sut.queue.sent) == 1


@pytest.fixture
def deploy(monkeypatch):
    """Return a function that sets the environment of `callbacks`, and returns the factory of verifiers."""
    make = CALLBACK_VERIFIER

    def set_environment(**variables):
        required = {
            "MONGODB_SECRET_ARN": "arn",
            "PROVIDER": "sketch",
            "JOBS_QUEUE_URL": "http://127.0.0.1:9/jobs",
            "HIGH_JOBS_QUEUE_URL": "http://127.0.0.1:9/high",
        }
        for name, value in (required | variables).items():
            monkeypatch.setenv(name, value)
        factories._callback_verifier.cache_clear()
        monkeypatch.setattr(factories, "callback_verifier", make)
        return make

    yield set_environment
    factories._callback_verifier.cache_clear()


@pytest.mark.parametrize("parameter", ["PROVIDER", "FALLBACK_PROVIDERS", "ALLOWED_PROVIDERS"])
@pytest.mark.parametrize("provider", CALLBACK_PROVIDERS)
def test_a_configured_provider_with_callbacks_has_one_verifier(deploy, provider, parameter):
    make = deploy(**{parameter: provider})
    assert make(provider) is not None
    assert make(provider) is make(provider)
    assert [make(name) for name in (*CALLBACK_PROVIDERS, "luma", "", "unknown") if name != provider] == [None] * 5


@pytest.mark.parametrize("provider", CALLBACK_PROVIDERS)
def test_a_provider_that_is_not_configured_is_not_found_and_causes_no_warning(sut, deploy, provider, caplog):
    deploy()
    response = sut.call_back(BODY, provider=provider, headers=FORGED)
    assert (response.status, response.code) == (404, "NOT_FOUND")
    assert {record.levelname for record in caplog.records} == {"INFO"}


@pytest.mark.parametrize("headers", [{}, FORGED], ids=["unsigned", "forged"])
@pytest.mark.parametrize("provider", ["replicate", "openai_compatible"])
def test_an_unverified_callback_causes_no_error_in_the_log(sut, deploy, provider, headers, caplog):
    deploy(PROVIDER=provider, PROVIDER_SECRET_ARN="")
    response = sut.call_back(BODY, provider=provider, headers=headers)
    assert (response.status, response.code) == (401, "TOKEN_INVALID")
    assert {record.levelname for record in caplog.records} == {"INFO", "WARNING" if headers else "INFO"}
