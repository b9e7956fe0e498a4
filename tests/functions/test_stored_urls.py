"""URLs that another tool stored in a job: shown only if they are safe, by every function that shows a job."""

import json

import pytest

from tests.functions.system_under_test import NOW
from videojobs.domain.job import JobStatus
from videojobs.domain.storage import StoredObject

FOREIGN = [
    "javascript:alert(1)",
    "ftp://x/y",
    "s3://evil.example\\/a/b",
    "s3://other-bucket/videos/x",
    "s3://videos/bedrock/1/output.mp4",
    "https://evil.example\\@good.example/x",
    7,
]


@pytest.mark.parametrize("url", FOREIGN)
def test_foreign_video_url_is_null(sut, url):
    poster = StoredObject("other-bucket", "videos/1/1.jpg", 5)
    job = sut.put(status=JobStatus.COMPLETED, next=None, video_url=url, poster=poster, preview=poster)
    [listed] = sut.list().json["data"]["items"]
    shown = sut.get(job.id).json["data"]
    for data in (listed, shown):
        assert (data["status"], data["videoUrl"], data["posterUrl"], data["previewUrl"]) == (
            "completed",
            None,
            None,
            None,
        )
    assert sut.call("GET", f"/api/videos/{job.id}/content").status == 409
    assert "evil" not in json.dumps([listed, shown])


@pytest.mark.parametrize("url", ["https://mock-videos.eirthlink.com/videos/x.mp4", "http://provider.test/x"])
def test_web_url_is_shown_unchanged(sut, url):
    job = sut.put(status=JobStatus.COMPLETED, next=None, video_url=url)
    assert sut.get(job.id).json["data"]["videoUrl"] == url


def test_object_of_a_job_is_shown_with_a_presigned_url(sut):
    job = sut.put(status=JobStatus.COMPLETED, next=None, video_url="s3://videos/videos/a.mp4")
    assert sut.get(job.id).json["data"]["videoUrl"] == sut.store.presigned_url("s3://videos/videos/a.mp4", NOW)
