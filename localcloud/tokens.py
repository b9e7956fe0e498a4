"""Session tokens like those that the platform issues."""

import time

import jwt

from localcloud.stack import Stack

SAMPLE_USER = "65a1b2c3d4e5f60718293a4b"


def make_token(stack: Stack, *, user_id: str = SAMPLE_USER, minutes: float = 60, priority: str = "normal") -> str:
    """Return a session token of the user, signed with the system's key: the value of the API's cookie.

    `minutes` is the time until it expires, and `priority` the highest priority that the user can request.
    """
    claims = {"userId": user_id, "exp": int(time.time() + minutes * 60), "priority": priority}
    return jwt.encode(claims, stack.jwt_secret, algorithm="HS256")
