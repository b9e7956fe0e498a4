"""Huge, malformed and slow requests, and headers that would be two, at the deployed system over a socket of our own.

What MiniStack refuses by itself it refuses in its own words (docs/local-differences.md); whatever reaches a function is
answered as the contract says. Operators for the database and lines for the log are in
`tests/functions/test_hostile_input.py`, where they can fail without a system.
"""

import gzip
import json
import socket
import time
import urllib.parse
from http.client import HTTPResponse
from typing import NamedTuple

import pytest

from localcloud.config import CloudConfig
from localcloud.function_logs import LogEvent, read_events
from localcloud.stack import Stack
from tests.access import A_JOB
from tests.stack.client import Answer, User, eventually

KIB, MIB = 1024, 1024 * 1024
GENERATE, BATCH = "/api/videos/generate", "/api/videos/batch"
TRACES = ("Traceback", 'File "', "pymongo", "botocore", "pydantic", ".py")


class Said(NamedTuple):
    """An answer off the wire."""

    status: int
    headers: dict[str, str]
    body: str


def send(stack: Stack, head: str, body: bytes = b"", *, seconds: float = 30) -> Said | None:
    """Send these very bytes; None: the connection was closed without an answer. `{api}` is the path to the API."""
    api = urllib.parse.urlsplit(stack.api_url)
    with socket.create_connection((str(api.hostname), api.port or 80), seconds) as connection:
        lines = head.format(api=api.path).split("\n")
        lines += [f"Host: {api.netloc}", "Connection: close", "", ""]
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        answer = HTTPResponse(connection)
        try:
            answer.begin()
            return Said(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
            )
        except OSError:
            return None
        finally:
            answer.close()


def is_sound(said: Said | None) -> bool:
    """Whether an answer is a refusal without a word of ours that is meant for us."""
    if said is None:
        return True
    assert 400 <= said.status < 500 or said.status == 501, said  # 501: a transfer coding that nobody knows
    assert not [word for word in TRACES if word in said.body], said
    assert "x-injected" not in said.headers
    return True


def is_ours(answer: Answer, status: int, code: str) -> bool:
    """Whether it is an error of the contract."""
    assert (answer.status, answer.error_code) == (status, code), answer.body[:300]
    assert set(answer.json) == {"success", "error", "requestId"}
    assert not [word for word in TRACES if word in answer.body.decode()], answer.body
    return True


def padded(body: object, size: int) -> bytes:
    """JSON of exactly so many bytes."""
    text = json.dumps(body).encode()
    return text[:-1] + b" " * (size - len(text)) + text[-1:]


