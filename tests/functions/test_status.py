"""GET /api/videos/{jobId}: a job as its owner sees it, and 403 for other users."""

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
    "seed",
    "negativePrompt",
    "sound",
    "resolution",
    "ignored",
]


def test_a_queued_job_has_all_fields(sut):
    job = sut.put()
    response = sut.get(job.id)
    assert response.status == 200
    assert response.json == {
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
            "seed": None,
            "negativePrompt": None,
            "sound": False,
            "resolution": "720p",
            "ignored": [],
        },
    }


def test_a_stored_video_has_a_presigned_url(sut):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", next=None)
    assert sut.get(job.id).json["data"]["videoUrl"].startswith("https://presigned.test/videos/videos/a.mp4?signed=")


def test_a_url_of_the_provider_is_returned_unchanged(sut):
    job = sut.put(status=JobStatus.COMPLETED, video_url="https://mock-videos.eirthlink.com/videos/x.mp4", next=None)
    assert sut.get(job.id).json["data"]["videoUrl"] == "https://mock-videos.eirthlink.com/videos/x.mp4"


def test_a_failed_job_contains_the_reason(sut):
    job = sut.put(status=JobStatus.FAILED, error_message="The prompt was refused.", next=None)
    assert sut.get(job.id).json["data"]["errorMessage"] == "The prompt was refused."


@pytest.mark.parametrize("duration", [1, 7.5, 8.0, 60, 0.001])
def test_a_duration_is_returned_as_it_was_stored(sut, duration):
    response = sut.get(sut.put(duration=duration).id)
    assert f'"duration":{duration},' in response.text


def test_times_are_returned_in_utc_with_milliseconds(sut):
    in_tokyo = datetime(2026, 1, 8, 19, tzinfo=timezone(timedelta(hours=9)))
    data = sut.get(sut.put(created_at=in_tokyo).id).json["data"]
    assert data["createdAt"] == "2026-01-08T10:00:00.000Z"


def test_internal_fields_are_not_returned(sut):
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
    response = sut.get(job.id)
    assert list(response.json["data"]) == FIELDS
    assert "hidden" not in response.text


@pytest.mark.parametrize("nothing", [None, "", [], {"$ne": 1}, True, math.nan, math.inf, -math.inf])
def test_invalid_values_of_the_express_server_are_returned_as_null(sut, nothing):
    job = sut.put(prompt=nothing, style=nothing, duration=nothing, aspect_ratio=nothing, video_url=nothing)
    response = sut.get(job.id)
    assert response.status == 200
    assert {response.json["data"][name] for name in ("prompt", "style", "duration", "aspectRatio", "videoUrl")} == {
        None
    }


def test_unusual_values_of_the_express_server_are_returned_unchanged(sut):
    data = sut.get(sut.put(style="dreamy", duration=90, aspect_ratio="21:9").id).json["data"]
    assert (data["style"], data["duration"], data["aspectRatio"]) == ("dreamy", 90, "21:9")


def test_a_lone_surrogate_in_a_document_can_be_returned(sut):
    response = sut.get(sut.put(prompt="\ud800").id)
    assert (response.status, response.json["data"]["prompt"]) == (200, "\ud800")


def test_a_job_of_another_user_is_forbidden(sut):
    job = sut.put(user_id=UserId("507f191e810c19729de860eb"))
    response = sut.get(job.id)
    assert (response.status, response.code) == (403, "FORBIDDEN")
    assert "paper boat" not in response.text


