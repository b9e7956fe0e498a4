"""Who is let in: the cookie, its token, and the rotation of the key that signs it."""

import base64
import json
import time
from types import SimpleNamespace

import jwt
import pytest

from tests.builders import a_new_job
from videojobs.api.auth import UnusableSecretError, authenticate, check_secret, read_keys
from videojobs.api.http import HttpRequest
from videojobs.domain.errors import PriorityForbidden, TokenExpired, TokenInvalid, TokenMissing, Unavailable
from videojobs.domain.request import Priority

SECRET = "correct-horse-battery-staple-0123456789"
ROTATED = "another-horse-another-staple-9876543210"
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


class Key:
    """A key that was read once; `refresh` finds what holds now."""

    def __init__(self, cached=SECRET, current=SECRET):
        self.cached, self.current, self.refreshes = cached, current, 0

    def __call__(self, *, refresh=False):
        if refresh:
            self.refreshes += 1
            self.cached = self.current
        return self.cached


def in_an_hour():
    return int(time.time()) + 3600


def sign(claims=None, key=SECRET, algorithm="HS256", headers=None):
    return jwt.encode({"userId": USER, "exp": in_an_hour()} | (claims or {}), key, algorithm=algorithm, headers=headers)


def without(claim):
    claims = {"userId": USER, "exp": in_an_hour()}
    del claims[claim]
    return jwt.encode(claims, SECRET, algorithm="HS256")


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_token(header, payload, key=SECRET):
    """A token of any header and payload, with a true HS256 signature."""
    signed = f"{part(header)}.{part(payload)}"
    algorithm = jwt.get_algorithm_by_name("HS256")
    return f"{signed}.{part(algorithm.sign(signed.encode(), algorithm.prepare_key(key)))}"


HS256 = {"alg": "HS256", "typ": "JWT"}


def request(cookie=None, *, method="GET", **headers):
    all_headers = headers | ({} if cookie is None else {"Cookie": cookie})
    named = {name.replace("_", "-"): value for name, value in all_headers.items()}
    return HttpRequest.from_event({"httpMethod": method, "headers": named})


def admit_token(token, *, settings=SETTINGS, key=None):
    return authenticate(request(f"token={token}"), settings=settings, secret=key or Key()).user_id


def test_a_token_of_the_platform_names_its_user():
    assert admit_token(sign()) == USER


def test_further_claims_and_a_key_id_do_no_harm():
    token = sign({"iat": int(time.time()) - 5, "sub": "me", "role": "admin"}, headers={"kid": "../../etc/passwd"})
    assert admit_token(token) == USER


def test_a_user_id_in_capitals_is_the_same_user():
    assert admit_token(sign({"userId": USER.upper()})) == USER


