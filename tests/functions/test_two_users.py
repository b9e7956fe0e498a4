"""Two users: on every route that names a job or a batch, a user can neither read nor change those of another user."""

import pytest

from tests.functions.system_under_test import ANOTHER_USER, ROUTES, USER, a_batch
from videojobs.domain.job import JobStatus

ROUTES_WITH_ID = [(method, route) for method, route, _ in ROUTES if "{" in route]
STATUSES = list(JobStatus)


def test_the_list_of_routes_with_an_id_is_not_empty():
    assert len(ROUTES_WITH_ID) >= 6


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("method", "route"), ROUTES_WITH_ID)
def test_a_job_or_batch_of_another_user_is_forbidden_and_unchanged(sut, method, route, status):
    batch = a_batch(sut, ANOTHER_USER, status)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    before = sut.jobs.all(), sut.batches.all(), sut.queue.sent
    response = sut.call(method, path)
    assert (response.status, response.code) == (403, "FORBIDDEN")
    assert "surfboard" not in response.text
    assert (sut.jobs.all(), sut.batches.all(), sut.queue.sent) == before


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("method", "route"), ROUTES_WITH_ID)
def test_a_job_or_batch_of_the_user_is_not_forbidden(sut, method, route, status):
    batch = a_batch(sut, USER, status)
    path = route.replace("{jobId}", batch.job_ids[0]).replace("{batchId}", batch.id)
    assert sut.call(method, path).status in {200, 204, 302, 409}


@pytest.mark.parametrize(("method", "route", "cookie"), [(*route[:2], cookie) for route in ROUTES for cookie in (0, 1)])
def test_every_route_requires_a_session(sut, method, route, cookie):
    path = route.replace("{jobId}", "0" * 24).replace("{batchId}", "0" * 24)
    response = sut.call(method, path, headers={"Cookie": "token=x" if cookie else None})
    assert (response.status, response.code) == (401, "TOKEN_INVALID" if cookie else "TOKEN_MISSING")


@pytest.mark.parametrize(("method", "route"), [route[:2] for route in ROUTES])
def test_an_expired_session_is_refused_on_every_route(sut, method, route):
    path = route.replace("{jobId}", "0" * 24).replace("{batchId}", "0" * 24)
    response = sut.call(method, path, headers=sut.sign_in(exp=1))
    assert (response.status, response.code) == (401, "TOKEN_EXPIRED")
