"""Rejected requests over HTTP: every kind of invalid token, another user's job, and invalid requests."""

import time
from collections.abc import Callable

import jwt
import pytest

from tests.stack.client import User

ANY_JOB = f"/api/videos/{'0' * 24}"


def sign(user: User, *, key: str | None = None, algorithm: str = "HS256", **claims: object) -> str:
    """Return a token with these claims (None omits a claim), signed with `key` or with the system's key."""
    if key is None and not user.stack.jwt_secret:
        pytest.skip("needs the key that signs sessions: WRITE=1 reads it if that is permitted")
    proper = {"userId": user.id, "exp": int(time.time()) + 600}
    payload = {name: value for name, value in {**proper, **claims}.items() if value is not None}
    return jwt.encode(payload, user.stack.jwt_secret if key is None else key, algorithm=algorithm)


BAD_TOKENS: dict[str, tuple[Callable[[User], str], str]] = {
    "none": (lambda _: "", "TOKEN_MISSING"),
    "not a token": (lambda _: "garbage", "TOKEN_INVALID"),
    "another key": (lambda user: sign(user, key="k" * 64), "TOKEN_INVALID"),
    "another algorithm": (lambda user: sign(user, algorithm="HS512"), "TOKEN_INVALID"),
    "no signature": (lambda user: sign(user, key="", algorithm="none"), "TOKEN_INVALID"),
    "a signature cut short": (lambda user: user.token()[:-4], "TOKEN_INVALID"),
    "expired": (lambda user: user.token(seconds=-1), "TOKEN_EXPIRED"),
    "no end": (lambda user: sign(user, exp=None), "TOKEN_INVALID"),
    "not yet": (lambda user: sign(user, nbf=int(time.time()) + 600), "TOKEN_INVALID"),
    "no user": (lambda user: sign(user, userId=None), "TOKEN_INVALID"),
    "a user that is an operator": (lambda user: sign(user, userId={"$ne": None}), "TOKEN_INVALID"),
    "over 8 KB": (lambda user: sign(user, padding="x" * 9000), "TOKEN_INVALID"),
}


@pytest.mark.reads
@pytest.mark.parametrize(("make", "code"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_invalid_token_returns_401_on_every_method(
    user: User, method: str, make: Callable[[User], str], code: str
) -> None:
    if method == "GET":
        response = user.call("GET", ANY_JOB, token=make(user))
    else:
        body = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
        response = user.call("POST", "/api/videos/generate", body, token=make(user))
    assert (response.status, response.error_code) == (401, code)
    assert response.json["requestId"]


@pytest.mark.reads
def test_token_in_a_header_or_query_is_ignored(user: User) -> None:
    token = user.token()
    by_header = user.call("GET", ANY_JOB, token="", headers={"Authorization": f"Bearer {token}"})
    by_query = user.call("GET", f"{ANY_JOB}?token={token}", token="")
    assert [by_header.status, by_query.status] == [401, 401]


@pytest.mark.writes
def test_another_user_can_not_read_a_job(user: User, stranger: User) -> None:
    job_id = user.submit()
    response = stranger.call("GET", f"/api/videos/{job_id}")
    assert (response.status, response.error_code) == (403, "FORBIDDEN")
    assert "kite" not in response.body.decode()
    assert user.call("GET", f"/api/videos/{job_id}").status == 200


@pytest.mark.writes
@pytest.mark.parametrize("job_id", ["0" * 24, "no-id", "0" * 23, "%00" * 24, "%F0%9F%90%88"])
def test_unknown_or_malformed_job_id_returns_404(user: User, job_id: str) -> None:
    response = user.call("GET", f"/api/videos/{job_id}")
    assert (response.status, response.error_code) == (404, "NOT_FOUND")


@pytest.mark.writes
def test_request_from_another_site_is_rejected(user: User) -> None:
    body = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
    origin = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    response = user.call("POST", "/api/videos/generate", body, headers=origin)
    assert (response.status, response.error_code) == (403, "FORBIDDEN")


@pytest.mark.writes
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 5000, b'{"prompt": NaN}', b'"\\ud800"'], ids=repr)
def test_malformed_body_is_rejected_with_details(user: User, body: bytes) -> None:
    response = user.call("POST", "/api/videos/generate", body)
    assert (response.status, response.error_code) == (400, "VALIDATION_ERROR")
    assert response.json["error"]["details"]


@pytest.mark.writes
@pytest.mark.parametrize(
    "prompt", ["a NUL \0", "\u202eright to left", "\U0001f3c4\U0001f3fd\u200d\u2640\ufe0f", "{'$ne': 1}"]
)
def test_prompt_with_any_characters_is_returned_unchanged(user: User, prompt: str) -> None:
    assert user.read(user.submit(prompt=prompt))["prompt"] == prompt


@pytest.mark.writes
def test_repeated_idempotency_key_returns_the_same_job(user: User) -> None:
    body = {"prompt": "x", "style": "calm", "duration": 1, "aspectRatio": "1:1"}
    key = {"Idempotency-Key": "one-and-the-same"}
    first, repeated = (user.call("POST", "/api/videos/generate", body, headers=key) for _ in range(2))
    assert (first.status, repeated.status, repeated.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.data == repeated.data
    other = user.call("POST", "/api/videos/generate", {**body, "duration": 2}, headers=key)
    assert (other.status, other.error_code) == (422, "IDEMPOTENCY_MISMATCH")
