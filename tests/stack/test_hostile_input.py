"""Huge, malformed and slow requests and injected headers, sent to the deployed system over a raw socket.

MiniStack rejects some requests itself, with its own messages (docs/local-differences.md). Every request that reaches a
function gets a response of the contract. `tests/functions/test_hostile_input.py` covers database operators and log
lines, without a system.
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
from tests.stack.client import Response, User, eventually

KIB, MIB = 1024, 1024 * 1024
GENERATE, BATCH = "/api/videos/generate", "/api/videos/batch"
TRACES = ("Traceback", 'File "', "pymongo", "botocore", "pydantic", ".py")


class WireResponse(NamedTuple):
    """HTTP response read from the socket."""

    status: int
    headers: dict[str, str]
    body: str


def send(stack: Stack, head: str, body: bytes = b"", *, seconds: float = 30) -> WireResponse | None:
    """Send exactly these bytes. Return the response, or None if the connection was closed without one.

    `{api}` in `head` is replaced by the path of the API.
    """
    api = urllib.parse.urlsplit(stack.api_url)
    with socket.create_connection((str(api.hostname), api.port or 80), seconds) as connection:
        lines = head.format(api=api.path).split("\n")
        lines += [f"Host: {api.netloc}", "Connection: close", "", ""]
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        response = HTTPResponse(connection)
        try:
            response.begin()
            return WireResponse(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read().decode(),
            )
        except OSError:
            return None
        finally:
            response.close()


def is_safe_error(response: WireResponse | None) -> bool:
    """Assert that the response, if there is one, is an error without internal details. Return True."""
    if response is None:
        return True
    assert 400 <= response.status < 500 or response.status == 501, response  # 501: an unknown transfer coding
    assert not [word for word in TRACES if word in response.body], response
    assert "x-injected" not in response.headers
    return True


def is_contract_error(response: Response, status: int, code: str) -> bool:
    """Assert that the response is this error of the contract. Return True."""
    assert (response.status, response.error_code) == (status, code), response.body[:300]
    assert set(response.json) == {"success", "error", "requestId"}
    assert not [word for word in TRACES if word in response.body.decode()], response.body
    return True


def padded(body: object, size: int) -> bytes:
    """Return JSON of exactly `size` bytes."""
    text = json.dumps(body).encode()
    return text[:-1] + b" " * (size - len(text)) + text[-1:]


def test_body_is_accepted_up_to_the_exact_size_limit(user: User) -> None:
    statuses = [user.call("POST", GENERATE, padded(A_JOB, size)).status for size in (64 * KIB - 1, 64 * KIB)]
    statuses += [user.call("POST", BATCH, padded({"items": [A_JOB]}, size)).status for size in (MIB - 1, MIB)]
    assert statuses == [201] * 4
    assert is_contract_error(user.call("POST", GENERATE, padded(A_JOB, 64 * KIB + 1)), 413, "TOO_LARGE")
    assert is_contract_error(user.call("POST", BATCH, padded({"items": [A_JOB]}, MIB + 1)), 413, "TOO_LARGE")
    assert is_contract_error(user.call("POST", GENERATE, b"[" * 4 * MIB), 413, "TOO_LARGE")
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
def test_pathological_body_is_rejected_with_a_contract_error(user: User, body: bytes) -> None:
    response = user.call(
        "POST", GENERATE, body, headers={"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    )
    assert is_contract_error(response, 400, "VALIDATION_ERROR")
    assert 1 <= len(response.json["error"]["details"]) <= 20
    assert len(response.body) < 8 * KIB


def test_api_gateway_passes_the_bytes_of_a_prompt_to_the_function(user: User) -> None:
    body = json.dumps({**A_JOB, "prompt": "A kite ?"}).encode()
    rejected = user.call("POST", GENERATE, body.replace(b"?", b"\xff"))
    assert is_contract_error(rejected, 400, "VALIDATION_ERROR")
    accepted = user.call("POST", GENERATE, b"\xef\xbb\xbf" + body.replace(b"?", "\ufffd".encode()))
    assert user.read(accepted.data["jobId"])["prompt"] == "A kite \ufffd"


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
def test_malformed_http_is_rejected_without_internal_details(stack: Stack, user: User, head: str) -> None:
    body = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n" if head.startswith("POST") else b""
    assert is_safe_error(send(stack, head, body))
    assert user.call("GET", "/api/videos?limit=1").status == 200


def test_ambiguous_duplicate_headers_are_rejected(stack: Stack, user: User) -> None:
    body = json.dumps(A_JOB).encode()
    cookie = f"Cookie: {stack.cookie_name}={user.token()}"
    head = f"POST {{api}}{GENERATE} HTTP/1.1\n{cookie}\nContent-Type: application/json\nContent-Length: {len(body)}"
    types = send(stack, f"{head}\nContent-Type: text/plain", body)
    tokens = send(stack, head.replace(cookie, f"{cookie}; {cookie.removeprefix('Cookie: ')}"), body)
    assert [response and response.status for response in (types, tokens)] == [415, 401]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_headers_and_parameters_do_not_override_the_method(user: User, name: str) -> None:
    job_id = user.submit(style="background")
    assert user.call("GET", f"/api/videos/{job_id}", headers={name: "DELETE"}).status == 200
    assert is_contract_error(
        user.call("GET", f"/api/videos/{job_id}?_method=DELETE&x[$ne]=1/../", token="x"), 401, "TOKEN_INVALID"
    )
    assert user.read(job_id)["jobId"] == job_id


def test_download_file_name_is_safe_for_any_prompt(user: User) -> None:
    job_id = user.submit(prompt='../../x\r\nX-Injected: 1\r\n\r\n"; filename="evil.exe\u202e\0', style="background")
    user.wait(job_id)
    saved = user.call("GET", f"/api/videos/{job_id}/content?download")
    disposition = saved.headers["Content-Disposition"]
    assert saved.headers["X-Injected"] is None
    assert disposition.startswith("attachment;")
    assert disposition.endswith(".mp4")
    assert not set(urllib.parse.unquote(disposition.partition("''")[2])) & set('/\\"\r\n\0\u202e')
    assert is_contract_error(
        user.call("GET", f"/api/videos/{job_id}/content?download=%0d%0aX-Injected:1"), 400, "VALIDATION_ERROR"
    )


def test_request_data_can_not_forge_log_lines(stack: Stack, cloud: CloudConfig, user: User) -> None:
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

    lines = eventually(logged, "not all four requests are in the log")
    assert not [line for line in lines if "forged" in line.message or "\x1b" in line.message]
    assert not [line for line in lines if not line.message.startswith("{")]


def test_unfinished_request_does_not_block_other_requests(stack: Stack, user: User) -> None:
    for base in (stack.api_url, stack.web_url):
        url = urllib.parse.urlsplit(base)
        with socket.create_connection((str(url.hostname), url.port or 80), 30) as slow:
            head = f"POST {url.path.rstrip('/')}{GENERATE} HTTP/1.1\r\nHost: {url.netloc}\r\n"
            slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode())
            assert user.call("GET", "/api/videos?limit=1").status == 200
            slow.sendall(b'"')
            assert user.call("GET", "/api/videos?limit=1").status == 200
