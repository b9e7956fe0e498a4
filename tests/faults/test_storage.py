"""Scenario 8: uploads that are refused, cut short or overwritten, and results that have expired."""

import pytest

from tests.faults.scenarios import an_object_is_cut_short
from tests.faults.system_under_test import SystemUnderTest


@pytest.mark.parametrize("content", [b"half a vid", b"", None], ids=["cut short", "empty", "missing"])
def test_a_video_that_is_not_whole_is_made_again(sut: SystemUnderTest, content: bytes | None) -> None:
    post = an_object_is_cut_short(sut, content)
    job = sut.job(post.job_id)
    assert (job["status"], len(sut.provider.tasks)) == ("completed", 1)
    assert any("rendering again" in entry["note"] for entry in job["history"])


@pytest.mark.parametrize("carried_out", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("calls", [1, 4])
def test_an_upload_that_fails_is_made_again(sut: SystemUnderTest, calls: int, *, carried_out: bool) -> None:
    sut.cloud.disturb("PUT", calls=calls, carried_out=carried_out)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"
    assert len(sut.provider.tasks) == 1


def test_a_bucket_that_can_t_be_asked_completes_nothing_until_it_can(sut: SystemUnderTest) -> None:
    sut.cloud.disturb("HEAD", calls=4)
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


def test_a_result_that_arrives_cut_short_is_no_video(sut: SystemUnderTest) -> None:
    sut.provider.results.append("cut")
    post = sut.post()
    sut.run()
    assert sut.job(post.job_id)["status"] == "completed"


def test_a_result_that_has_expired_costs_another_attempt(sut: SystemUnderTest) -> None:
    sut.provider.results.append("expired")
    post = sut.post()
    sut.run()
    job = sut.job(post.job_id)
    assert (job["status"], job["attempt"], len(sut.provider.tasks)) == ("completed", 2, 2)
