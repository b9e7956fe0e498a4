"""GET /api/videos/{jobId}/content: the way to the video, to be played or saved."""

import pytest

from tests.functions.system_under_test import NOW
from videojobs.domain.job import JobStatus

VIDEO = {"status": JobStatus.COMPLETED, "video_url": "s3://videos/a.mp4", "next": None}
SIMULATED = "https://mock-videos.eirthlink.com/videos/x.mp4"


def content(sut, job, **overrides):
    return sut.call("GET", f"/api/videos/{job.id}/content", **overrides)


def test_it_leads_to_a_fresh_url(sut):
    job = sut.put(**VIDEO)
    answer = content(sut, job)
    assert (answer.status, answer.text) == (302, "")
    assert answer.headers["location"] == sut.store.presigned_url("s3://videos/a.mp4", NOW)
    assert answer.headers["cache-control"] == "no-store"
    sut.clock.advance(hours=1)
    assert content(sut, job).headers["location"] == sut.store.presigned_url("s3://videos/a.mp4", sut.clock.now())


@pytest.mark.parametrize("value", ["", "1", "true"])
def test_a_download_is_saved_under_the_prompts_words(sut, value):
    answer = content(sut, sut.put(**VIDEO, prompt="Ein Boot: Größe M"), query={"download": value})
    assert answer.status == 302
    assert answer.headers["location"].endswith("&as=Ein Boot Größe M.mp4")


@pytest.mark.parametrize("query", [{}, {"download": ""}])
def test_a_providers_own_url_is_led_to_as_it_is(sut, query):
    answer = content(sut, sut.put(**VIDEO | {"video_url": SIMULATED}), query=query)
    assert (answer.status, answer.headers["location"]) == (302, SIMULATED)


@pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.COMPLETED])
def test_without_a_video_it_is_a_conflict_that_says_how_the_job_stands(sut, status):
    answer = content(sut, sut.put(status=status))
    assert (answer.status, answer.code) == (409, "CONFLICT")
    assert status in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "url", [None, "", 7, "javascript:alert(1)", "ftp://x/y", "//evil.example", "https://a b", "https://a\r\nX: y", "x"]
)
def test_what_the_express_server_stored_and_is_no_address_is_a_conflict(sut, url):
    answer = content(sut, sut.put(**VIDEO | {"video_url": url}))
    assert (answer.status, answer.code) == (409, "CONFLICT")


@pytest.mark.parametrize("query", [{"download": "no"}, {"download": ["", ""]}, {"Download": ""}, {"x": "1"}])
def test_a_parameter_that_breaks_its_rule_is_named(sut, query):
    answer = content(sut, sut.put(**VIDEO), query=query)
    assert (answer.status, list(answer.details)) == (400, list(query))


@pytest.mark.parametrize("job_id", ["x", "0" * 24])
def test_no_such_job_is_not_found(sut, job_id):
    answer = sut.call("GET", f"/api/videos/{job_id}/content")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_an_expired_job_is_not_found_though_the_sweep_has_not_come_by(sut):
    assert content(sut, sut.put(**VIDEO, expires_at=NOW)).status == 404


def test_a_link_from_another_site_works_for_who_is_signed_in(sut):
    answer = content(sut, sut.put(**VIDEO), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 302


def test_no_presigned_url_is_logged(sut):
    content(sut, sut.put(**VIDEO))
    assert "request_answered" in sut.log.getvalue()
    assert "presigned.test" not in sut.log.getvalue()
