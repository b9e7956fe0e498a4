"""Cross-site requests: refused if they can change something."""

import time
from types import SimpleNamespace

import jwt
import pytest

from videojobs.api.auth import authenticate
from videojobs.api.http import HttpRequest
from videojobs.domain.errors import CrossSiteRequest

SECRET = "correct-horse-battery-staple-0123456789"
USER = "507f191e810c19729de860ea"
SETTINGS = SimpleNamespace(
    cookie_name="token",
    allowed_origins=("https://app.example.com",),
    jwt_leeway_seconds=0,
    jwt_issuer="",
    jwt_audience=(),
    accept_short_jwt_secret=False,
    user_claim="userId",
    priority_claim="priority",
)


def key(*, refresh=False):
    return SECRET


def request(method, **headers):
    token = jwt.encode({"userId": USER, "exp": int(time.time()) + 3600}, SECRET, algorithm="HS256")
    named = {name: value for name, value in headers.items() if value is not None}
    lines = {"Cookie": [f"token={token}"]} | {name.replace("_", "-"): [value] for name, value in named.items()}
    return HttpRequest.from_event({"httpMethod": method, "multiValueHeaders": lines})


ALLOWED, FOREIGN = "https://app.example.com", "https://evil.example.com"
CROSS_SITE = [
    # Sec-Fetch-Site, Origin, whether the request passes
    (None, None, True),
    (None, ALLOWED, True),
    (None, FOREIGN, False),
    (None, "null", False),
    (None, "", False),
    (None, "https://app.example.com.evil.example.com", False),
    (None, "https://app.example.com/", False),
    (None, "http://app.example.com", False),
    ("same-origin", None, True),
    ("same-origin", FOREIGN, True),
    ("none", None, True),
    ("none", FOREIGN, True),
    ("same-site", None, False),
    ("same-site", ALLOWED, True),
    ("same-site", FOREIGN, False),
    ("same-site", "null", False),
    ("cross-site", None, False),
    ("cross-site", ALLOWED, True),
    ("cross-site", FOREIGN, False),
    ("cross-site", "null", False),
    ("Same-Origin", FOREIGN, False),
    ("same-origin, cross-site", FOREIGN, False),
    ("same-site", "", False),
    ("cross-site", "", False),
    ("nonsense", None, False),
    ("nonsense", FOREIGN, False),
]


@pytest.mark.parametrize(("site", "origin", "passes"), CROSS_SITE)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "SOMETHING"])
def test_a_changing_request_from_the_page_of_another_site_is_refused(method, site, origin, passes):
    sent_request = request(method, Sec_Fetch_Site=site, Origin=origin)
    if passes:
        assert authenticate(sent_request, settings=SETTINGS, secret=key).user_id == USER
    else:
        with pytest.raises(CrossSiteRequest):
            authenticate(sent_request, settings=SETTINGS, secret=key)


@pytest.mark.parametrize("origin", [FOREIGN, "null", "https://app.example.com/"])
def test_a_refusal_names_the_origin_and_the_parameter(origin):
    with pytest.raises(CrossSiteRequest) as caught:
        authenticate(request("POST", Origin=origin), settings=SETTINGS, secret=key)
    assert f"'{origin}'" in caught.value.message
    assert "AllowedOrigins" in caught.value.message


def test_a_refusal_of_a_request_without_an_origin_names_the_parameter():
    with pytest.raises(CrossSiteRequest) as caught:
        authenticate(request("POST", Sec_Fetch_Site="same-site"), settings=SETTINGS, secret=key)
    assert "AllowedOrigins" in caught.value.message


def test_a_refusal_shows_printable_ascii_of_limited_length():
    with pytest.raises(CrossSiteRequest) as caught:
        authenticate(request("POST", Origin="https://\u202e\x1b[2J\r\né" + "x" * 9000), settings=SETTINGS, secret=key)
    assert "'https://??[2J???" in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reading_request_may_come_from_any_site(method):
    sent_request = request(method, Sec_Fetch_Site="cross-site", Origin=FOREIGN)
    assert authenticate(sent_request, settings=SETTINGS, secret=key).user_id == USER


def test_a_request_with_two_origins_is_refused():
    headers = {"Origin": [ALLOWED, FOREIGN]}
    with pytest.raises(CrossSiteRequest):
        authenticate(
            HttpRequest.from_event({"httpMethod": "POST", "multiValueHeaders": headers}), settings=SETTINGS, secret=key
        )
