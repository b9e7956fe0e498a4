"""Calls that control jobs in the deployed system, over HTTP, by the owner and by another user."""

import urllib.parse
import urllib.request

import pytest

from tests.stack.client import User, eventually
from tests.stack.deployed import Deployed
from tests.stack.expected import Expected

A_FEW = 100


@pytest.mark.writes
@pytest.mark.usefixtures("invented")
def test_batch_is_created_counted_and_listed_in_pages(user: User, stranger: User) -> None:
    request = {"prompt": "A kite over the sea", "style": "calm", "duration": 1, "aspectRatio": "16:9"}
    body = {"items": [request, {**request, "duration": 1.5}, {**request, "style": "fun"}]}
    key = {"Idempotency-Key": "kites"}

    posted, repeated = (user.call("POST", "/api/videos/batch", body, headers=key) for _ in range(2))
    batch_id, job_ids = posted.data["batchId"], [item["jobId"] for item in posted.data["items"]]

    assert (posted.status, repeated.body) == (201, posted.body)
    location = urllib.parse.urljoin("/api/videos/batch", posted.headers["Location"])
    assert user.call("GET", location).data["batchId"] == batch_id
    assert stranger.call("GET", f"/api/batches/{batch_id}").error_code == "FORBIDDEN"
    assert stranger.call("GET", f"/api/videos?batchId={batch_id}").data["items"] == []
    first = user.call("GET", f"/api/videos?batchId={batch_id}&limit=2")
    target = first.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    second = user.call("GET", urllib.parse.urljoin("/api/videos", target))
    listed = [job["jobId"] for page in (first, second) for job in page.data["items"]]
    assert (sorted(listed), second.data["nextCursor"]) == (sorted(job_ids), None)
    for job_id in job_ids:
        assert user.wait(job_id)["status"] == "completed"
    counts = user.call("GET", f"/api/batches/{batch_id}").data["counts"]
    assert (counts["completed"], sum(counts.values())) == (3, 3)


@pytest.mark.writes
@pytest.mark.usefixtures("pixels")
def test_only_its_owner_can_cancel_retry_download_and_delete_a_job(user: User, stranger: User) -> None:
    job_id = user.submit(prompt="Grüße aus dem Süden", duration=8)  # long enough to be cancelled in time
    path = f"/api/videos/{job_id}"

    assert user.call("POST", f"{path}/cancel").data["status"] == "cancelled"
    for method, call in [("POST", "/cancel"), ("POST", "/retry"), ("GET", "/content"), ("DELETE", "")]:
        assert stranger.call(method, path + call).error_code == "FORBIDDEN"
    assert user.call("POST", f"{path}/cancel").status == 200
    assert user.call("GET", f"{path}/content").error_code == "CONFLICT"
    assert user.call("POST", f"{path}/retry").data["status"] == "queued"
    assert user.wait(job_id)["status"] == "completed"
    assert user.call("POST", f"{path}/cancel").error_code == "CONFLICT"
    saved = user.call("GET", f"{path}/content?download")  # the client follows the redirect
    assert (saved.status, saved.headers["Content-Type"]) == (200, "video/mp4")
    assert urllib.parse.quote("Grüße aus dem Süden.mp4") in saved.headers["Content-Disposition"]
    size = user.call(
        "HEAD", f"{path}/content"
    )  # the client follows the redirect with HEAD, for which the URL is signed
    assert (size.status, size.body) == (200, b"")
    assert size.headers["Content-Length"] == str(len(saved.body))
    assert (user.call("HEAD", path).status, user.call("HEAD", path).body) == (200, b"")
    video_url = user.read(job_id)["videoUrl"]
    assert user.call("DELETE", path).status == 204
    assert user.call("GET", path).error_code == "NOT_FOUND"
    with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):  # 403 without permission to list the bucket
        urllib.request.urlopen(video_url, timeout=30)


@pytest.mark.writes
def test_unchanged_job_returns_304(user: User) -> None:
    job_id = user.submit()
    user.wait(job_id)
    path = f"/api/videos/{job_id}"

    etag = user.call("GET", path).headers["ETag"]
    response = user.call("GET", path, headers={"If-None-Match": etag})

    assert (response.status, response.body, response.headers["ETag"]) == (304, b"", etag)


@pytest.mark.writes
@pytest.mark.usefixtures("invented")
def test_high_priority_requires_a_token_that_allows_it(user: User, deployed: Deployed) -> None:
    claim = {Expected(deployed).properties("GenerateFunction")["Environment"]["Variables"]["PRIORITY_CLAIM"]: "high"}
    request = {"prompt": "A kite", "style": "calm", "duration": 1, "aspectRatio": "16:9", "priority": "high"}

    refused = user.call("POST", "/api/videos/generate", request)
    allowed = user.call("POST", "/api/videos/generate", request, token=user.token(**claim))

    assert (refused.status, refused.error_code) == (403, "FORBIDDEN")
    assert user.wait(allowed.data["jobId"])["status"] == "completed"


@pytest.mark.writes
@pytest.mark.usefixtures("invented")
def test_calls_beyond_the_limit_per_minute_are_rejected(user: User, stranger: User, deployed: Deployed) -> None:
    limit = int(deployed.described.parameters["GenerateCallsPerMinute"])
    if limit > A_FEW:
        pytest.skip(f"would make {limit} calls")
    responses = [user.call("POST", f"/api/videos/{'0' * 24}/retry") for _ in range(limit + 1)]

    assert [response.status for response in responses] == [404] * limit + [429]
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= 60
    assert responses[-1].headers["RateLimit"].startswith('"generate";r=0;t=')
    assert user.call("GET", "/api/videos").status == 200
    assert stranger.call("POST", f"/api/videos/{'0' * 24}/retry").status == 404


@pytest.mark.writes
@pytest.mark.usefixtures("invented", "pixels")
def test_erasure_deletes_everything_of_one_user_and_nothing_else(user: User, stranger: User) -> None:
    done, running, theirs = user.submit(), user.submit(duration=20), stranger.submit()
    video_url = user.wait(done)["videoUrl"]

    response = user.call("DELETE", "/api/users/me/videos")

    assert response.status in {202, 204}  # 202 until the running job is cleaned up
    assert user.call("GET", "/api/videos").data == {"items": [], "nextCursor": None}
    assert {user.call("GET", f"/api/videos/{job_id}").status for job_id in (done, running)} == {404}
    with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):
        urllib.request.urlopen(video_url, timeout=30)
    eventually(lambda: user.call("DELETE", "/api/users/me/videos").status == 204, "the erasure is not complete")
    assert stranger.wait(theirs)["status"] == "completed"
