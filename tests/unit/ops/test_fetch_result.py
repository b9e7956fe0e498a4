"""The command that fetches a refused result; it can be repeated and reports why it refuses a job."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import a_job, a_started_job, an_id
from tests.fakes.clock import START
from tests.unit.ops.ops_fixtures import Operator, Terminal
from videojobs.domain.job import JobError, JobStatus, ProviderTask, Step, VideoJob
from videojobs.domain.plan import Clip, plan_video
from videojobs.domain.production import Production
from videojobs.domain.request import AspectRatio
from videojobs_providers import factories

LINK = "https://results.example.com/a/video.mp4?signature=1"


def a_production(seconds: float) -> Production:
    """Return a production that is at its first part of eight seconds."""
    plan = plan_video(seconds, AspectRatio.LANDSCAPE, (Clip(1280, 720, 8),), maximum_clips=12)
    assert plan is not None
    return Production("luma", plan)


def a_refused_job(**changes: Any) -> VideoJob:
    """Return a failed job with the link of its result, with the changes applied."""
    failed = {
        "status": JobStatus.FAILED,
        "next": None,
        "outbox": (),
        "error": JobError("provider_error", retryable=False),
        "provider": ProviderTask("luma", START, "task-1", result_url=LINK),
        "production": a_production(8),
    }
    return a_started_job(**(failed | changes))


def test_a_refused_result_is_queued_once_with_an_audit_record(operator: Operator) -> None:
    job = operator.jobs.put(a_refused_job())
    operator.allowed_links = [LINK]
    assert operator.run("fetch-result", job.id.upper(), "--yes") == 0
    assert operator.out.startswith(f"{job.id}: queued to fetch its result in attempt 1. ")
    [record] = operator.audit()
    assert (record["action"], record["jobs"], record["stack"]) == ("result_fetch_queued", [job.id], "videojobs-test")
    assert record["operator"] == operator.cloud.caller()
    assert "signature" not in operator.out + operator.errors
    assert [(sent.job_id, sent.step) for sent in operator.queue.sent] == [(job.id, Step.START)]
    assert operator.cloud.caller() in operator.jobs.get(job.id).history[-1].note
    assert operator.run("fetch-result", job.id, "--yes") == 1
    assert "The job is queued." in operator.errors
    assert (len(operator.queue.sent), operator.audit()) == (1, [])


@pytest.mark.parametrize(
    ("changes", "links", "reason"),
    [
        ({}, [], "https://results.example.com/a is not allowed for results of luma in this deployment."),
        ({"status": JobStatus.COMPLETED}, [LINK], "The job is completed."),
        ({"provider": None}, [LINK], "has no link"),
        ({"provider": ProviderTask("luma", START, "task-1")}, [LINK], "has no link"),
        ({"deleted_at": START}, [LINK], "was not found"),
        ({"expires_at": START - timedelta(seconds=1)}, [LINK], "was not found"),
    ],
    ids=["host not allowed", "completed", "no task", "no link", "deleted", "expired"],
)
def test_a_job_that_cannot_be_fetched_is_refused_and_unchanged(
    operator: Operator, changes: dict[str, Any], links: list[str], reason: str
) -> None:
    job = operator.jobs.put(a_refused_job(**changes))
    operator.allowed_links = links
    assert operator.run("fetch-result", job.id, "--yes") == 1
    assert reason in operator.errors
    assert (operator.jobs.get(job.id), operator.queue.sent, operator.audit()) == (job, [], [])


def test_a_result_is_not_fetched_while_too_many_jobs_of_the_user_wait(operator: Operator) -> None:
    operator.slots.cap = operator.slots.maximum_waiting = 0
    job = operator.jobs.put(a_refused_job())
    operator.allowed_links = [LINK]
    assert operator.run("fetch-result", job.id, "--yes") == 1
    assert f"Job {job.id} is unchanged. At most 0 of your videos" in operator.errors
    assert operator.jobs.get(job.id) == job


@pytest.mark.parametrize(("job_id", "reason"), [("abc", "Invalid job ID"), (an_id(), "was not found")])
def test_an_invalid_or_unknown_job_is_reported(operator: Operator, job_id: str, reason: str) -> None:
    assert operator.run("fetch-result", job_id, "--yes") == 1
    assert reason in operator.errors


def test_invalid_options_of_the_provider_are_reported(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(provider: str, link: str) -> bool:
        raise ValueError("ProviderOptions is not valid JSON")

    job = operator.jobs.put(a_refused_job())
    monkeypatch.setattr(factories, "allows_result", refuse)
    assert operator.run("fetch-result", job.id, "--yes") == 1
    assert "The deployed parameters are invalid: ProviderOptions is not valid JSON" in operator.errors


@pytest.mark.parametrize(
    ("seconds", "cost"),
    [(8, "Nothing is generated or billed."), (23.5, "the 3 missing parts of the video will be generated and billed.")],
)
def test_the_confirmation_states_the_place_and_the_cost(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, seconds: float, cost: str
) -> None:
    job = operator.jobs.put(a_refused_job(production=a_production(seconds)))
    operator.allowed_links = [LINK]
    assert operator.run("fetch-result", job.id) == 1
    assert "The result of luma at https://results.example.com/a will be fetched." in operator.errors
    assert cost in operator.errors
    assert operator.jobs.get(job.id) == job
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert operator.run("fetch-result", job.id) == 0


def test_a_job_of_a_user_without_a_free_slot_waits(operator: Operator) -> None:
    job = operator.jobs.put(a_refused_job())
    operator.allowed_links = [LINK]
    for _ in range(operator.slots.cap):
        active = operator.jobs.put(a_job())
        operator.slots.acquire(active.user_id, active.priority, [active.id], START)
    assert operator.run("fetch-result", job.id, "--yes") == 0
    assert "waiting for a slot" in operator.out
    assert operator.queue.sent == []


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Deploy options that allow the host of `LINK` for Luma only."""
    options = '{"luma": {"resultHosts": "results.example.com"}}'
    variables = {"MONGODB_SECRET_ARN": "a-secret", "VIDEOS_BUCKET": "a-bucket", "PROVIDER": "luma"}
    for name, value in {**variables, "PROVIDER_OPTIONS": options}.items():
        monkeypatch.setenv(name, value)
    factories._ai_provider.cache_clear()
    yield
    factories._ai_provider.cache_clear()


@pytest.mark.usefixtures("deployed")
def test_the_deployed_options_decide_whether_a_link_is_allowed() -> None:
    assert factories.allows_result("luma", LINK)
    assert not any(factories.allows_result(name, LINK) for name in ("fal", "sketch", "simulated", "unknown"))
