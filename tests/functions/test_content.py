"""GET /api/videos/{jobId}/content: the redirect to the video, to be played or saved."""

import pytest

from tests.functions.system_under_test import NOW
from videojobs.domain.job import JobStatus

VIDEO = {"status": JobStatus.COMPLETED, "video_url": "s3://videos/videos/a.mp4", "next": None}
SIMULATED = "https://mock-videos.eirthlink.com/videos/x.mp4"


def content(sut, job, **overrides):
    return sut.call("GET", f"/api/videos/{job.id}/content", **overrides)


def test_the_response_redirects_to_a_new_presigned_url(sut):
    job = sut.put(**VIDEO)
    response = content(sut, job)
    assert (response.status, response.text) == (302, "")
    assert response.headers["location"] == sut.store.presigned_url("s3://videos/videos/a.mp4", NOW)
    assert response.headers["cache-control"] == "no-store"
    sut.clock.advance(hours=1)
    assert content(sut, job).headers["location"] == sut.store.presigned_url("s3://videos/videos/a.mp4", sut.clock.now())


@pytest.mark.parametrize("value", ["", "1", "true"])
def test_a_download_is_named_after_the_prompt(sut, value):
    response = content(sut, sut.put(**VIDEO, prompt="Ein Boot: Größe M"), query={"download": value})
    assert response.status == 302
    assert response.headers["location"].endswith("&as=Ein Boot Größe M.mp4")


@pytest.mark.parametrize("query", [{}, {"download": ""}])
def test_head_leads_to_a_url_that_is_signed_for_head(sut, query):
    job = sut.put(**VIDEO)
    response = sut.invoke_jobs(sut.event("GET", f"/api/videos/{job.id}/content", query=query, httpMethod="HEAD"))
    assert (response.status, response.text) == (302, "")
    assert response.headers["location"] == sut.store.presigned_url(
        "s3://videos/videos/a.mp4", NOW, "A paper boat.mp4" if query else None, method="HEAD"
    )


@pytest.mark.parametrize("path", ["/api/videos", "/api/batches/" + "0" * 24, "/api/videos/" + "0" * 24])
def test_head_of_other_routes_is_not_found(sut, path):
    response = sut.invoke_jobs(sut.event("GET", path, httpMethod="HEAD"))
    assert (response.status, response.text) == (404, "")


@pytest.mark.parametrize("query", [{}, {"download": ""}])
def test_a_url_of_the_provider_is_used_unchanged(sut, query):
    response = content(sut, sut.put(**VIDEO | {"video_url": SIMULATED}), query=query)
    assert (response.status, response.headers["location"]) == (302, SIMULATED)


@pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.COMPLETED])
def test_a_job_without_a_video_is_a_conflict_that_names_its_status(sut, status):
    response = content(sut, sut.put(status=status))
    assert (response.status, response.code) == (409, "CONFLICT")
    assert status in response.json["error"]["message"]


@pytest.mark.parametrize(
    "url", [None, "", 7, "javascript:alert(1)", "ftp://x/y", "//evil.example", "https://a b", "https://a\r\nX: y", "x"]
)
def test_an_invalid_url_of_the_express_server_is_a_conflict(sut, url):
    response = content(sut, sut.put(**VIDEO | {"video_url": url}))
    assert (response.status, response.code) == (409, "CONFLICT")


@pytest.mark.parametrize("query", [{"download": "no"}, {"download": ["", ""]}, {"Download": ""}, {"x": "1"}])
def test_an_invalid_parameter_is_reported(sut, query):
    response = content(sut, sut.put(**VIDEO), query=query)
    assert (response.status, list(response.details)) == (400, list(query))


@pytest.mark.parametrize("job_id", ["x", "0" * 24])
def test_an_unknown_or_invalid_job_id_is_not_found(sut, job_id):
    response = sut.call("GET", f"/api/videos/{job_id}/content")
    assert (response.status, response.code) == (404, "NOT_FOUND")


def test_an_expired_job_is_not_found(sut):
    assert content(sut, sut.put(**VIDEO, expires_at=NOW)).status == 404


def test_a_link_from_another_site_works_with_a_session(sut):
    response = content(sut, sut.put(**VIDEO), headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status == 302


def test_the_presigned_url_is_not_logged(sut):
    content(sut, sut.put(**VIDEO))
    assert "request_answered" in sut.log.getvalue()
    assert "presigned.test" not in sut.log.getvalue()
