"""Responses to callers without a session: errors in the contract's format, CORS and TLS.

All tests only read: a call without a session never reaches the database.
"""

import json
import socket
import ssl
import urllib.request
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest

from localcloud.stack import Stack
from tests.stack.client import Response, User, send
from tests.stack.deployed import Deployed
from tests.stack.expected import Expected, gateway_headers
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
    """Return host and port of the API; skip the test if the API uses plain HTTP."""
    parts = urlsplit(stack.api_url)
    if parts.scheme != "https":
        pytest.skip("the local AWS uses plain HTTP")
    return str(parts.hostname), parts.port or 443


def assert_error(
    response: Response, status: int, code: str, headers: Mapping[str, str] = MappingProxyType(SECURITY_HEADERS)
) -> None:
    """Assert that the response is an error of the contract with these headers, without internal details."""
    assert (response.status, response.error_code) == (status, code)
    assert set(response.json) == {"success", "error", "requestId"}
    assert set(response.json["error"]) == {"code", "message", "details"}
    assert response.json["requestId"]
    assert response.headers["Content-Type"].startswith("application/json")
    assert {name: response.headers[name] for name in headers} == dict(headers)
    assert not any(word in response.body for word in (b"Traceback", b"pymongo", b"botocore"))


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_returns_401_without_a_cookie(stack: Stack, method: str, path: str) -> None:
    body = {"prompt": "x"} if method == "POST" else None
    response = User(stack).call(method, path, body, token="")
    assert_error(response, 401, "TOKEN_MISSING")
    assert response.headers["Cache-Control"] == "no-store"


def test_unsigned_callback_is_rejected(stack: Stack) -> None:
    response = User(stack).call("POST", f"/api/providers/no-such-ai/callback?job={'0' * 24}", b"{}", token="")
    assert response.status in {401, 404}
    assert response.json["success"] is False


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/no-such-thing"), ("PUT", "/api/videos/generate")])
def test_unknown_route_returns_404_in_the_contracts_format(
    stack: Stack, deployed: Deployed, method: str, path: str
) -> None:
    if deployed.is_local:
        pytest.skip("the local AWS has no gateway responses")
    # API Gateway itself sends this response, with the headers of the template and not with those of the functions.
    headers = gateway_headers(Expected(deployed), "MISSING_AUTHENTICATION_TOKEN")
    assert_error(User(stack).call(method, path, token=""), 404, "NOT_FOUND", headers)


def test_body_that_is_not_json_is_rejected(stack: Stack) -> None:
    html = {"Content-Type": "text/html"}
    response = User(stack).call("POST", "/api/videos/generate", b"<p>", token="", headers=html)
    assert response.status in {401, 415}
    assert response.json["success"] is False


def preflight(stack: Stack, origin: str) -> Response:
    """Send the preflight request that a browser sends before a POST. Return the response."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    url = f"{stack.api_url}/api/videos/generate"
    return send(urllib.request.Request(url, method="OPTIONS", headers=headers))


def test_only_allowed_origins_pass_the_preflight(stack: Stack, deployed: Deployed) -> None:
    rejected = preflight(stack, "https://evil.example")
    assert rejected.headers["Access-Control-Allow-Origin"] is None
    allowed = [it for it in deployed.described.parameters["AllowedOrigins"].split(",") if it]
    if not allowed:
        pytest.skip("AllowedOrigins is empty: no origin is allowed")
    for origin in allowed:
        accepted = preflight(stack, origin)
        assert accepted.headers["Access-Control-Allow-Origin"] == origin
        assert accepted.headers["Access-Control-Allow-Credentials"] == "true"
        assert "POST" in accepted.headers["Access-Control-Allow-Methods"]


def handshake(address: tuple[str, int], version: ssl.TLSVersion) -> str:
    """Return the negotiated TLS version, or `none` if the handshake fails.

    Raises:
        ssl.SSLCertVerificationError: If the certificate is not trusted.
    """
    context = ssl.create_default_context()
    context.set_ciphers("ALL:@SECLEVEL=0")  # otherwise the client itself rejects old versions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # deprecated versions are the point of the test
        context.minimum_version = context.maximum_version = version
    try:
        with socket.create_connection(address, 10) as raw, context.wrap_socket(raw, server_hostname=address[0]) as tls:
            return str(tls.version())
    except ssl.SSLCertVerificationError:
        raise
    except (ssl.SSLError, ConnectionError):
        return "none"


def test_api_supports_tls_1_2_with_a_trusted_certificate(tls_address: tuple[str, int]) -> None:
    assert handshake(tls_address, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_custom_domain_rejects_tls_before_1_2(
    tls_address: tuple[str, int], deployed: Deployed, version: ssl.TLSVersion
) -> None:
    if not deployed.described.parameters["DomainName"]:
        pytest.skip("DomainName is empty: AWS defines the TLS versions of the execute-api address")
    assert handshake(tls_address, version) == "none"


def test_plain_http_returns_no_data(tls_address: tuple[str, int]) -> None:
    try:
        with socket.create_connection((tls_address[0], 80), 10) as raw:
            raw.sendall(f"GET {ANY_JOB} HTTP/1.1\r\nHost: {tls_address[0]}\r\nConnection: close\r\n\r\n".encode())
            response = raw.recv(100).decode()
    except OSError:
        response = ""
    assert not response or response.split(" ")[1] in {"301", "308", "403"}


def test_execute_api_address_is_disabled_with_a_custom_domain(deployed: Deployed) -> None:
    if not deployed.described.parameters["DomainName"]:
        pytest.skip("DomainName is empty: the execute-api address is the only one")
    api = deployed.resources["Api"].id
    assert deployed.client("apigateway").get_rest_api(restApiId=api)["disableExecuteApiEndpoint"] is True
    stage = deployed.described.parameters["Environment"]
    url = f"https://{api}.execute-api.{deployed.region}.amazonaws.com/{stage}{ANY_JOB}"
    refused = send(urllib.request.Request(url))
    assert refused.status == 403
    assert "jobId" not in json.dumps(refused.body.decode())
