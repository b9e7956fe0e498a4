"""GET /api/videos/{jobId}: a job as its owner sees it, and as nobody else does."""

import json
import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from videojobs.domain.job import HistoryEntry, JobError, JobStatus, Lease, Output, ProviderTask, UserId
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production
from videojobs.domain.storage import StoredObject

JOB_ID = "665f1f77bcf86cd799439011"
FIELDS = [
    "jobId",
    "status",
    "videoUrl",
    "errorMessage",
    "prompt",
    "style",
    "duration",
    "aspectRatio",
    "createdAt",
    "updatedAt",
    "progress",
    "posterUrl",
    "previewUrl",
    "priority",
    "batchId",
    "estimatedSecondsLeft",
    "queuePosition",
    "version",
    "provider",
    "promptShortened",
    "output",
    "estimatedCost",
    "actualCost",
]


def test_a_queued_job_is_shown_in_full(sut):
    job = sut.put()
    answer = sut.get(job.id)
    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "data": {
            "jobId": JOB_ID,
            "status": "queued",
            "videoUrl": None,
            "errorMessage": None,
            "prompt": "A paper boat",
            "style": "calm",
            "duration": 8,
            "aspectRatio": "16:9",
            "createdAt": "2026-01-08T10:00:00.123Z",
            "updatedAt": "2026-01-08T10:00:00.123Z",
            "progress": None,
            "posterUrl": None,
            "previewUrl": None,
            "priority": "normal",
            "batchId": None,
            "estimatedSecondsLeft": None,
            "queuePosition": 1,
            "version": 1,
            "provider": None,
            "promptShortened": False,
            "output": None,
            "estimatedCost": None,
            "actualCost": None,
        },
    }


def test_a_stored_video_comes_with_a_url_that_plays(sut):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/a.mp4", next=None)
    assert sut.get(job.id).json["data"]["videoUrl"].startswith("https://presigned.test/videos/a.mp4?signed=")


def test_a_url_of_the_providers_is_given_as_it_is(sut):
    job = sut.put(status=JobStatus.COMPLETED, video_url="https://mock-videos.eirthlink.com/videos/x.mp4", next=None)
    assert sut.get(job.id).json["data"]["videoUrl"] == "https://mock-videos.eirthlink.com/videos/x.mp4"


def test_a_failed_job_says_why(sut):
    job = sut.put(status=JobStatus.FAILED, error_message="The prompt was refused.", next=None)
    assert sut.get(job.id).json["data"]["errorMessage"] == "The prompt was refused."


@pytest.mark.parametrize("duration", [1, 7.5, 8.0, 60, 0.001])
def test_a_duration_is_given_back_as_it_came(sut, duration):
    answer = sut.get(sut.put(duration=duration).id)
    assert f'"duration":{duration},' in answer.text


def test_times_are_utc_with_milliseconds_whatever_zone_they_were_in(sut):
    in_tokyo = datetime(2026, 1, 8, 19, tzinfo=timezone(timedelta(hours=9)))
    shown = sut.get(sut.put(created_at=in_tokyo).id).json["data"]
    assert shown["createdAt"] == "2026-01-08T10:00:00.000Z"


def test_nothing_of_how_we_work_on_it_is_shown(sut):
    stored = StoredObject("videos", "hidden-key", 5)
    job = sut.put(
        lease=Lease("hidden-token", datetime(2026, 1, 8, tzinfo=timezone.utc)),  # noqa: UP017
        provider=ProviderTask("hidden-provider", datetime(2026, 1, 8, tzinfo=timezone.utc), "hidden-ref"),  # noqa: UP017
        output=Output(stored, 1280, 720, 8.0),
        poster=stored,
        preview=stored,
        error=JobError("hidden-code", retryable=True),
        history=(HistoryEntry(datetime(2026, 1, 8, tzinfo=timezone.utc), JobStatus.QUEUED, "hidden-note"),),  # noqa: UP017
    )
    answer = sut.get(job.id)
    assert list(answer.json["data"]) == FIELDS
    assert "hidden" not in answer.text


@pytest.mark.parametrize("nothing", [None, "", [], {"$ne": 1}, True, math.nan, math.inf, -math.inf])
def test_what_the_express_server_never_checked_is_shown_as_null(sut, nothing):
    job = sut.put(prompt=nothing, style=nothing, duration=nothing, aspect_ratio=nothing, video_url=nothing)
    answer = sut.get(job.id)
    assert answer.status == 200
    assert {answer.json["data"][name] for name in ("prompt", "style", "duration", "aspectRatio", "videoUrl")} == {None}


