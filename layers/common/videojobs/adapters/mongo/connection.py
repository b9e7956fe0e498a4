"""The connection to MongoDB: one client per process, bounded in time, made again when the password was rotated."""

from collections.abc import Callable
from typing import Any, Protocol

from pymongo import MongoClient, timeout
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure, PyMongoError

from videojobs.domain.errors import Unavailable

AUTHENTICATION_FAILURES = frozenset({18, 8000})
"""AuthenticationFailed, and Atlas' own code for it."""

type Document = dict[str, Any]


class ReadUri(Protocol):
    """Gives the connection string; with `refresh`, the one that holds now."""

    def __call__(self, *, refresh: bool = False) -> str:
        """Read it."""
        ...


class MongoConnection:
    """Runs operations on the database that the URI names, each within `TIMEOUT_MS`, its retries included.

    The defaults of the driver (30 s) outlive API Gateway (29 s).
    """

    TIMEOUT_MS = 4000
    WARM_UP_SECONDS = 0.8

    def __init__(self, read_uri: ReadUri) -> None:
        """Nothing is connected until the first operation."""
        self._read_uri = read_uri
        self._database: Database[Document] | None = None

    def run[T](self, operation: Callable[[Database[Document]], T]) -> T:
        """Run an operation; on a refused password read the secret again, connect anew and try once more.

        Raises:
            Unavailable: MongoDB did not answer, or not in time. A write may have landed all the same.
            DuplicateKeyError: left to the caller, who knows what it means.
        """
        try:
            try:
                return operation(self._connect())
            except OperationFailure as error:
                if error.code not in AUTHENTICATION_FAILURES:
                    raise
                return operation(self._connect(refresh=True))
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            raise Unavailable from _without_documents(error)

    def warm_up(self) -> None:
        """Connect ahead of the first operation, in `WARM_UP_SECONDS` at most: that operation has to answer in time too.

        Raises:
            Unavailable: MongoDB did not answer so soon; the first operation tries again.
        """
        with timeout(self.WARM_UP_SECONDS):
            self.run(lambda database: database.client.admin.command("ping"))

    def _connect(self, *, refresh: bool = False) -> Database[Document]:
        if self._database is None or refresh:
            if self._database is not None:
                self._database.client.close()
                self._database = None  # a client that is closed stays so: if no new one can be made now, try next time
            client: MongoClient[Document] = MongoClient(
                self._read_uri(refresh=refresh),
                appname="videojobs",
                tz_aware=True,
                maxPoolSize=2,
                timeoutMS=self.TIMEOUT_MS,
                serverSelectionTimeoutMS=3000,
                connectTimeoutMS=2000,
                maxIdleTimeMS=60_000,
                retryWrites=True,
                w="majority",
                journal=True,
            )
            self._database = client.get_default_database("videojobs")
        return self._database


def _without_documents(error: PyMongoError) -> PyMongoError:
    """The error as a log may show it.

    What the server says of an operation that failed quotes the document and the keys that it was about
    (`full error: {… 'op': {…, 'prompt': …}}`): its kind and its code are kept. Other errors are the driver's own words.
    """
    if not isinstance(error, OperationFailure):
        return error
    name = (error.details or {}).get("codeName", "without a name")
    told = OperationFailure(f"{type(error).__name__}: {name} ({error.code})", error.code)
    return told.with_traceback(error.__traceback__)