BAD_TOKENS = {
    "no token at all": "x",
    "two parts": "e30.e30",
    "four parts": f"{sign()}.e30",
    "dots": "..",
    "an unsigned one": f"{part({'alg': 'none'})}.{part({'userId': USER, 'exp': in_an_hour()})}.",
    "an unsigned one in capitals": f"{part({'alg': 'NONE'})}.{part({'userId': USER, 'exp': in_an_hour()})}.",
    "a removed signature": sign().rpartition(".")[0] + ".",
    "a cut signature": sign()[:-5],
    "another key": sign(key=ROTATED),
    "an empty key": raw_token(HS256, {"userId": USER, "exp": in_an_hour()}, key="\0" * 32),
    "HS384": sign(algorithm="HS384", key=SECRET * 2),
    "HS512 with the right key": sign(algorithm="HS512", key=SECRET * 2),
    "an algorithm that is a list": raw_token({"alg": ["HS256"]}, {"userId": USER, "exp": in_an_hour()}),
    "no algorithm": raw_token({"typ": "JWT"}, {"userId": USER, "exp": in_an_hour()}),
    "a changed payload": sign().split(".")[0] + "." + part({"userId": "0" * 24}) + "." + sign().split(".")[2],
    "a header that is no object": raw_token([], {"userId": USER, "exp": in_an_hour()}),
    "a header 4,000 deep": raw_token(b"[" * 4000, {}),
    "a header with a huge number": raw_token(b'{"alg":' + b"9" * 5000 + b"}", {}),
    "a critical header": raw_token(HS256 | {"crit": ["b64"], "b64": False}, {"userId": USER, "exp": in_an_hour()}),
    "a key id that is a number": raw_token(HS256 | {"kid": 7}, {"userId": USER, "exp": in_an_hour()}),
    "a payload that is a list": raw_token(HS256, [USER]),
    "a payload that is no JSON": raw_token(HS256, b"\xff\xfe"),
    "no user": without("userId"),
    "no expiry": without("exp"),
    "an expiry in words": raw_token(HS256, {"userId": USER, "exp": "tomorrow"}),
    "an expiry of null": raw_token(HS256, {"userId": USER, "exp": None}),
    "an expiry of a list": raw_token(HS256, {"userId": USER, "exp": [in_an_hour()]}),
    "an infinite expiry": raw_token(HS256, b'{"userId":"' + USER.encode() + b'","exp":1e999}'),
    "not yet valid": sign({"nbf": in_an_hour()}),
    "issued in the future": sign({"iat": in_an_hour()}),
    "for another audience": sign({"aud": "another-service"}),
    "a user that is a number": sign({"userId": 7}),
    "a user that is null": raw_token(HS256, {"userId": None, "exp": in_an_hour()}),
    "a user that is an operator": sign({"userId": {"$ne": None}}),
    "a user that is no id": sign({"userId": "admin"}),
    "a user with a line end": sign({"userId": USER + "\n"}),
    "a user that is too long": sign({"userId": USER + "00"}),
    "a user in other digits": sign({"userId": "٠" * 24}),
    "letters beyond ASCII": sign() + "é",
    "a lone surrogate": "\ud800." * 2,
    "8,193 characters": sign({"x": "y" * 6200}).ljust(8193, "A")[:8193],
    "quotes around it": f'"{sign()}"',
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_token_is_refused(token):
    with pytest.raises(TokenInvalid):
        admit_token(token)


def test_a_long_token_is_read_up_to_8_kib():
    token = sign({"x": "y" * 5900})
    assert 7900 < len(token) <= 8192
    assert admit_token(token) == USER


def test_a_longer_token_is_refused_unread():
    key = Key()
    with pytest.raises(TokenInvalid):
        admit_token(sign({"x": "y" * 6200}), key=lambda **_: pytest.fail("the key was read"))
    assert key.refreshes == 0


@pytest.mark.parametrize("seconds_ago", [0, 1, 60, 10**9])
def test_an_expired_token_says_so(seconds_ago):
    with pytest.raises(TokenExpired):
        admit_token(sign({"exp": int(time.time()) - seconds_ago}))


def test_leeway_is_none_unless_configured():
    token = sign({"exp": int(time.time()) - 30})
    lenient = SimpleNamespace(**vars(SETTINGS) | {"jwt_leeway_seconds": 60})
    assert admit_token(token, settings=lenient) == USER
    with pytest.raises(TokenExpired):
        admit_token(token)


def test_a_rotated_key_is_asked_for_once_and_then_used():
    key = Key(cached=SECRET, current=ROTATED)
    assert [admit_token(sign(key=ROTATED), key=key) for _ in range(3)] == [USER] * 3
    assert key.refreshes == 1


def test_a_token_of_no_key_asks_for_the_key_once_only():
    key = Key()
    with pytest.raises(TokenInvalid):
        admit_token(sign(key="nobody-knows-this-key-at-all-0123456789"), key=key)
    assert key.refreshes == 1


@pytest.mark.parametrize("token", [sign({"exp": 1}), "x", without("exp"), BAD_TOKENS["an unsigned one"]])
def test_only_a_bad_signature_asks_for_the_key_again(token):
    key = Key()
    with pytest.raises((TokenInvalid, TokenExpired)):
        admit_token(token, key=key)
    assert key.refreshes == 0


def test_a_key_that_cannot_be_read_is_not_the_callers_fault():
    def unreachable(*, refresh=False):
        raise Unavailable

    with pytest.raises(Unavailable):
        admit_token(sign(), key=unreachable)


def configured(**changes):
    return SimpleNamespace(**vars(SETTINGS) | changes)


BOTH = json.dumps([ROTATED, SECRET])


@pytest.mark.parametrize("key", [SECRET, ROTATED])
def test_while_a_key_is_being_rotated_both_let_in(key):
    keys = Key(BOTH, BOTH)
    assert admit_token(sign(key=key), key=keys) == USER
    assert keys.refreshes == 0


def test_a_key_that_was_taken_out_of_the_secret_lets_in_no_more():
    with pytest.raises(TokenInvalid):
        admit_token(sign(), key=Key(ROTATED, ROTATED))


@pytest.mark.parametrize("claims", [{"exp": 1}, {"nbf": in_an_hour()}, {"userId": "admin"}])
@pytest.mark.parametrize("key", [SECRET, ROTATED])
def test_what_is_wrong_with_a_token_is_wrong_under_either_key(key, claims):
    with pytest.raises((TokenExpired, TokenInvalid)):
        admit_token(sign(claims, key=key), key=Key(BOTH, BOTH))


@pytest.mark.parametrize(
    "value", [SECRET, f"[{SECRET}", "[]", '["a", "b", "c"]', '[1, "b"]', '{"key": "value"}', "[" * 32, " x ", '"x"']
)
def test_any_other_text_is_the_key_itself(value):
    assert read_keys(value) == (value,)


ISSUED = {"iss": "https://platform.example.com", "aud": "videos"}
STRICT = configured(jwt_issuer="https://platform.example.com", jwt_audience=("videos", "videos-staging"))


@pytest.mark.parametrize("audience", ["videos", "videos-staging", ["videos", "another"]])
def test_a_token_of_the_configured_issuer_and_for_us_is_taken(audience):
    assert admit_token(sign(ISSUED | {"aud": audience}), settings=STRICT) == USER


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"iss": ISSUED["iss"]},
        {"aud": "videos"},
        ISSUED | {"iss": "https://platform.example.com/"},
        ISSUED | {"iss": "https://PLATFORM.example.com"},
        ISSUED | {"iss": ["https://platform.example.com"]},
        ISSUED | {"aud": "music"},
        ISSUED | {"aud": []},
        ISSUED | {"aud": ["Videos"]},
        ISSUED | {"aud": "videos,videos-staging"},
        ISSUED | {"aud": {"videos": True}},
    ],
)
def test_another_issuer_or_audience_is_refused_where_they_are_configured(claims):
    with pytest.raises(TokenInvalid):
        admit_token(sign_as_it_is(claims), settings=STRICT)


