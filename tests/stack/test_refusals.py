"""Who is let in: every kind of bad token, somebody else's job, and what is no request at all, over HTTP."""

import time
from collections.abc import Callable

import jwt
import pytest

from tests.stack.client import User

ANY_JOB = f"/api/videos/{'0' * 24}"


def sign(user: User, *, key: str | None = None, algorithm: str = "HS256", **claims: object) -> str:
    """A token made by hand."""
    if key is None and not user.stack.jwt_secret:
        pytest.skip("needs the key that signs sessions, which may not be read: WRITE=1 reads it where it may be")
    proper = {"userId": user.id, "exp": int(time.time()) + 600}
    payload = {name: value for name, value in {**proper, **claims}.items() if value is not None}
    return jwt.encode(payload, user.stack.jwt_secret if key is None else key, algorithm=algorithm)


BAD_TOKENS: dict[str, tuple[Callable[[User], str], str]] = {
    "none": (lambda _: "", "TOKEN_MISSING"),
    "no token at all": (lambda _: "garbage", "TOKEN_INVALID"),
    "another key": (lambda user: sign(user, key="k" * 64), "TOKEN_INVALID"),
    "another algorithm": (lambda user: sign(user, algorithm="HS512"), "TOKEN_INVALID"),
    "no signature": (lambda user: sign(user, key="", algorithm="none"), "TOKEN_INVALID"),
    "a signature cut short": (lambda user: user.token()[:-4], "TOKEN_INVALID"),
    "expired": (lambda user: user.token(seconds=-1), "TOKEN_EXPIRED"),
    "no end": (lambda user: sign(user, exp=None), "TOKEN_INVALID"),
    "not yet": (lambda user: sign(user, nbf=int(time.time()) + 600), "TOKEN_INVALID"),
    "nobody": (lambda user: sign(user, userId=None), "TOKEN_INVALID"),
    "a user that is an operator": (lambda user: sign(user, userId={"$ne": None}), "TOKEN_INVALID"),
    "over 8 KB": (lambda user: sign(user, padding="x" * 9000), "TOKEN_INVALID"),
}


@pytest.mark.reads
@pytest.mark.parametrize(("make", "code"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bad_token_opens_no_route(user: User, method: str, make: Callable[[User], str], code: str) -> None:
    if method == "GET":
        answer = user.call("GET", ANY_JOB, token=make(user))
    else:
        body = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
        answer = user.call("POST", "/api/videos/generate", body, token=make(user))
    assert (answer.status, answer.error_code) == (401, code)
    assert answer.json["requestId"]


@pytest.mark.reads
def test_a_token_in_a_header_or_a_query_opens_nothing(user: User) -> None:
    token = user.token()
    by_header = user.call("GET", ANY_JOB, token="", headers={"Authorization": f"Bearer {token}"})
    by_query = user.call("GET", f"{ANY_JOB}?token={token}", token="")
    assert [by_header.status, by_query.status] == [401, 401]


@pytest.mark.writes
def test_a_job_is_its_owners_alone(user: User, stranger: User) -> None:
    job_id = user.submit()
    theirs = stranger.call("GET", f"/api/videos/{job_id}")
    assert (theirs.status, theirs.error_code) == (403, "FORBIDDEN")
    assert "kite" not in theirs.body.decode()
    assert user.call("GET", f"/api/videos/{job_id}").status == 200


@pytest.mark.writes
@pytest.mark.parametrize("job_id", ["0" * 24, "no-id", "0" * 23, "%00" * 24, "%F0%9F%90%88"])
def test_what_is_no_job_is_not_found(user: User, job_id: str) -> None:
    answer = user.call("GET", f"/api/videos/{job_id}")
    assert (answer.status, answer.error_code) == (404, "NOT_FOUND")


@pytest.mark.writes
def test_a_page_of_another_site_is_refused(user: User) -> None:
    body = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
    origin = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = user.call("POST", "/api/videos/generate", body, headers=origin)
    assert (answer.status, answer.error_code) == (403, "FORBIDDEN")


@pytest.mark.writes
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 5000, b'{"prompt": NaN}', b'"\\ud800"'], ids=repr)
def test_garbage_is_told_what_is_wrong_with_it(user: User, body: bytes) -> None:
    answer = user.call("POST", "/api/videos/generate", body)
    assert (answer.status, answer.error_code) == (400, "VALIDATION_ERROR")
    assert answer.json["error"]["details"]


@pytest.mark.writes
@pytest.mark.parametrize(
    "prompt", ["a NUL \0", "\u202eright to left", "\U0001f3c4\U0001f3fd\u200d\u2640\ufe0f", "{'$ne': 1}"]
)
def test_any_text_is_carried_faithfully(user: User, prompt: str) -> None:
    assert user.read(user.submit(prompt=prompt))["prompt"] == prompt


@pytest.mark.writes
def test_the_same_key_again_is_the_same_job(user: User) -> None:
    body = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
    key = {"Idempotency-Key": "one-and-the-same"}
    first, again = (user.call("POST", "/api/videos/generate", body, headers=key) for _ in range(2))
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.data == again.data
    other = user.call("POST", "/api/videos/generate", {**body, "duration": 2}, headers=key)
    assert (other.status, other.error_code) == (422, "IDEMPOTENCY_MISMATCH")
