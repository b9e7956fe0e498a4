"""Scenario 8: uploads that are rejected, truncated or overwritten, and results that have expired."""

import pytest

from tests.faults.scenarios import truncate_the_uploaded_object
from tests.faults.system_under_test import SystemUnderTest


@pytest.mark.parametrize("content", [b"half a vid", b"", None], ids=["truncated", "empty", "missing"])
def test_incomplete_video_is_rendered_again(sut: SystemUnderTest, content: bytes | None) -> None:
    post = truncate_the_uploaded_object(sut, content)
    job = sut.job(post.job_id)
    assert (job["status"], len(sut.provider.tasks)) == ("completed", 1)
    assert any("rendering again" in entry["note"] for entry in job["history"])


@pytest.mark.parametrize("carried_out", [False, True], ids=["rejected", "response lost"])
@pytest.mark.parametrize("calls", [1, 4])
def test_failed_upload_is_repeated(sut: SystemUnderTest, calls: int, *, carried_out: bool) -> None:
    sut.cloud.disturb("PUT", calls=calls, carried_out=carried_out)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


def test_job_completes_only_after_its_object_was_checked(sut: SystemUnderTest) -> None:
    sut.cloud.disturb("HEAD", calls=4)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


def test_truncated_result_is_downloaded_again(sut: SystemUnderTest) -> None:
    sut.provider.results.append("cut")
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


def test_expired_result_costs_another_attempt(sut: SystemUnderTest) -> None:
    sut.provider.results.append("expired")
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert (job["status"], job["attempt"], len(sut.provider.tasks)) == ("completed", 2, 2)