def test_an_id_in_capital_letters_is_accepted(sut):
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
def test_an_unknown_or_invalid_job_id_is_not_found(sut, job_id):
    response = sut.get(job_id)
    assert (response.status, response.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/", "/api/videos", "/api/videos/", "/api/videos/a/b", "", "/API/VIDEOS/x"])
def test_another_path_is_not_found(sut, path):
    response = sut.get("x", path=path)
    assert (response.status, response.code) == (404, "NOT_FOUND")


def test_head_returns_the_headers_of_get_without_a_body(sut):
    job = sut.put()
    shown, head = sut.get(job.id), sut.get(job.id, httpMethod="HEAD")
    assert (head.status, head.text) == (200, "")
    assert shown.headers == head.headers
    unchanged = sut.get(job.id, httpMethod="HEAD", headers={"If-None-Match": head.headers["etag"]})
    assert (unchanged.status, unchanged.text) == (304, "")


@pytest.mark.parametrize(
    ("overrides", "status"),
    [({"headers": {"Cookie": None}}, 401), ({"path": "/api/videos/x"}, 404), ({"path": "/api/videos/a/b"}, 404)],
)
def test_an_error_in_response_to_head_has_no_body(sut, overrides, status):
    response = sut.get(sut.put().id, httpMethod="HEAD", **overrides)
    assert (response.status, response.text) == (status, "")
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTION", "get", ""])
def test_another_method_is_not_found(sut, method):
    response = sut.get(sut.put().id, httpMethod=method)
    assert response.status == (200 if method == "get" else 404)


def test_an_unavailable_database_returns_503_with_retry_after(sut):
    sut.jobs.available = False
    response = sut.get(JOB_ID)
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "UNAVAILABLE", "5")


def test_a_body_on_a_get_request_is_ignored(sut):
    assert sut.get(sut.put().id, body="garbage").status == 200


def test_a_page_of_another_site_may_link_to_a_job(sut):
    response = sut.get(sut.put().id, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"})
    assert response.status == 200
    assert "access-control-allow-origin" not in response.headers


def test_each_call_logs_one_line_without_the_prompt(sut):
    sut.get(sut.put().id)
    (line,) = [json.loads(text) for text in sut.log.getvalue().splitlines()]
    assert (line["action"], line["method"], line["route"]) == ("request_answered", "GET", "/api/videos/{jobId}")
    assert (line["status"], line["request_id"]) == (200, "request-1")
    assert "paper boat" not in sut.log.getvalue()


PRODUCTION = Production(
    "fal",
    Plan((Clip(1280, 720, 5, Decimal("0.35")),) * 2, (1280, 720), 1280, 720, 192),
    is_shortened=True,
    prices_as_of=date(2026, 11, 1),
    actual_usd=Decimal("0.72"),
)


def test_a_completed_job_contains_its_output_and_costs(sut):
    output = Output(
        StoredObject("videos", "videos/1/1.mp4", 12_345), 1280, 720, 8.0004, segments=2, missing_scripts=("Tibetan",)
    )
    job = sut.put(status=JobStatus.COMPLETED, output=output, production=PRODUCTION, requested_provider="fal")
    data = sut.get(job.id).json["data"]
    assert data["output"] == {
        "seconds": 8.0,
        "width": 1280,
        "height": 720,
        "bytes": 12_345,
        "segments": 2,
        "missingScripts": ["Tibetan"],
    }
    assert data["estimatedCost"] == {"amount": 0.7, "currency": "USD", "pricesAsOf": "2026-11-01"}
    assert data["actualCost"] == {"amount": 0.72, "currency": "USD"}
    assert (data["promptShortened"], data["provider"]) == (True, "fal")


def test_costs_are_null_without_published_prices(sut):
    plan = Plan((Clip(1280, 720, 5),), (1280, 720), 1280, 720, 120)
    data = sut.get(sut.put(production=Production("luma", plan)).id).json["data"]
    assert (data["estimatedCost"], data["actualCost"], data["output"]) == (None, None, None)


def test_an_unfinished_job_has_no_output(sut):
    output = Output(StoredObject("videos", "videos/1/1.mp4", 12_345), 1280, 720, 8.0)
    assert sut.get(sut.put(status=JobStatus.PROCESSING, output=output).id).json["data"]["output"] is None
