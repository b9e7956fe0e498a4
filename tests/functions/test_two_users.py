"""What is one user's another can neither see nor touch: every route that names a job or a batch, with two users."""

import pytest

from tests.functions.system_under_test import ANOTHER_USER, ROUTES, USER, a_batch
from videojobs.domain.job import JobStatus

OF_ONE = [(method, route) for method, route, _ in ROUTES if "{" in route]
STATUSES = list(JobStatus)


def test_there_are_such_routes():
    assert len(OF_ONE) >= 6


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("method", "route"), OF_ONE)
def test_another_users_is_forbidden_and_stays_as_it_is(sut, method, route, status):
    batch = a_batch(sut, ANOTHER_USER, status)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    before = sut.jobs.all(), sut.batches.all(), sut.queue.sent
    answer = sut.call(method, path)
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert "surfboard" not in answer.text
    assert (sut.jobs.all(), sut.batches.all(), sut.queue.sent) == before


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("method", "route"), OF_ONE)
def test_ones_own_is_not(sut, method, route, status):
    batch = a_batch(sut, USER, status)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    assert sut.call(method, path).status in {200, 204, 302, 409}


@pytest.mark.parametrize(("method", "route", "cookie"), [(*route[:2], cookie) for route in ROUTES for cookie in (0, 1)])
def test_nobody_is_let_in_without_a_session(sut, method, route, cookie):
    path = route.replace("{jobId}", "0" * 24).replace("{batchId}", "0" * 24)
    answer = sut.call(method, path, headers={"Cookie": "token=x" if cookie else None})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID" if cookie else "TOKEN_MISSING")


@pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])
def test_an_expired_session_is_over(sut, method, route):
    path = route.replace("{jobId}", "0" * 24).replace("{batchId}", "0" * 24)
    answer = sut.call(method, path, headers=sut.sign_in(exp=1))
    assert (answer.status, answer.code) == (401, "TOKEN_EXPIRED")
