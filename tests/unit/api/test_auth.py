"""Authentication: the cookie, its token, and the rotation of the signing key."""

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
    """A signing key with a cached value; `refresh` reads the current value."""

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
    """Return a token with any header and payload and a valid HS256 signature."""
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


def test_a_token_of_the_platform_identifies_its_user():
    assert admit_token(sign()) == USER


def test_additional_claims_and_a_key_id_are_ignored():
    token = sign({"iat": int(time.time()) - 5, "sub": "me", "role": "admin"}, headers={"kid": "../../etc/passwd"})
    assert admit_token(token) == USER


def test_a_user_id_in_capital_letters_is_normalized():
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
    "a header that is not an object": raw_token([], {"userId": USER, "exp": in_an_hour()}),
    "a header 4,000 deep": raw_token(b"[" * 4000, {}),
    "a header with a huge number": raw_token(b'{"alg":' + b"9" * 5000 + b"}", {}),
    "a critical header": raw_token(HS256 | {"crit": ["b64"], "b64": False}, {"userId": USER, "exp": in_an_hour()}),
    "a key id that is a number": raw_token(HS256 | {"kid": 7}, {"userId": USER, "exp": in_an_hour()}),
    "a payload that is a list": raw_token(HS256, [USER]),
    "a payload that is not JSON": raw_token(HS256, b"\xff\xfe"),
    "no user": without("userId"),
    "no expiry": without("exp"),
    "an expiry that is not a number": raw_token(HS256, {"userId": USER, "exp": "tomorrow"}),
    "an expiry of null": raw_token(HS256, {"userId": USER, "exp": None}),
    "an expiry of a list": raw_token(HS256, {"userId": USER, "exp": [in_an_hour()]}),
    "an infinite expiry": raw_token(HS256, b'{"userId":"' + USER.encode() + b'","exp":1e999}'),
    "an expiry in digits": raw_token(HS256, {"userId": USER, "exp": str(in_an_hour())}),
    "an expiry of true": raw_token(HS256, {"userId": USER, "exp": True}),
    "an expiry of NaN": raw_token(HS256, b'{"userId":"' + USER.encode() + b'","exp":NaN}'),
    "not yet valid": sign({"nbf": in_an_hour()}),
    "a beginning in digits": raw_token(HS256, {"userId": USER, "exp": in_an_hour(), "nbf": "1"}),
    "a beginning of null": raw_token(HS256, {"userId": USER, "exp": in_an_hour(), "nbf": None}),
    "a user that is a number": sign({"userId": 7}),
    "a user that is null": raw_token(HS256, {"userId": None, "exp": in_an_hour()}),
    "a user that is an operator": sign({"userId": {"$ne": None}}),
    "a user that is not an ID": sign({"userId": "admin"}),
    "a user with a line end": sign({"userId": USER + "\n"}),
    "a user that is too long": sign({"userId": USER + "00"}),
    "a user in other digits": sign({"userId": "٠" * 24}),
    "letters beyond ASCII": sign() + "é",
    "a lone surrogate": "\ud800." * 2,
    "8,193 characters": sign({"x": "y" * 6200}).ljust(8193, "A")[:8193],
    "one quote before it": f'"{sign()}',
    "one quote after it": f'{sign()}"',
    "two pairs of quotes": f'""{sign()}""',
    "a single quote": '"',
    "a percent-encoded dot": sign().replace(".", "%2E", 1),
    "white space other than space and tab": f"\u00a0{sign()}",
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_an_invalid_token_is_refused(token):
    with pytest.raises(TokenInvalid):
        admit_token(token)


VALUES_OF_ANY_TYPE = ["text", "", 7, -1, 1.5, 1e300, 10**30, True, False, None, [], ["a"], {}, {"a": [None]}]


@pytest.mark.parametrize("claim", ["iat", "sub", "jti", "iss", "aud"])
@pytest.mark.parametrize("value", [*VALUES_OF_ANY_TYPE, in_an_hour(), in_an_hour() * 1000], ids=repr)
def test_a_claim_that_the_platform_does_not_check_can_have_any_value_and_type(claim, value):
    assert admit_token(sign_unchecked({claim: value})) == USER


@pytest.mark.parametrize("value", [*VALUES_OF_ANY_TYPE, in_an_hour() * 1000], ids=repr)
@pytest.mark.parametrize("claim", ["iat", "sub", "jti"])
def test_a_configured_issuer_and_audience_leave_other_claims_unchecked(claim, value):
    assert admit_token(sign_unchecked(ISSUED | {claim: value}), settings=STRICT) == USER


def test_a_token_of_up_to_8_kib_is_accepted():
    token = sign({"x": "y" * 5900})
    assert 7900 < len(token) <= 8192
    assert admit_token(token) == USER


def test_a_longer_token_is_refused_before_the_key_is_read():
    key = Key()
    with pytest.raises(TokenInvalid):
        admit_token(sign({"x": "y" * 6200}), key=lambda **_: pytest.fail("the key was read"))
    assert key.refreshes == 0


