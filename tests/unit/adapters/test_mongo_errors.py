"""Errors of MongoDB: the server's messages quote documents, which must not reach the errors that are logged."""

import logging
import traceback
from collections.abc import Iterator

import pytest
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.domain.errors import Unavailable

PROMPT = "a prompt that no log may hold"
RESPONSE = {"code": 121, "codeName": "DocumentValidationFailure", "errmsg": PROMPT, "op": {"prompt": PROMPT}}


@pytest.fixture
def connection() -> Iterator[MongoConnection]:
    """Yield a connection whose server is never contacted."""

    def read_uri(*, refresh: bool = False) -> str:
        return "mongodb://127.0.0.1:1/videojobs?connect=false&serverSelectionTimeoutMS=1"

    connection = MongoConnection(read_uri)
    yield connection
    connection.run(lambda database: database.client.close())


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure(PROMPT, 121, RESPONSE),
        WriteError(PROMPT, 121, RESPONSE),
        WriteConcernError(PROMPT, 64, RESPONSE),
        BulkWriteError({"writeErrors": [RESPONSE], "nInserted": 0}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_log_of_a_failed_operation_contains_type_and_code_and_no_document(
    connection: MongoConnection, error: PyMongoError, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise error

    with pytest.raises(Unavailable) as raised:
        connection.run(fail)
    logging.getLogger("videojobs").error("Message failed", exc_info=raised.value)
    output = caplog.text + "".join(traceback.format_exception(raised.value))
    assert PROMPT in str(error)
    assert PROMPT not in output
    assert f"{type(error).__name__}: " in output
    assert "in fail" in output  # the location of the failure is still logged


def test_the_drivers_own_message_is_kept(connection: MongoConnection) -> None:
    def fail(_: object) -> None:
        raise ConnectionFailure("no route to the server")

    with pytest.raises(Unavailable) as raised:
        connection.run(fail)
    assert str(raised.value.__cause__) == "no route to the server"
