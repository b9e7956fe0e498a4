"""Whatever bytes come as a body, a cookie or a path: an answer of the contract, and never an exception."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videojobs.domain.job import JobStatus

same_world = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=1100),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)
GOOD = {
    "prompt": st.text(min_size=1, max_size=1000),
    "style": st.sampled_from(["fun", "calm", "background"]),
    "duration": st.integers(1, 60) | st.floats(1, 60),
    "aspectRatio": st.sampled_from(["16:9", "9:16", "1:1", "4:3"]),
}
GOOD_ITEM = st.fixed_dictionaries(GOOD, optional={"priority": st.just("normal")})


def check(sut, answer, expected):
    assert answer.status in expected
    assert (answer.status == 201) == bool(sut.jobs.all())
    assert (answer.status == 201) == ("ratelimit" in answer.headers)
    assert answer.json["success"] is (answer.status == 201)
    sut.forget()


@same_world
@given(raw=st.binary(max_size=2000))
def test_any_bytes(sut, raw):
    answer = sut.post(base64.b64encode(raw).decode(), isBase64Encoded=True)
    check(sut, answer, {400})


@same_world
@given(
    body=st.none() | st.text(st.characters(), max_size=200),
    is_base64=st.booleans(),
    content_type=st.none() | st.text(max_size=30) | st.sampled_from(["application/json", "text/plain"]),
)
def test_any_text_under_any_flag_and_type(sut, body, is_base64, content_type):
    headers = {"Content-Type": content_type}
    check(sut, sut.post(body, isBase64Encoded=is_base64, headers=headers), {400, 413, 415})


@same_world
@given(body=st.fixed_dictionaries({name: good | VALUES for name, good in GOOD.items()}) | VALUES)
def test_any_json_of_nearly_the_right_shape(sut, body):
    answer = sut.post(json.dumps(body), headers={"Content-Type": "application/json"})
    check(sut, answer, {201, 400})


@same_world
@given(body=st.fixed_dictionaries(GOOD))
def test_whatever_the_rules_allow_is_taken_and_kept(sut, body):
    answer = sut.post(body)
    is_blank = not body["prompt"].strip()
    assert answer.status == (400 if is_blank else 201)
    for job in sut.jobs.all():
        kept = {"prompt": job.prompt, "style": job.style, "duration": job.duration, "aspectRatio": job.aspect_ratio}
        assert kept == body
    sut.forget()


@same_world
@given(cookie=st.text(st.characters(), max_size=300))
def test_any_cookie_header(sut, cookie):
    answer = sut.post({}, headers={"Cookie": cookie})
    assert (answer.status, answer.code[:6]) == (401, "TOKEN_")


@same_world
@given(parts=st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_token_of_three_parts(sut, parts):
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    answer = sut.post({}, headers={"Cookie": f"token={token}"})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


@same_world
@given(header=VALUES)
def test_any_token_header(sut, header):
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    answer = sut.post({}, headers={"Cookie": f"token={encoded}.e30.c2ln"})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


@same_world
@given(path=st.text(st.characters(), max_size=60))
def test_any_path(sut, path):
    answer = sut.get("x", path=f"/api/videos/{path}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@same_world
@given(
    body=st.fixed_dictionaries(
        {"items": st.lists(GOOD_ITEM | st.fixed_dictionaries({name: good | VALUES for name, good in GOOD.items()}))},
        optional={"priority": st.sampled_from(["normal", "high"]) | VALUES},
    )
    | VALUES
)
def test_any_batch_of_nearly_the_right_shape(sut, body):
    answer = sut.post_batch(json.dumps(body), headers={"Content-Type": "application/json"})
    check(sut, answer, {201, 400, 403})


@same_world
@given(items=st.lists(GOOD_ITEM.filter(lambda item: item["prompt"].strip()), min_size=1, max_size=5))
def test_whatever_the_rules_allow_in_a_batch_is_taken_and_kept_in_order(sut, items):
    answer = sut.post_batch({"items": items})
    assert answer.status == 201
    jobs = [sut.jobs.get(each["jobId"]) for each in answer.json["data"]["items"]]
    kept = [{"prompt": j.prompt, "style": j.style, "duration": j.duration, "aspectRatio": j.aspect_ratio} for j in jobs]
    assert kept == [{name: item[name] for name in GOOD} for item in items]
    sut.forget()


@same_world
@given(raw=st.binary(max_size=500))
@pytest.mark.parametrize("path", ["batch", f"{'0' * 24}/cancel", f"{'0' * 24}/retry"])
def test_any_bytes_on_any_other_post(sut, path, raw):
    answer = sut.call("POST", f"/api/videos/{path}", base64.b64encode(raw).decode(), isBase64Encoded=True)
    assert answer.status == (400 if raw or path == "batch" else 404)


QUERIES = st.dictionaries(
    st.sampled_from(["limit", "status", "cursor", "batchId", "download"]) | st.text(st.characters(), max_size=20),
    st.text(st.characters(), max_size=40) | st.lists(st.text(st.characters(), max_size=5), min_size=1, max_size=3),
    max_size=4,
)


@same_world
@given(query=QUERIES)
def test_any_query_of_a_list(sut, query):
    answer = sut.call("GET", "/api/videos", query=query)
    assert answer.status in {200, 400}
    assert answer.json["success"] is (answer.status == 200)


@same_world
@given(query=QUERIES)
def test_any_query_of_a_download(sut, query):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/a.mp4", next=None)
    answer = sut.call("GET", f"/api/videos/{job.id}/content", query=query)
    assert answer.status in {302, 400}
    assert (answer.status == 302) == ("location" in answer.headers)


@same_world
@given(line=st.text(st.characters(), max_size=80))
def test_any_tag(sut, line):
    answer = sut.get(sut.put().id, headers={"If-None-Match": line})
    assert answer.status == (304 if line.strip() == "*" else 200)


@same_world
@given(prompt=st.text(st.characters(), max_size=200))
def test_any_prompt_is_a_file_name(sut, prompt):
    job = sut.put(status=JobStatus.COMPLETED, video_url="s3://videos/a.mp4", next=None, prompt=prompt)
    answer = sut.call("GET", f"/api/videos/{job.id}/content", query={"download": ""})
    assert answer.status == 302
    assert answer.headers["location"].endswith(".mp4")