def sign_as_it_is(claims):
    """PyJWT would not sign an issuer that is a list."""
    return raw_token(HS256, {"userId": USER, "exp": in_an_hour()} | claims)


def test_an_issuer_that_nobody_asks_for_does_no_harm():
    assert admit_token(sign({"iss": "anybody"})) == USER


def test_the_users_claim_is_configured():
    token = jwt.encode({"sub": USER, "exp": in_an_hour()}, SECRET, algorithm="HS256")
    assert admit_token(token, settings=configured(user_claim="sub")) == USER
    with pytest.raises(TokenInvalid):
        admit_token(token)
    with pytest.raises(TokenInvalid):
        admit_token(sign(), settings=configured(user_claim="sub"))


def test_a_short_key_lets_in_where_it_was_accepted():
    accepting = configured(accept_short_jwt_secret=True)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = sign(key="short")
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        user_id = admit_token(token, key=Key("short", "short"), settings=accepting)
    assert user_id == USER


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("a" * 31, "has a key of 31 bytes"),
        ("é" * 15, "has a key of 30 bytes"),
        (json.dumps([SECRET, "short"]), "has a key of 5 bytes"),
        (json.dumps([SECRET, ""]), "has a key of 0 bytes"),
        (f"{SECRET}\n", "printf"),
        (f" {SECRET}", "printf"),
        (json.dumps({"key": SECRET}), "Store the key itself"),
        (json.dumps([SECRET, ROTATED, SECRET]), "one or two keys"),
    ],
)
def test_a_secret_that_will_not_do_says_what_to_change_and_shows_nothing(value, words):
    with pytest.raises(UnusableSecretError) as caught:
        check_secret(value, accept_short=False)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [SECRET, "a" * 32, BOTH, "é" * 16])
def test_a_secret_that_will_do_has_no_weakness(value):
    assert check_secret(value, accept_short=False) is True


def test_of_all_that_may_be_wrong_shortness_alone_can_be_accepted():
    assert check_secret("short", accept_short=True) is False
    for value in ("short\n", ""):
        with pytest.raises(UnusableSecretError):
            check_secret(value, accept_short=True)


def test_a_key_too_short_for_hs256_is_a_mistake_of_ours_and_lets_nobody_in():
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = sign(key="short")
    with pytest.raises(jwt.InvalidKeyError):
        admit_token(token, key=Key("short", "short"))


@pytest.mark.parametrize(
    "cookie", [None, "", "token", "token=", "token= ", "Token=x", "xtoken=x", "tokens=x", ";;", "a=token=x"]
)
def test_without_our_cookie_the_token_is_missing(cookie):
    with pytest.raises(TokenMissing):
        authenticate(request(cookie), settings=SETTINGS, secret=Key())


