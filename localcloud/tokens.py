"""Signs in: makes the cookie that the platform would have set."""

import time

import jwt

from localcloud.stack import Stack

SAMPLE_USER = "65a1b2c3d4e5f60718293a4b"


def make_token(stack: Stack, *, user_id: str = SAMPLE_USER, minutes: float = 60, priority: str = "normal") -> str:
    """A session token of that user, for the cookie that the API reads; `priority` is the highest to be asked for."""
    claims = {"userId": user_id, "exp": int(time.time() + minutes * 60), "priority": priority}
    return jwt.encode(claims, stack.jwt_secret, algorithm="HS256")
