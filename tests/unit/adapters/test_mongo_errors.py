"""What MongoDB says of a failure quotes documents: none of that goes on into our errors, which are logged."""

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
ANSWER = {"code": 121, "codeName": "DocumentValidationFailure", "errmsg": PROMPT, "op": {"prompt": PROMPT}}


@pytest.fixture
def connection() -> Iterator[MongoConnection]:
    """One whose server never comes into it."""

    def read_uri(*, refresh: bool = False) -> str:
        return "mongodb://127.0.0.1:1/videojobs?connect=false&serverSelectionTimeoutMS=1"

    made = MongoConnection(read_uri)
    yield made
    made.run(lambda database: database.client.close())


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure(PROMPT, 121, ANSWER),
        WriteError(PROMPT, 121, ANSWER),
        WriteConcernError(PROMPT, 64, ANSWER),
        BulkWriteError({"writeErrors": [ANSWER], "nInserted": 0}),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failed_operation_is_logged_by_its_kind_and_code_and_quotes_no_document(
    connection: MongoConnection, error: PyMongoError, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise error

    with pytest.raises(Unavailable) as told:
        connection.run(fail)
    logging.getLogger("videojobs").error("Message failed", exc_info=told.value)
    shown = caplog.text + "".join(traceback.format_exception(told.value))
    assert PROMPT in str(error)
    assert PROMPT not in shown
    assert f"{type(error).__name__}: " in shown
    assert "in fail" in shown  # where it happened is still told


def test_the_drivers_own_words_are_kept(connection: MongoConnection) -> None:
    def fail(_: object) -> None:
        raise ConnectionFailure("no route to the server")

    with pytest.raises(Unavailable) as told:
        connection.run(fail)
    assert str(told.value.__cause__) == "no route to the server"
