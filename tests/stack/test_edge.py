"""What the world sees of the system without a session: refusals in the contract's shape, and how it is encrypted.

All of it reads: whoever has no session reaches no database.
"""

import json
import socket
import ssl
import urllib.request
import warnings
from urllib.parse import urlsplit

import pytest

from localcloud.stack import Stack
from tests.stack.client import Answer, User, send
from tests.stack.deployed import Deployed
from videojobs.api.resolver import SECURITY_HEADERS

pytestmark = pytest.mark.reads

ANY_JOB = f"/api/videos/{'0' * 24}"
ROUTES = [
    ("POST", "/api/videos/generate"),
    ("POST", "/api/videos/batch"),
    ("GET", "/api/videos"),
    ("GET", ANY_JOB),
    ("DELETE", ANY_JOB),
    ("GET", f"{ANY_JOB}/content"),
    ("POST", f"{ANY_JOB}/cancel"),
    ("POST", f"{ANY_JOB}/retry"),
    ("GET", f"/api/batches/{'0' * 24}"),
    ("DELETE", "/api/users/me/videos"),
    ("POST", "/api/realtime/ticket"),
]


@pytest.fixture
def tls_address(stack: Stack) -> tuple[str, int]:
    """Host and port of the API, where it is spoken to over TLS."""
    parts = urlsplit(stack.api_url)
    if parts.scheme != "https":
        pytest.skip("the local AWS speaks plain HTTP")
    return str(parts.hostname), parts.port or 443


def assert_refused(answer: Answer, status: int, code: str) -> None:
    """An error of the contract, and nothing of the inside in it."""
    assert (answer.status, answer.error_code) == (status, code)
    assert set(answer.json) == {"success", "error", "requestId"}
    assert set(answer.json["error"]) == {"code", "message", "details"}
    assert answer.json["requestId"]
    assert answer.headers["Content-Type"].startswith("application/json")
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert not any(word in answer.body for word in (b"Traceback", b"pymongo", b"botocore"))


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_cookie_every_route_is_401(stack: Stack, method: str, path: str) -> None:
    body = {"prompt": "x"} if method == "POST" else None
    answer = User(stack).call(method, path, body, token="")
    assert_refused(answer, 401, "TOKEN_MISSING")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_callback_that_nobody_signed_is_refused(stack: Stack) -> None:
    answer = User(stack).call("POST", f"/api/providers/no-such-ai/callback?job={'0' * 24}", b"{}", token="")
    assert answer.status in {401, 404}
    assert answer.json["success"] is False


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/no-such-thing"), ("PUT", "/api/videos/generate")])
def test_what_is_no_route_is_404_in_the_contracts_shape(
    stack: Stack, deployed: Deployed, method: str, path: str
) -> None:
    if deployed.is_local:
        pytest.skip("the local AWS has no gateway responses")
    assert_refused(User(stack).call(method, path, token=""), 404, "NOT_FOUND")


def test_a_body_that_is_no_json_is_refused(stack: Stack) -> None:
    html = {"Content-Type": "text/html"}
    answer = User(stack).call("POST", "/api/videos/generate", b"<p>", token="", headers=html)
    assert answer.status in {401, 415}
    assert answer.json["success"] is False


def preflight(stack: Stack, origin: str) -> Answer:
    """What a browser asks before a page posts."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    url = f"{stack.api_url}/api/videos/generate"
    return send(urllib.request.Request(url, method="OPTIONS", headers=asked))


def test_pages_of_allowed_origins_may_call_and_others_may_not(stack: Stack, deployed: Deployed) -> None:
    stranger = preflight(stack, "https://evil.example")
    assert stranger.headers["Access-Control-Allow-Origin"] is None
    allowed = [it for it in deployed.described.parameters["AllowedOrigins"].split(",") if it]
    if not allowed:
        pytest.skip("AllowedOrigins is empty: no page may call, and none is let in")
    for origin in allowed:
        told = preflight(stack, origin)
        assert told.headers["Access-Control-Allow-Origin"] == origin
        assert told.headers["Access-Control-Allow-Credentials"] == "true"
        assert "POST" in told.headers["Access-Control-Allow-Methods"]


def handshake(address: tuple[str, int], version: ssl.TLSVersion) -> str:
    """The version of TLS that was agreed upon, or that there was none."""
    context = ssl.create_default_context()
    context.set_ciphers("ALL:@SECLEVEL=0")  # else this side would refuse old versions by itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # they are tried because they are
        context.minimum_version = context.maximum_version = version
    try:
        with socket.create_connection(address, 10) as raw, context.wrap_socket(raw, server_hostname=address[0]) as tls:
            return str(tls.version())
    except ssl.SSLCertVerificationError:
        raise
    except (ssl.SSLError, ConnectionError):
        return "none"


def test_the_api_speaks_tls_1_2_with_a_certificate_that_is_trusted(tls_address: tuple[str, int]) -> None:
    assert handshake(tls_address, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_with_a_domain_no_older_tls_is_spoken(
    tls_address: tuple[str, int], deployed: Deployed, version: ssl.TLSVersion
) -> None:
    if not deployed.described.parameters["DomainName"]:
        pytest.skip("DomainName is empty: what the execute-api address speaks is AWS's business")
    assert handshake(tls_address, version) == "none"


def test_plain_http_gives_nothing(tls_address: tuple[str, int]) -> None:
    try:
        with socket.create_connection((tls_address[0], 80), 10) as raw:
            raw.sendall(f"GET {ANY_JOB} HTTP/1.1\r\nHost: {tls_address[0]}\r\nConnection: close\r\n\r\n".encode())
            answer = raw.recv(100).decode()
    except OSError:
        answer = ""
    assert not answer or answer.split(" ")[1] in {"301", "308", "403"}


def test_with_a_domain_the_execute_api_address_is_off(deployed: Deployed) -> None:
    if not deployed.described.parameters["DomainName"]:
        pytest.skip("DomainName is empty: the execute-api address is the only one")
    api = deployed.resources["Api"].id
    assert deployed.client("apigateway").get_rest_api(restApiId=api)["disableExecuteApiEndpoint"] is True
    stage = deployed.described.parameters["Environment"]
    url = f"https://{api}.execute-api.{deployed.region}.amazonaws.com/{stage}{ANY_JOB}"
    refused = send(urllib.request.Request(url))
    assert refused.status == 403
    assert "jobId" not in json.dumps(refused.body.decode())
