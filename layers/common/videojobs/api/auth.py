"""Authentication by the JWT in the session cookie, and protection against cross-site requests."""

import contextlib
import json
import math
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import jwt

from videojobs.api.http import OPTIONAL_WHITE_SPACE, SAFE_METHODS, HttpRequest
from videojobs.domain.errors import CrossSiteRequest, PriorityForbidden, TokenExpired, TokenInvalid, TokenMissing
from videojobs.domain.job import UserId, is_object_id
from videojobs.domain.request import NewJob, Priority
from videojobs.ports.secrets import ReadSecret
from videojobs.settings import ApiSettings

ALGORITHM = "HS256"
MAXIMUM_KEYS = 2
MINIMUM_KEY_BYTES = 32
"""The length of the hash (RFC 7518, section 3.2). A shorter key can be brute-forced offline from a single token."""
MAXIMUM_TOKEN_LENGTH = 8192
"""Longer tokens are refused without parsing. API Gateway accepts 10,240 bytes of headers in total."""
REMEMBERED_TOKENS = 128
"""How many verified tokens an environment remembers, so that a page that polls is verified once: at most 1 MB."""

_LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_SAME_SITE_ENOUGH = frozenset({"same-origin", "none"})


class Session(NamedTuple):
    """An authenticated session: its user, whether it allows high priority, and when it expires."""

    user_id: UserId
    can_use_high_priority: bool
    expires_at: datetime

    def check_priority(self, requests: Iterable[NewJob]) -> None:
        """Check that the session allows the priority of each request.

        Raises:
            PriorityForbidden: If a request has high priority and the session does not allow it.
        """
        if not self.can_use_high_priority and any(request.priority is Priority.HIGH for request in requests):
            raise PriorityForbidden


def authenticate(request: HttpRequest, *, settings: ApiSettings, secret: ReadSecret) -> Session:
    """Return the session of the request, from the JWT in its session cookie.

    Raises:
        CrossSiteRequest: If the method can change state and a page of an origin that is not allowed sent the request.
        TokenMissing: If there is no session cookie, or it is empty.
        TokenInvalid: If the token fails verification or has no valid user ID, or if there are several cookies.
        TokenExpired: If the token has expired.
        Unavailable: If the signing key was never read and can't be read from Secrets Manager.
        jwt.InvalidKeyError: If the signing key is shorter than 32 bytes and the settings do not accept that.
    """
    if request.method not in SAFE_METHODS:
        _refuse_cross_site(request, settings.allowed_origins)
    token = _read_cookie(request, settings.cookie_name)
    claims = _decode(token, settings, secret)
    expires_at = check_times(claims, now=time.time(), leeway_seconds=settings.jwt_leeway_seconds)
    user_id = claims.get(settings.user_claim)
    if not isinstance(user_id, str) or not is_object_id(user_id):
        raise TokenInvalid
    allowed = claims.get(settings.priority_claim)
    can_use_high_priority = (
        Priority.HIGH.value in allowed if isinstance(allowed, list) else allowed == Priority.HIGH.value
    )
    return Session(UserId(user_id.lower()), can_use_high_priority, expires_at)


def check_times(claims: Mapping[str, object], *, now: float, leeway_seconds: float) -> datetime:
    """Return the time at which a session with these claims expires; at the latest the last day of the year 9999.

    As in jsonwebtoken, `exp` and `nbf` are JSON numbers that may have a fraction, and `iat` is not checked. PyJWT
    rounds them down and accepts digits as text.

    Args:
        claims: The claims of a token whose signature is valid.
        now: The current time in seconds since 1970.
        leeway_seconds: The time for which an expired token, or one that is not valid yet, is accepted.

    Raises:
        TokenInvalid: If `exp` is missing or not a finite number, if `nbf` is present and not a finite number, or if
            `nbf` is later than `now`.
        TokenExpired: If `exp` is not later than `now`.
    """
    begins, ends = _read_number(claims, "nbf", 0), _read_number(claims, "exp")
    if begins > now + leeway_seconds:
        raise TokenInvalid
    if ends <= now - leeway_seconds:
        raise TokenExpired
    return datetime.fromtimestamp(min(min(ends, _LAST_SECOND) + leeway_seconds, _LAST_SECOND), UTC)


def _read_number(claims: Mapping[str, object], name: str, default: object = None) -> int | float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid
    if isinstance(value, float) and not math.isfinite(value):
        raise TokenInvalid
    return value


def refuse_foreign_origin(request: HttpRequest, allowed_origins: Collection[str]) -> None:
    """Check the `Origin` header of a WebSocket handshake; a handshake without one passes.

    Browsers always send the header and apply no CORS check to WebSockets.

    Raises:
        CrossSiteRequest: If the origin is not in `allowed_origins`.
    """
    origin = request.header("origin")
    if origin is not None and origin not in allowed_origins:
        raise CrossSiteRequest(origin)


def _refuse_cross_site(request: HttpRequest, allowed_origins: Collection[str]) -> None:
    # Scripts of a page can't set either header; see https://web.dev/articles/fetch-metadata.
    site, origin = request.header("sec-fetch-site"), request.header("origin")
    if site in _SAME_SITE_ENOUGH or (site is None and origin is None):
        return
    if origin not in allowed_origins:
        raise CrossSiteRequest(origin)


