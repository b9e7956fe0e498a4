"""Signature Version 4: the signature equals the signature by botocore."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from videojobs.adapters.sigv4 import Credentials, sign_request, sign_url

NOW = datetime(2026, 11, 23, 5, 0, 1, tzinfo=UTC)
TEXT = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_.", min_size=1, max_size=60)
KEYS = st.builds(Credentials, TEXT, TEXT, st.none() | TEXT)


@pytest.fixture
def _botocore_lives_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW)


def sign_with_botocore(
    method: str, url: str, headers: dict[str, str], body: bytes, *, credentials: Credentials, service: str, region: str
) -> dict[str, Any]:
    request = AWSRequest(method, url, headers=headers, data=body)
    SigV4Auth(BotocoreCredentials(*credentials), service, region).add_auth(request)
    return dict(request.headers)


@pytest.mark.usefixtures("_botocore_lives_now")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    where=st.tuples(
        st.sampled_from(["POST", "DELETE"]),
        st.sampled_from(
            ["https://sqs.eu-west-1.amazonaws.com/", "http://127.0.0.1:4566/", "https://example.com:8443/"]
        ),
        st.sampled_from(["", "prod/@connections/L0SM9cOFvHcCIhw%3D", "a~b/c-d_e.f", "%2Fslash%20and%C3%BC"]),
    ),
    target=TEXT,
    body=st.binary(max_size=200),
    credentials=KEYS,
    scope=st.tuples(
        st.sampled_from(["sqs", "secretsmanager", "execute-api"]), st.sampled_from(["us-east-1", "us-gov-west-1"])
    ),
)
def test_a_request_is_signed_as_botocore_signs_it(
    where: tuple[str, str, str], target: str, body: bytes, credentials: Credentials, scope: tuple[str, str]
) -> None:
    (method, host, path), (service, region) = where, scope
    url = host + path
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
    theirs = sign_with_botocore(method, url, headers, body, credentials=credentials, service=service, region=region)
    ours = sign_request(method, url, headers, body, credentials=credentials, service=service, region=region, now=NOW)
    assert {name: value for name, value in ours.items() if name != "Host"} == theirs


def test_a_signed_request_contains_the_host_the_date_and_the_credential_scope() -> None:
    ours = sign_request(
        "POST",
        "https://sqs.us-east-1.amazonaws.com/",
        {"Content-Type": "application/x-amz-json-1.0"},
        b"{}",
        credentials=Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        service="sqs",
        region="us-east-1",
        now=NOW,
    )
    assert ours["Host"] == "sqs.us-east-1.amazonaws.com"
    assert ours["X-Amz-Date"] == "20261123T050001Z"
    assert ours["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/sqs/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature="
    )
    assert "X-Amz-Security-Token" not in ours


@pytest.mark.usefixtures("_botocore_lives_now")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    url=st.builds(
        "{}/{}".format,
        st.sampled_from(["https://videos.s3.eu-west-1.amazonaws.com", "http://127.0.0.1:4566/videos"]),
        st.text(max_size=30).map(quote),
    ),
    query=st.dictionaries(TEXT, st.text(min_size=1, max_size=60), max_size=3),
    credentials=KEYS,
    seconds=st.integers(60, 3600),
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_url_is_signed_as_botocore_signs_it(
    method: str, url: str, query: dict[str, str], credentials: Credentials, seconds: int
) -> None:
    scope = {"service": "s3", "region": "eu-west-1"}
    signed = sign_url(method, url, query, credentials=credentials, now=NOW, seconds=seconds, **scope)

    request = AWSRequest(method, f"{url}?{urlencode(query, quote_via=quote)}" if query else url)
    S3SigV4QueryAuth(BotocoreCredentials(*credentials), "s3", "eu-west-1", expires=seconds).add_auth(request)
    ours, theirs = urlsplit(signed), urlsplit(str(request.url))
    assert ours[:3] == theirs[:3]
    assert sorted(ours.query.split("&")) == sorted(theirs.query.split("&"))