def test_old_values_that_are_text_and_numbers_are_shown_as_they_are(sut):
    shown = sut.get(sut.put(style="dreamy", duration=90, aspect_ratio="21:9").id).json["data"]
    assert (shown["style"], shown["duration"], shown["aspectRatio"]) == ("dreamy", 90, "21:9")


def test_a_lone_surrogate_in_an_old_document_breaks_no_answer(sut):
    answer = sut.get(sut.put(prompt="\ud800").id)
    assert (answer.status, answer.json["data"]["prompt"]) == (200, "\ud800")


def test_another_users_job_is_forbidden(sut):
    job = sut.put(user_id=UserId("507f191e810c19729de860eb"))
    answer = sut.get(job.id)
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert "paper boat" not in answer.text


def test_an_id_in_capitals_is_the_same_id(sut):
    assert sut.get(sut.put().id.upper()).status == 200


@pytest.mark.parametrize(
    "job_id",
    [
        JOB_ID,
        "x",
        "0",
        JOB_ID[:-1],
        JOB_ID + "0",
        JOB_ID[:-1] + "g",
        "é" * 24,
        "%00",
        "🛶",
        '{"$ne":null}',
        "null",
        "..",
        "a" * 9000,
    ],
)
def test_no_such_job_or_an_id_that_is_no_id_is_not_found(sut, job_id):
    answer = sut.get(job_id)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/", "/api/videos", "/api/videos/", "/api/videos/a/b", "", "/API/VIDEOS/x"])
def test_another_path_is_not_found(sut, path):
    answer = sut.get("x", path=path)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "get", ""])
def test_another_method_is_not_found(sut, method):
    answer = sut.get(sut.put().id, httpMethod=method)
    assert answer.status == (200 if method == "get" else 404)


def test_mongodb_out_of_reach_is_503_with_retry_after(sut):
    sut.jobs.available = False
    answer = sut.get(JOB_ID)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


def test_a_body_on_a_get_is_passed_over(sut):
    assert sut.get(sut.put().id, body="garbage").status == 200


def test_a_cross_site_page_may_link_to_a_job(sut):
    answer = sut.get(sut.put().id, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_each_call_logs_one_line_without_the_prompt(sut):
    sut.get(sut.put().id)
    (line,) = [json.loads(text) for text in sut.log.getvalue().splitlines()]
    assert (line["action"], line["method"], line["route"]) == ("request_answered", "GET", "/api/videos/{jobId}")
    assert (line["status"], line["request_id"]) == (200, "request-1")
    assert "paper boat" not in sut.log.getvalue()


MADE = Production(
    "fal",
    Plan((Clip(1280, 720, 5, Decimal("0.35")),) * 2, (1280, 720), 1280, 720, 192),
    is_shortened=True,
    prices_as_of=date(2026, 11, 1),
    actual_usd=Decimal("0.72"),
)


def test_a_finished_job_tells_what_was_made_and_what_it_cost(sut):
    output = Output(StoredObject("videos", "videos/1/1.mp4", 12_345), 1280, 720, 8.0004, segments=2)
    job = sut.put(status=JobStatus.COMPLETED, output=output, production=MADE, requested_provider="fal")
    told = sut.get(job.id).json["data"]
    assert told["output"] == {"seconds": 8.0, "width": 1280, "height": 720, "bytes": 12_345, "segments": 2}
    assert told["estimatedCost"] == {"amount": 0.7, "currency": "USD", "pricesAsOf": "2026-11-01"}
    assert told["actualCost"] == {"amount": 0.72, "currency": "USD"}
    assert (told["promptShortened"], told["provider"]) == (True, "fal")


def test_prices_that_nobody_has_published_are_null(sut):
    plan = Plan((Clip(1280, 720, 5),), (1280, 720), 1280, 720, 120)
    told = sut.get(sut.put(production=Production("luma", plan)).id).json["data"]
    assert (told["estimatedCost"], told["actualCost"], told["output"]) == (None, None, None)


def test_what_is_not_finished_has_no_output(sut):
    output = Output(StoredObject("videos", "videos/1/1.mp4", 12_345), 1280, 720, 8.0)
    assert sut.get(sut.put(status=JobStatus.PROCESSING, output=output).id).json["data"]["output"] is None