@pytest.mark.parametrize("seconds_ago", [0, 1, 60, 10**9])
def test_an_expired_token_raises_token_expired(seconds_ago):
    with pytest.raises(TokenExpired):
        admit_token(sign({"exp": int(time.time()) - seconds_ago}))


def test_there_is_no_leeway_unless_configured():
    token = sign({"exp": int(time.time()) - 30})
    lenient = SimpleNamespace(**vars(SETTINGS) | {"jwt_leeway_seconds": 60})
    assert admit_token(token, settings=lenient) == USER
    with pytest.raises(TokenExpired):
        admit_token(token)


def test_a_rotated_key_is_refreshed_once_and_then_used():
    key = Key(cached=SECRET, current=ROTATED)
    assert [admit_token(sign(key=ROTATED), key=key) for _ in range(3)] == [USER] * 3
    assert key.refreshes == 1


def test_a_token_signed_with_an_unknown_key_refreshes_the_key_once():
    key = Key()
    with pytest.raises(TokenInvalid):
        admit_token(sign(key="an-unknown-key-of-sufficient-length-0123456789"), key=key)
    assert key.refreshes == 1


@pytest.mark.parametrize("token", [sign({"exp": 1}), "x", without("exp"), BAD_TOKENS["an unsigned one"]])
def test_only_an_invalid_signature_refreshes_the_key(token):
    key = Key()
    with pytest.raises((TokenInvalid, TokenExpired)):
        admit_token(token, key=key)
    assert key.refreshes == 0


def test_a_key_that_cannot_be_read_raises_unavailable():
    def unreachable(*, refresh=False):
        raise Unavailable

    with pytest.raises(Unavailable):
        admit_token(sign(), key=unreachable)


def configured(**changes):
    return SimpleNamespace(**vars(SETTINGS) | changes)


BOTH = json.dumps([ROTATED, SECRET])


@pytest.mark.parametrize("key", [SECRET, ROTATED])
def test_both_keys_are_accepted_during_a_rotation(key):
    keys = Key(BOTH, BOTH)
    assert admit_token(sign(key=key), key=keys) == USER
    assert keys.refreshes == 0


def test_a_key_that_was_removed_from_the_secret_is_refused_also_for_a_remembered_token():
    token = sign()
    assert admit_token(token, key=Key()) == USER
    with pytest.raises(TokenInvalid):
        admit_token(token, key=Key(ROTATED, ROTATED))


def test_a_remembered_token_expires():
    token = sign({"exp": int(time.time()) - 10})
    assert admit_token(token, settings=configured(jwt_leeway_seconds=60)) == USER
    with pytest.raises(TokenExpired):
        admit_token(token)


def test_a_remembered_token_is_refused_under_other_rules():
    token = sign()
    assert admit_token(token) == USER
    with pytest.raises(TokenInvalid):
        admit_token(token, settings=configured(jwt_issuer="https://platform.example.com"))


@pytest.mark.parametrize("claims", [{"exp": 1}, {"nbf": in_an_hour()}, {"userId": "admin"}])
@pytest.mark.parametrize("key", [SECRET, ROTATED])
def test_an_invalid_token_is_refused_under_either_key(key, claims):
    with pytest.raises((TokenExpired, TokenInvalid)):
        admit_token(sign(claims, key=key), key=Key(BOTH, BOTH))


@pytest.mark.parametrize(
    "value", [SECRET, f"[{SECRET}", "[]", '["a", "b", "c"]', '[1, "b"]', '{"key": "value"}', "[" * 32, " x ", '"x"']
)
def test_any_text_that_is_not_a_list_of_keys_is_the_key_itself(value):
    assert read_keys(value) == (value,)


ISSUED = {"iss": "https://platform.example.com", "aud": "videos"}
STRICT = configured(jwt_issuer="https://platform.example.com", jwt_audience=("videos", "videos-staging"))


@pytest.mark.parametrize("audience", ["videos", "videos-staging", ["videos", "another"]])
def test_a_token_of_the_configured_issuer_and_audience_is_accepted(audience):
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
def test_another_issuer_or_audience_is_refused_if_one_is_configured(claims):
    with pytest.raises(TokenInvalid):
        admit_token(sign_unchecked(claims), settings=STRICT)


def sign_unchecked(claims):
    """Return a signed token with the claims; PyJWT itself refuses to sign an issuer that is a list."""
    return raw_token(HS256, {"userId": USER, "exp": in_an_hour()} | claims)


def test_the_issuer_is_ignored_if_none_is_configured():
    assert admit_token(sign({"iss": "any-issuer"})) == USER


def test_the_name_of_the_user_claim_is_configurable():
    token = jwt.encode({"sub": USER, "exp": in_an_hour()}, SECRET, algorithm="HS256")
    assert admit_token(token, settings=configured(user_claim="sub")) == USER
    with pytest.raises(TokenInvalid):
        admit_token(token)
    with pytest.raises(TokenInvalid):
        admit_token(sign(), settings=configured(user_claim="sub"))


