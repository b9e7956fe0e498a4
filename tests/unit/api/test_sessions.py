"""Sessions: when they end, and which pages can open a WebSocket."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from videojobs.api.auth import Session, authenticate, check_times, refuse_foreign_origin
from videojobs.api.http import HttpRequest
from videojobs.domain.errors import CrossSiteRequest, TokenExpired, TokenInvalid

SECRET = "correct-horse-battery-staple-0123456789"
USER = "507f191e810c19729de860ea"
SOON = int(time.time()) + 3600


def start_session(leeway_seconds: float = 0, **claims: Any) -> Session:
    """Authenticate a request whose token has these claims, and return the session."""
    token = jwt.encode({"userId": USER.upper()} | claims, SECRET, algorithm="HS256")
    request = HttpRequest.from_event({"httpMethod": "GET", "headers": {"cookie": f"token={token}"}})
    settings = SimpleNamespace(
        cookie_name="token",
        allowed_origins=(),
        jwt_leeway_seconds=leeway_seconds,
        jwt_issuer="",
        jwt_audience=(),
        accept_short_jwt_secret=False,
        user_claim="userId",
        priority_claim="priority",
    )
    return authenticate(request, settings=settings, secret=lambda *, refresh=False: SECRET)


def test_a_session_has_a_user_and_an_end() -> None:
    session = start_session(exp=SOON)
    assert (session.user_id, session.expires_at) == (USER, datetime.fromtimestamp(SOON, UTC))


def test_the_leeway_extends_the_session() -> None:
    assert start_session(leeway_seconds=60, exp=SOON).expires_at == datetime.fromtimestamp(SOON + 60, UTC)


def test_a_fraction_of_the_expiry_is_kept() -> None:
    assert start_session(exp=SOON + 0.75).expires_at == datetime.fromtimestamp(SOON + 0.75, UTC)


@pytest.mark.parametrize(
    ("claims", "now"),
    [
        ({"exp": 1000}, 999.999),
        ({"exp": 1000.5}, 1000.25),
        ({"exp": 1e3}, 999),
        ({"exp": 2000, "nbf": 1000}, 1000),
        ({"exp": 2000, "nbf": 1000.5}, 1000.5),
        ({"exp": 2000, "nbf": -1}, 0),
        ({"exp": 10**400, "nbf": 0}, 1000),
    ],
)
def test_a_session_is_valid_from_nbf_until_exp(claims: dict[str, object], now: float) -> None:
    assert check_times(claims, now=now, leeway_seconds=0) > datetime.fromtimestamp(now, UTC)


@pytest.mark.parametrize(
    ("claims", "now", "error"),
    [
        ({"exp": 1000}, 1000, TokenExpired),
        ({"exp": 1000.5}, 1000.5, TokenExpired),
        ({"exp": 0}, 1000, TokenExpired),
        ({"exp": -1e300}, 1000, TokenExpired),
        ({"exp": 2000, "nbf": 1000}, 999.999, TokenInvalid),
        ({"exp": 2000, "nbf": 1000.5}, 1000.25, TokenInvalid),
        ({"exp": 2000, "nbf": 10**400}, 1000, TokenInvalid),
    ],
)
def test_a_session_is_refused_before_nbf_and_from_exp(
    claims: dict[str, object], now: float, error: type[Exception]
) -> None:
    with pytest.raises(error):
        check_times(claims, now=now, leeway_seconds=0)


def test_the_leeway_applies_to_both_ends() -> None:
    claims = {"exp": 2000, "nbf": 1000}
    for now in (990, 2009.5):
        assert check_times(claims, now=now, leeway_seconds=10) == datetime.fromtimestamp(2010, UTC)
    with pytest.raises(TokenInvalid):
        check_times(claims, now=989.5, leeway_seconds=10)
    with pytest.raises(TokenExpired):
        check_times(claims, now=2010, leeway_seconds=10)


@pytest.mark.parametrize("exp", [10**12, 10**300, 10**400, 1e300])
def test_an_expiry_beyond_the_calendar_becomes_its_last_day(exp: float) -> None:
    assert start_session(exp=exp).expires_at == datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("origin", [None, "https://a.example"])
def test_an_allowed_page_or_a_client_without_an_origin_can_open_a_websocket(origin: str | None) -> None:
    request = HttpRequest.from_event({"headers": {"Origin": origin}})
    assert refuse_foreign_origin(request, ["https://a.example"]) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("origin", ["https://b.example", "null", "", "https://a.example, https://b.example"])
def test_a_foreign_page_cannot_open_a_websocket(origin: str) -> None:
    with pytest.raises(CrossSiteRequest):
        refuse_foreign_origin(HttpRequest.from_event({"headers": {"origin": origin}}), ["https://a.example"])