def test_a_body_is_taken_up_to_its_limit_and_not_a_byte_beyond(user: User) -> None:
    taken = [user.call("POST", GENERATE, padded(A_JOB, size)).status for size in (64 * KIB - 1, 64 * KIB)]
    taken += [user.call("POST", BATCH, padded({"items": [A_JOB]}, size)).status for size in (MIB - 1, MIB)]
    assert taken == [201] * 4
    assert is_ours(user.call("POST", GENERATE, padded(A_JOB, 64 * KIB + 1)), 413, "TOO_LARGE")
    assert is_ours(user.call("POST", BATCH, padded({"items": [A_JOB]}, MIB + 1)), 413, "TOO_LARGE")
    assert is_ours(user.call("POST", GENERATE, b"[" * 5 * MIB), 413, "TOO_LARGE")
    assert user.call("DELETE", "/api/users/me/videos").status in {202, 204}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * (60 * KIB),
        b'{"prompt":' * 6000,
        json.dumps({f"k{number}": 0 for number in range(5000)}).encode(),
        b'{"duration":' + b"9" * (60 * KIB) + b"}",
        b'{"duration":1e' + b"9" * 5000 + b"}",
        b'{"prompt":"a","prompt":"b"}',
        b"\xff\xfe" * 100,
        b'{"prompt":"\xc0\xaf"}',
        gzip.compress(b" " * 10 * MIB),
    ],
    ids=["deep", "deep objects", "keys", "digits", "exponent", "twice", "no UTF-8", "overlong UTF-8", "zip bomb"],
)
def test_a_monster_is_refused_in_the_contracts_words(user: User, body: bytes) -> None:
    answer = user.call("POST", GENERATE, body, headers={"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {})
    assert is_ours(answer, 400, "VALIDATION_ERROR")
    assert 1 <= len(answer.json["error"]["details"]) <= 20
    assert len(answer.body) < 8 * KIB


@pytest.mark.parametrize(
    "head",
    [
        "POST {api}/api/videos/generate HTTP/1.1\nContent-Length: minus-one",
        "POST {api}/api/videos/generate HTTP/1.1\nContent-Length: -1",
        "POST {api}/api/videos/generate HTTP/1.1\nContent-Length: 5\nContent-Length: 6",
        "POST {api}/api/videos/generate HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 5",
        "POST {api}/api/videos/generate HTTP/1.1\nTransfer-Encoding: gibberish",
        "GET {api}/api/videos HTTP/1.1\nX-A: one\0two",
        "GET {api}/api/videos HTTP/1.1\nIdempotency-Key: one\n X-Injected: folded",
        "GET {api}/api/videos HTTP/1.1\nOrigin: https://evil.example\rX-Injected: 1",
        "GET {api}/api/videos HTTP/1.1\nno colon",
        "GET {api}/api/videos HTTP/9.9",
        "TRACE {api}/api/videos HTTP/1.1\nX-Injected: 1",
        "CONNECT {api}/api/videos HTTP/1.1",
        "GARBAGE",
        "GET {api}/api/videos?download=%0d%0aX-Injected:%201 HTTP/1.1",
        "GET {api}/api/videos/%0d%0aX-Injected:%201 HTTP/1.1",
        "GET {api}/api/videos/..%2f..%2fetc%2fpasswd HTTP/1.1",
        "GET {api}/api/videos HTTP/1.1\nX-Large: " + "x" * (200 * KIB),
        "GET {api}/api/videos?cursor=" + "x" * (200 * KIB) + " HTTP/1.1",
        "GET {api}/api/videos HTTP/1.1\n" + "\n".join(f"X-{number}: y" for number in range(2000)),
    ],
    ids=lambda head: head[:90].replace("{api}/api/videos", "").strip(),
)
def test_what_is_hardly_http_is_refused_and_told_nothing(stack: Stack, user: User, head: str) -> None:
    body = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n" if head.startswith("POST") else b""
    assert is_sound(send(stack, head, body))
    assert user.call("GET", "/api/videos?limit=1").status == 200


def test_what_comes_twice_is_refused_where_it_could_mean_two_things(stack: Stack, user: User) -> None:
    body = json.dumps(A_JOB).encode()
    cookie = f"Cookie: {stack.cookie_name}={user.token()}"
    head = f"POST {{api}}{GENERATE} HTTP/1.1\n{cookie}\nContent-Type: application/json\nContent-Length: {len(body)}"
    types = send(stack, f"{head}\nContent-Type: text/plain", body)
    tokens = send(stack, head.replace(cookie, f"{cookie}; {cookie.removeprefix('Cookie: ')}"), body)
    assert [said and said.status for said in (types, tokens)] == [415, 401]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_makes_no_other_method_of_a_call(user: User, name: str) -> None:
    job_id = user.submit(style="background")
    assert user.call("GET", f"/api/videos/{job_id}", headers={name: "DELETE"}).status == 200
    assert is_ours(
        user.call("GET", f"/api/videos/{job_id}?_method=DELETE&x[$ne]=1/../", token="x"), 401, "TOKEN_INVALID"
    )
    assert user.read(job_id)["jobId"] == job_id


def test_the_name_of_a_saved_video_is_one_name_whatever_the_prompt(user: User) -> None:
    job_id = user.submit(prompt='../../x\r\nX-Injected: 1\r\n\r\n"; filename="evil.exe\u202e\0', style="background")
    user.wait(job_id)
    saved = user.call("GET", f"/api/videos/{job_id}/content?download")
    told = saved.headers["Content-Disposition"]
    assert saved.headers["X-Injected"] is None
    assert told.startswith("attachment;")
    assert told.endswith(".mp4")
    assert not set(urllib.parse.unquote(told.partition("''")[2])) & set('/\\"\r\n\0\u202e')
    assert is_ours(
        user.call("GET", f"/api/videos/{job_id}/content?download=%0d%0aX-Injected:1"), 400, "VALIDATION_ERROR"
    )


def test_every_line_that_is_logged_is_one_event_of_ours(stack: Stack, cloud: CloudConfig, user: User) -> None:
    since = int(time.time() * 1000)
    forged = '\r\n{"level":"ERROR","action":"forged","message":"forged"}\r\n\x1b[31m'
    quoted = urllib.parse.quote(forged)
    user.call("GET", f"/api/videos/{quoted}")
    user.call("GET", f"/api/videos?{quoted}={quoted}")
    user.call("POST", GENERATE, {**A_JOB, forged: forged})
    user.call("GET", f"/api/videos/{'0' * 24}", headers={"X-Amzn-Trace-Id": "Root=\x1b[31m", "traceparent": "\x1b[31m"})

    def logged() -> list[LogEvent]:
        lines = read_events(cloud, stack, function=None, since=since)
        return lines if len([line for line in lines if line.record.get("action") == "request_answered"]) >= 4 else []

    lines = eventually(logged, "not all four calls are in the log")
    assert not [line for line in lines if "forged" in line.message or "\x1b" in line.message]
    assert not [line for line in lines if not line.message.startswith("{")]


def test_a_request_that_never_ends_holds_up_nobody_else(stack: Stack, user: User) -> None:
    for base in (stack.api_url, stack.web_url):
        where = urllib.parse.urlsplit(base)
        with socket.create_connection((str(where.hostname), where.port or 80), 30) as slow:
            head = f"POST {where.path.rstrip('/')}{GENERATE} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode())
            assert user.call("GET", "/api/videos?limit=1").status == 200
            slow.sendall(b'"')
            assert user.call("GET", "/api/videos?limit=1").status == 200
