"""Until when a session lasts, and which pages may open a WebSocket."""

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from videojobs.api.auth import Session, authenticate, refuse_foreign_origin
from videojobs.api.http import HttpRequest
from videojobs.domain.errors import CrossSiteRequest

SECRET = "correct-horse-battery-staple-0123456789"
USER = "507f191e810c19729de860ea"
SOON = int(time.time()) + 3600


def ask(leeway_seconds: float = 0, **claims: Any) -> Session:
    """Admit whoever has a token with these claims."""
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


def test_a_session_says_whose_it_is_and_until_when() -> None:
    session = ask(exp=SOON)
    assert (session.user_id, session.expires_at) == (USER, datetime.fromtimestamp(SOON, UTC))


def test_what_a_clock_may_be_off_is_added() -> None:
    assert ask(leeway_seconds=60, exp=SOON).expires_at == datetime.fromtimestamp(SOON + 60, UTC)


@pytest.mark.parametrize("exp", [SOON + 0.75, str(SOON)])
def test_fractions_and_digits_are_read_as_the_library_reads_them(exp: object) -> None:
    assert ask(exp=exp).expires_at == datetime.fromtimestamp(SOON, UTC)


@pytest.mark.parametrize("exp", [10**12, 10**300, 10**400, 1e300])
def test_a_session_for_ever_ends_with_the_calendar(exp: float) -> None:
    assert ask(exp=exp).expires_at == datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("origin", [None, "https://a.example"])
def test_a_page_of_ours_and_what_is_no_page_may_open_one(origin: str | None) -> None:
    request = HttpRequest.from_event({"headers": {"Origin": origin}})
    assert refuse_foreign_origin(request, ["https://a.example"]) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("origin", ["https://b.example", "null", "", "https://a.example, https://b.example"])
def test_any_other_page_may_not(origin: str) -> None:
    with pytest.raises(CrossSiteRequest):
        refuse_foreign_origin(HttpRequest.from_event({"headers": {"origin": origin}}), ["https://a.example"])