@pytest.mark.parametrize(
    "cookie", ["a=1; token={}; b=2", " token={} ", "token={};", "a;token={}", "tok=1;token={};token2=3"]
)
def test_our_cookie_is_found_among_others(cookie):
    assert authenticate(request(cookie.format(sign())), settings=SETTINGS, secret=Key()).user_id == USER


@pytest.mark.parametrize(
    "cookie", ["token={0}; token={0}", "token={0}; token=", "token=; token={0}", "token=x;a=1;token={0}"]
)
def test_two_cookies_of_our_name_are_refused_whatever_they_hold(cookie):
    with pytest.raises(TokenInvalid):
        authenticate(request(cookie.format(sign())), settings=SETTINGS, secret=Key())


def test_the_cookies_name_is_configured():
    renamed = SimpleNamespace(**vars(SETTINGS) | {"cookie_name": "__Host-session"})
    assert authenticate(request(f"token=x; __Host-session={sign()}"), settings=renamed, secret=Key()).user_id == USER


@pytest.mark.parametrize("name", ["cookie", "Cookie", "COOKIE", "cOOkie"])
@pytest.mark.parametrize("shape", ["headers", "multiValueHeaders", "both", "null"])
def test_the_cookie_is_found_in_either_shape_of_header_and_any_case(name, shape):
    line = f"a=1; token={sign()}"
    event = {
        "headers": {"headers": {name: line}},
        "multiValueHeaders": {"multiValueHeaders": {name: [line]}},
        "both": {"headers": {name: line}, "multiValueHeaders": {name.swapcase(): [line]}},
        "null": {"headers": {name: line}, "multiValueHeaders": None},
    }[shape]
    assert (
        authenticate(HttpRequest.from_event({"httpMethod": "GET"} | event), settings=SETTINGS, secret=Key()).user_id
        == USER
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"multiValueHeaders": {"Cookie": ["token={0}", "token={0}"]}},
        {"multiValueHeaders": {"Cookie": ["token={0}"], "cookie": ["token={0}"]}},
        {"headers": {"Cookie": "token={0}", "cookie": "token=x"}},
    ],
)
def test_two_cookies_in_two_lines_are_refused_too(headers):
    filled = json.loads(json.dumps(headers).replace("{0}", sign()))
    with pytest.raises(TokenInvalid):
        authenticate(HttpRequest.from_event({"httpMethod": "GET"} | filled), settings=SETTINGS, secret=Key())


def test_two_cookie_lines_of_which_one_is_ours_are_read():
    event = {"httpMethod": "GET", "multiValueHeaders": {"Cookie": ["a=1", f"token={sign()}"]}}
    assert authenticate(HttpRequest.from_event(event), settings=SETTINGS, secret=Key()).user_id == USER


def test_nothing_but_the_cookie_counts():
    event = {
        "httpMethod": "GET",
        "headers": {"Authorization": f"Bearer {sign()}", "token": sign(), "X-Cookie": f"token={sign()}"},
        "queryStringParameters": {"token": sign()},
    }
    with pytest.raises(TokenMissing):
        authenticate(HttpRequest.from_event(event), settings=SETTINGS, secret=Key())


def session(claims, claim="priority"):
    settings = SimpleNamespace(**vars(SETTINGS) | {"priority_claim": claim})
    return authenticate(request(f"token={sign(claims)}"), settings=settings, secret=Key())


@pytest.mark.parametrize("value", ["high", ["high"], ["normal", "high"], [None, {}, "high"]])
def test_the_claim_allows_high_priority(value):
    allowed = session({"priority": value})
    assert allowed.can_use_high_priority
    allowed.check_priority([a_new_job(priority=Priority.HIGH)])


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"plan": "high"},
        *({"priority": value} for value in ["normal", "HIGH", "highest", "", None, True, 1, [], [["high"]], ["HIGH"]]),
        {"priority": {"high": True}},
    ],
)
def test_anything_else_allows_normal_priority_only(claims):
    refused = session(claims)
    assert not refused.can_use_high_priority
    refused.check_priority([a_new_job(), a_new_job()])
    with pytest.raises(PriorityForbidden):
        refused.check_priority([a_new_job(), a_new_job(priority=Priority.HIGH)])


def test_the_claims_name_is_configured():
    assert session({"plan": "high"}, claim="plan").can_use_high_priority
    assert not session({"priority": "high"}, claim="plan").can_use_high_priority
