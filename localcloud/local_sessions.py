"""Sessions of pages on this machine: the sign-in that replaces the platform's, and one cookie for each page.

Cookies belong to a host, not to a port, so pages on several ports of this machine would share one session. Therefore
the cookie of a page on another port than the studio's has a name of its own, which is replaced in forwarded requests.
"""

import re
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

import jwt

from localcloud.stack import Stack
from localcloud.tokens import SAMPLE_USER, make_token

SESSION_MINUTES = 480
USERS = {"Ada": SAMPLE_USER, "Grace": "65a1b2c3d4e5f60718293a4c", "Katherine": "65a1b2c3d4e5f60718293a4d"}
"""Sample users of the sign-in page by name. Ada is the user of `make demo` and `make token`."""
_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


class InvalidSignIn(Exception):
    """Error for a sign-in form without a valid user ID or token. Its text says what to enter."""


def sign_in(stack: Stack, form: Mapping[str, str]) -> tuple[str, int]:
    """Return the session token for a sign-in form and the seconds until it expires.

    The field `user` is the ID of any user, for whom a token is made; the field `token` is a token of this system.

    Raises:
        InvalidSignIn: If the user ID is invalid, or if the token is invalid or has expired.
    """
    if token := form.get("token", "").strip():
        try:
            claims = jwt.decode(token, stack.jwt_secret, algorithms=["HS256"], options={"require": ["exp", "userId"]})
        except jwt.InvalidTokenError as error:
            message = "The field token is invalid or has expired. Print a new token with `make -s token`."
            raise InvalidSignIn(message) from error
        return token, int(claims["exp"] - time.time())
    user_id = form.get("user", "").strip().lower()
    if not _OBJECT_ID.fullmatch(user_id):
        raise InvalidSignIn("The field user is invalid. Enter a user ID of 24 hexadecimal digits.")
    return make_token(stack, user_id=user_id, minutes=SESSION_MINUTES), SESSION_MINUTES * 60


def read_user(stack: Stack, cookies: str, page_cookie: str) -> str | None:
    """Return the name of the page's signed-in user, or None. `cookies` is the `Cookie` header of the page's request.

    A user who is not in `USERS` is named after the beginning of the user ID.
    """
    try:
        token = SimpleCookie(cookies)[page_cookie].value
        user_id = str(jwt.decode(token, stack.jwt_secret, algorithms=["HS256"])["userId"])
    except (CookieError, KeyError, jwt.InvalidTokenError):
        return None
    names = {known_id: name for name, known_id in USERS.items()}
    return names.get(user_id, f"User {user_id[:6]}")


def name_cookie(cookie_name: str, host: str, own_port: int) -> str:
    """Return the name of the session cookie of the page at `host`, which is the `Host` header of its requests.

    The studio, on port `own_port` or without a port, has `cookie_name`. A page on another port has `cookie_name-port`.
    """
    port = host.partition(":")[2]
    return cookie_name if port in {"", str(own_port)} else f"{cookie_name}-{port}"


def translate_cookies(header: str, *, cookie_name: str, page_cookie: str) -> str:
    """Return the `Cookie` header for the API, in which the page's session cookie `page_cookie` is named `cookie_name`.

    An incoming cookie `cookie_name` is the studio's session and is left out. If the names are equal, nothing changes.
    """
    if page_cookie == cookie_name:
        return header
    pairs = [(name.strip(), value) for name, _, value in (part.partition("=") for part in header.split(";"))]
    kept = [(cookie_name if name == page_cookie else name, value) for name, value in pairs if name != cookie_name]
    return "; ".join(f"{name}={value}" for name, value in kept)