def test_a_short_key_is_accepted_if_short_keys_are_allowed():
    accepting = configured(accept_short_jwt_secret=True)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = sign(key="short")
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        user_id = admit_token(token, key=Key("short", "short"), settings=accepting)
    assert user_id == USER


@pytest.mark.parametrize(
    ("value", "problem"),
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
def test_an_unusable_secret_is_described_without_its_content(value, problem):
    with pytest.raises(UnusableSecretError) as caught:
        check_secret(value, accept_short=False)
    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [SECRET, "a" * 32, BOTH, "é" * 16])
def test_a_sufficient_secret_passes_the_check(value):
    assert check_secret(value, accept_short=False) is True


def test_only_a_short_key_can_be_allowed_by_the_setting():
    assert check_secret("short", accept_short=True) is False
    for value in ("short\n", ""):
        with pytest.raises(UnusableSecretError):
            check_secret(value, accept_short=True)


def test_a_short_key_raises_invalid_key_error_and_authenticates_no_user():
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = sign(key="short")
    with pytest.raises(jwt.InvalidKeyError):
        admit_token(token, key=Key("short", "short"))


@pytest.mark.parametrize(
    "cookie", [None, "", "token", "token=", "token= ", 'token=""', "Token=x", "xtoken=x", "tokens=x", ";;", "a=token=x"]
)
def test_a_request_without_the_session_cookie_raises_token_missing(cookie):
    with pytest.raises(TokenMissing):
        authenticate(request(cookie), settings=SETTINGS, secret=Key())


@pytest.mark.parametrize(
    "cookie",
    [
        "a=1; token={}; b=2",
        " token={} ",
        "\ttoken\t=\t{}\t",
        "token={};",
        "a;token={}",
        "token;token={}",
        "tok=1;token={};token2=3",
        'token="{}"',
        'token= "{}" ;a="b"',
    ],
)
def test_the_session_cookie_is_found_among_other_cookies(cookie):
    assert authenticate(request(cookie.format(sign())), settings=SETTINGS, secret=Key()).user_id == USER


WHITE_SPACE = {chr(code) for code in range(0x110000) if chr(code).isspace()} | set("\ufeff\u180e\u200b\u2060")


@pytest.mark.parametrize("character", sorted(WHITE_SPACE - set(" \t")), ids=ascii)
def test_no_other_white_space_imitates_the_name_of_the_session_cookie(character):
    host_only = configured(cookie_name="__Host-token")
    for name in (f"{character}__Host-token", f"__Host-token{character}"):
        with pytest.raises(TokenMissing):
            authenticate(request(f"{name}={sign()}"), settings=host_only, secret=Key())
        both = f"{name}={sign({'userId': '0' * 24})}; __Host-token={sign()}"
        assert authenticate(request(both), settings=host_only, secret=Key()).user_id == USER


@pytest.mark.parametrize(
    "cookie", ["token={0}; token={0}", "token={0}; token=", "token=; token={0}", "token=x;a=1;token={0}"]
)
def test_two_session_cookies_are_refused(cookie):
    with pytest.raises(TokenInvalid):
        authenticate(request(cookie.format(sign())), settings=SETTINGS, secret=Key())


def test_the_name_of_the_session_cookie_is_configurable():
    renamed = SimpleNamespace(**vars(SETTINGS) | {"cookie_name": "__Host-session"})
    assert authenticate(request(f"token=x; __Host-session={sign()}"), settings=renamed, secret=Key()).user_id == USER


@pytest.mark.parametrize("name", ["cookie", "Cookie", "COOKIE", "cOOkie"])
@pytest.mark.parametrize("shape", ["headers", "multiValueHeaders", "both", "null"])
def test_the_cookie_header_is_found_in_both_event_formats_and_in_any_case(name, shape):
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
def test_two_session_cookies_in_two_headers_are_refused(headers):
    filled = json.loads(json.dumps(headers).replace("{0}", sign()))
    with pytest.raises(TokenInvalid):
        authenticate(HttpRequest.from_event({"httpMethod": "GET"} | filled), settings=SETTINGS, secret=Key())


def test_a_session_cookie_in_a_second_cookie_header_is_found():
    event = {"httpMethod": "GET", "multiValueHeaders": {"Cookie": ["a=1", f"token={sign()}"]}}
    assert authenticate(HttpRequest.from_event(event), settings=SETTINGS, secret=Key()).user_id == USER


def test_only_the_cookie_authenticates():
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
def test_the_priority_claim_allows_high_priority(value):
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
def test_any_other_priority_claim_allows_normal_priority_only(claims):
    refused = session(claims)
    assert not refused.can_use_high_priority
    refused.check_priority([a_new_job(), a_new_job()])
    with pytest.raises(PriorityForbidden):
        refused.check_priority([a_new_job(), a_new_job(priority=Priority.HIGH)])


def test_the_name_of_the_priority_claim_is_configurable():
    assert session({"plan": "high"}, claim="plan").can_use_high_priority
    assert not session({"priority": "high"}, claim="plan").can_use_high_priority