def _read_cookie(request: HttpRequest, name: str) -> str:
    # As in the package `cookie` of Express: white space is space and tab, and text without "=" is not a cookie. With
    # `str.strip` a sibling domain could imitate the name `__Host-token` by a name that begins with U+2000.
    pairs = (part.partition("=") for line in request.headers.get("cookie", ()) for part in line.split(";"))
    values = [
        value.strip(OPTIONAL_WHITE_SPACE)
        for key, equals, value in pairs
        if equals and key.strip(OPTIONAL_WHITE_SPACE) == name
    ]
    if len(values) > 1:
        # A sibling domain can set a second cookie of the same name, and the order of the two is not defined.
        raise TokenInvalid
    token = _unquote(values[0]) if values else ""
    if not token:
        raise TokenMissing
    return token


def _unquote(value: str) -> str:
    is_quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return value[1:-1] if is_quoted else value


def read_keys(secret: str) -> tuple[str, ...]:
    """Return the signing keys in a secret's value: one key as plain text, or a JSON list of one or two keys.

    Any other value, such as an invalid list, is returned as one key.
    """
    if secret.startswith("["):
        try:
            keys = json.loads(secret)
        except ValueError:
            return (secret,)
        if isinstance(keys, list) and 0 < len(keys) <= MAXIMUM_KEYS and all(isinstance(key, str) for key in keys):
            return tuple(keys)
    return (secret,)


class UnusableSecretError(Exception):
    """The value of the JWT secret cannot be used; the message completes "The secret ..." and says what to change."""


def check_secret(secret: str, *, accept_short: bool) -> bool:
    """Return whether each key in a secret's value has at least 32 bytes.

    Raises:
        UnusableSecretError: If no token could be verified with the value, or if a key is short and `accept_short` is
            false. The message contains no part of the value.
    """
    if not secret.strip():
        message = "is empty. Store the key with which your platform signs its tokens"
        raise UnusableSecretError(message)
    if secret.startswith("{"):
        message = (
            "holds a JSON object, the format of key/value pairs in the console. Store the key itself as plain text, "
            'or a list of two keys, ["new", "old"], during a rotation'
        )
        raise UnusableSecretError(message)
    keys = read_keys(secret)
    if keys == (secret,) and secret.startswith("["):
        message = 'holds an invalid list of keys. Store one or two keys, ["new", "old"]'
        raise UnusableSecretError(message)
    if any(key != key.strip() for key in keys):
        message = (
            "begins or ends with white space, for example the line break of `echo`. Store the key with printf '%s'"
        )
        raise UnusableSecretError(message)
    shortest = min(len(key.encode()) for key in keys)
    if shortest < MINIMUM_KEY_BYTES and not accept_short:
        message = (
            f"has a key of {shortest} bytes. HS256 needs {MINIMUM_KEY_BYTES}: a shorter key can be guessed from one "
            "token and used to sign in as any user. Create one with `openssl rand -hex 32` and have the platform "
            "sign with it. If the platform cannot change its key yet, set AcceptShortJwtSecret to true in template.yaml"
        )
        raise UnusableSecretError(message)
    return shortest >= MINIMUM_KEY_BYTES


def _decode(token: str, settings: ApiSettings, secret: ReadSecret) -> Mapping[str, object]:
    if len(token) > MAXIMUM_TOKEN_LENGTH:
        raise TokenInvalid
    rules = _Rules(settings.jwt_issuer, settings.jwt_audience, settings.user_claim, settings.accept_short_jwt_secret)
    try:
        try:
            return _verify(token, secret(), rules)
        except jwt.InvalidSignatureError:
            return _verify(token, secret(refresh=True), rules)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # A hostile header can make PyJWT raise errors of the JSON parser or of int() in addition to its own.
        raise TokenInvalid from error


class _Rules(NamedTuple):
    issuer: str
    audience: tuple[str, ...]
    user_claim: str
    accept_short_key: bool


@lru_cache(REMEMBERED_TOKENS)
def _verify(token: str, secret: str, rules: _Rules) -> Mapping[str, object]:
    """Return the claims of a token with a valid signature, whose times are not checked.

    The claims are remembered with the whole value of the secret, so that a removed key is refused as soon as the
    secret is read again. Errors are not remembered.
    """
    *others, last = read_keys(secret)
    for key in others:
        with contextlib.suppress(jwt.InvalidSignatureError):
            return _decode_with(token, key, rules)
    return _decode_with(token, last, rules)


def _decode_with(token: str, key: str, rules: _Rules) -> dict[str, object]:
    # A short key that the settings do not accept is a configuration error. It raises InvalidKeyError, which is not
    # an InvalidTokenError, and leads to a 500 response.
    # The platform's jsonwebtoken checks neither `iat`, `sub` nor `jti`, and `aud` only where an audience is configured;
    # PyJWT also skips `iss` without a configured issuer. `check_times` checks `exp` and `nbf`.
    options: jwt.types.Options = {
        "require": ["exp", rules.user_claim],
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "verify_sub": False,
        "verify_jti": False,
        "verify_aud": bool(rules.audience),
        "enforce_minimum_key_length": not rules.accept_short_key,
    }
    return jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        options=options,
        issuer=rules.issuer or None,
        audience=list(rules.audience) or None,
    )
