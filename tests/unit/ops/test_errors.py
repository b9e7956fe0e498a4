"""Explanation of unavailable services: it names the service and never quotes a driver's message."""

import pytest
from botocore.exceptions import ClientError
from pymongo.errors import OperationFailure

from ops.errors import explain_unavailable
from videojobs.domain.errors import Unavailable

DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "user:password@"}}, "GetSecretValue")


def unavailable(cause: Exception | None) -> Unavailable:
    error = Unavailable()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (OperationFailure("mongodb://user:password@host", 18), "Atlas's access list"),
        (DENIED, "GetSecretValue: AccessDeniedException"),
        (None, "every command may be repeated"),
    ],
)
def test_the_message_names_the_unavailable_service_without_secrets(cause: Exception | None, expected: str) -> None:
    message = explain_unavailable(unavailable(cause))
    assert expected in message
    assert "password@" not in message
