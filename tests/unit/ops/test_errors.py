"""What does not answer is named in words, and never by what a driver says."""

import pytest
from pymongo.errors import OperationFailure

from ops.errors import explain_unavailable
from videojobs.domain.errors import Unavailable


def unavailable(cause: Exception | None) -> Unavailable:
    error = Unavailable()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (OperationFailure("mongodb://user:password@host", 18), "Atlas's access list"),
        (RuntimeError("secretsmanager GetSecretValue: AccessDeniedException"), "GetSecretValue: AccessDeniedException"),
        (None, "every command may be repeated"),
    ],
)
def test_a_service_that_does_not_answer_is_named(cause: Exception | None, words: str) -> None:
    said = explain_unavailable(unavailable(cause))
    assert words in said
    assert "password@" not in said
