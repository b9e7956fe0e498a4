"""Whatever bytes come as a body, a cookie or a path: an answer of the contract, and never an exception."""

import base64
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def check(world, answer, expected):
    assert answer.status in expected
    assert (answer.status == 201) == bool(world.jobs.all())
    assert answer.json["success"] is (answer.status == 201)
    world.forget()


@same_world
@given(raw=st.binary(max_size=2000))
def test_any_bytes(world, raw):
    answer = world.post(base64.b64encode(raw).decode(), isBase64Encoded=True)
    check(world, answer, {400})


@same_world
@given(
    body=st.none() | st.text(st.characters(), max_size=200),
    is_base64=st.booleans(),
    content_type=st.none() | st.text(max_size=30) | st.sampled_from(["application/json", "text/plain"]),
)
def test_any_text_under_any_flag_and_type(world, body, is_base64, content_type):
    headers = {"Content-Type": content_type}
    check(world, world.post(body, isBase64Encoded=is_base64, headers=headers), {400, 413, 415})


@same_world
@given(body=st.fixed_dictionaries({name: good | VALUES for name, good in GOOD.items()}) | VALUES)
def test_any_json_of_nearly_the_right_shape(world, body):
    answer = world.post(json.dumps(body), headers={"Content-Type": "application/json"})
    check(world, answer, {201, 400})


@same_world
@given(body=st.fixed_dictionaries(GOOD))
def test_whatever_the_rules_allow_is_taken_and_kept(world, body):
    answer = world.post(body)
    is_blank = not body["prompt"].strip()
    assert answer.status == (400 if is_blank else 201)
    for job in world.jobs.all():
        kept = {"prompt": job.prompt, "style": job.style, "duration": job.duration, "aspectRatio": job.aspect_ratio}
        assert kept == body
    world.forget()


@same_world
@given(cookie=st.text(st.characters(), max_size=300))
def test_any_cookie_header(world, cookie):
    answer = world.post({}, headers={"Cookie": cookie})
    assert (answer.status, answer.code[:6]) == (401, "TOKEN_")


@same_world
@given(parts=st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_token_of_three_parts(world, parts):
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    answer = world.post({}, headers={"Cookie": f"token={token}"})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


@same_world
@given(header=VALUES)
def test_any_token_header(world, header):
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    answer = world.post({}, headers={"Cookie": f"token={encoded}.e30.c2ln"})
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


@same_world
@given(path=st.text(st.characters(), max_size=60))
def test_any_path(world, path):
    answer = world.get("x", path=f"/api/videos/{path}")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
