"""Random bodies, cookies and paths: the response always matches the contract, and no exception is raised."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videojobs.domain.job import JobStatus
from videojobs.domain.prompt import is_visible

fuzz_settings = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=1100),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)
VALID_FIELDS = {
    "prompt": st.text(min_size=1, max_size=1000),
    "style": st.sampled_from(["fun", "calm", "background"]),
    "duration": st.integers(1, 60) | st.floats(1, 60),
    "aspectRatio": st.sampled_from(["16:9", "9:16", "1:1", "4:3"]),
}
VALID_ITEM = st.fixed_dictionaries(VALID_FIELDS, optional={"priority": st.just("normal")})


def check(sut, response, expected):
    assert response.status in expected
    assert (response.status == 201) == bool(sut.jobs.all())
    assert "ratelimit" in response.headers
    assert response.json["success"] is (response.status == 201)
    sut.clear_database()


@fuzz_settings
@given(raw=st.binary(max_size=2000))
def test_a_body_of_random_bytes_is_refused(sut, raw):
    response = sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True)
    check(sut, response, {400})


@fuzz_settings
@given(
    body=st.none() | st.text(st.characters(), max_size=200),
    is_base64=st.booleans(),
    content_type=st.none() | st.text(max_size=30) | st.sampled_from(["application/json", "text/plain"]),
)
def test_random_text_with_any_encoding_and_content_type_is_refused(sut, body, is_base64, content_type):
    headers = {"Content-Type": content_type}
    check(sut, sut.post(body, isBase64Encoded=is_base64, headers=headers), {400, 413, 415})


@fuzz_settings
@given(body=st.fixed_dictionaries({name: valid | VALUES for name, valid in VALID_FIELDS.items()}) | VALUES)
def test_json_similar_to_a_request_is_accepted_or_refused(sut, body):
    response = sut.post(json.dumps(body), headers={"Content-Type": "application/json"})
    check(sut, response, {201, 400})


@fuzz_settings
@given(body=st.fixed_dictionaries(VALID_FIELDS))
def test_every_valid_request_is_accepted_and_stored_unchanged(sut, body):
    response = sut.post(body)
    is_blank = not any(map(is_visible, body["prompt"]))
    assert response.status == (400 if is_blank else 201)
    for job in sut.jobs.all():
        stored = {"prompt": job.prompt, "style": job.style, "duration": job.duration, "aspectRatio": job.aspect_ratio}
        assert stored == body
    sut.clear_database()


@fuzz_settings
@given(cookie=st.text(st.characters(), max_size=300))
def test_a_random_cookie_header_is_refused(sut, cookie):
    response = sut.post({}, headers={"Cookie": cookie})
    assert (response.status, response.code[:6]) == (401, "TOKEN_")


@fuzz_settings
@given(parts=st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_a_random_token_of_three_parts_is_refused(sut, parts):
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    response = sut.post({}, headers={"Cookie": f"token={token}"})
    assert (response.status, response.code) == (401, "TOKEN_INVALID")


@fuzz_settings
@given(header=VALUES)
def test_a_token_with_a_random_header_is_refused(sut, header):
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    response = sut.post({}, headers={"Cookie": f"token={encoded}.e30.c2ln"})
    assert (response.status, response.code) == (401, "TOKEN_INVALID")


@fuzz_settings
@given(path=st.text(st.characters(), max_size=60))
def test_a_random_path_is_not_found(sut, path):
    response = sut.get("x", path=f"/api/videos/{path}")
    assert (response.status, response.code) == (404, "NOT_FOUND")


@fuzz_settings
@given(
    body=st.fixed_dictionaries(
        {
            "items": st.lists(
                VALID_ITEM | st.fixed_dictionaries({name: valid | VALUES for name, valid in VALID_FIELDS.items()})
            )
        },
        optional={"priority": st.sampled_from(["normal", "high"]) | VALUES},
    )
    | VALUES
)
def test_json_similar_to_a_batch_is_accepted_or_refused(sut, body):
    response = sut.post_batch(json.dumps(body), headers={"Content-Type": "application/json"})
    check(sut, response, {201, 400, 403})


@fuzz_settings
@given(items=st.lists(VALID_ITEM.filter(lambda item: any(map(is_visible, item["prompt"]))), min_size=1, max_size=5))
def test_every_valid_batch_is_accepted_and_stored_in_order(sut, items):
    response = sut.post_batch({"items": items})
    assert response.status == 201
    jobs = [sut.jobs.get(item_response["jobId"]) for item_response in response.json["data"]["items"]]
    stored = [
        {"prompt": j.prompt, "style": j.style, "duration": j.duration, "aspectRatio": j.aspect_ratio} for j in jobs
    ]
    assert stored == [{name: item[name] for name in VALID_FIELDS} for item in items]
    sut.clear_database()


@fuzz_settings
@given(raw=st.binary(max_size=500))
@pytest.mark.parametrize("path", ["batch", f"{'0' * 24}/cancel", f"{'0' * 24}/retry"])
def test_random_bytes_on_the_other_post_routes_are_refused(sut, path, raw):
    response = sut.call("POST", f"/api/videos/{path}", base64.b64encode(raw).decode(), isBase64Encoded=True)
    assert response.status == (400 if raw or path == "batch" else 404)


QUERIES = st.dictionaries(
    st.sampled_from(["limit", "status", "cursor", "batchId", "download"]) | st.text(st.characters(), max_size=20),
    st.text(st.characters(), max_size=40) | st.lists(st.text(st.characters(), max_size=5), min_size=1, max_size=3),
    max_size=4,
)


@fuzz_settings
@given(query=QUERIES)
def test_a_random_query_of_the_list_is_accepted_or_refused(sut, query):
    response = sut.call("GET", "/api/videos", query=query)
    assert response.status in {200, 400}
    assert response.json["success"] is (response.status == 200)


@fuzz_settings
@given(query=QUERIES)
def test_a_random_query_of_the_content_is_accepted_or_refused(sut, query):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", next=None)
    response = sut.call("GET", f"/api/videos/{job.id}/content", query=query)
    assert response.status in {302, 400}
    assert (response.status == 302) == ("location" in response.headers)


@fuzz_settings
@given(line=st.text(st.characters(), max_size=80))
def test_a_random_entity_tag_matches_only_as_an_asterisk(sut, line):
    response = sut.get(sut.put().id, headers={"If-None-Match": line})
    assert response.status == (304 if line.strip() == "*" else 200)


@fuzz_settings
@given(prompt=st.text(st.characters(), max_size=200))
def test_every_prompt_makes_a_valid_download(sut, prompt):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/videos/a.mp4", next=None, prompt=prompt)
    response = sut.call("GET", f"/api/videos/{job.id}/content", query={"download": ""})
    assert response.status == 302
    assert response.headers["location"].endswith(".mp4")
