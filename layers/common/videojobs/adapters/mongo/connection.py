"""The connection to MongoDB: one client per process, bounded in time, for the database that the secret names now."""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Any

from pymongo import MongoClient, timeout
from pymongo.database import Database
from pymongo.errors import ConfigurationError, DuplicateKeyError, OperationFailure, PyMongoError

from videojobs.domain.errors import Unavailable
from videojobs.ports.secrets import ReadSecret

ACCESS_REFUSED = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and AtlasError, which Atlas reports for both.

MongoDB reports 13 on an open connection whose user was deleted, or deleted and created again: the connection is then
signed in as no user, and only a new connection can sign in. `refreshUserInfoAsNeeded` in
https://github.com/mongodb/mongo/blob/master/src/mongo/db/auth/authorization_session_impl.cpp
"""
SCHEMES = ("mongodb://", "mongodb+srv://")
CLOSE_SECONDS = 0.5
"""Closing a client ends its sessions on the server, and would wait 3 s for a server that is gone."""

type Document = dict[str, Any]

logger = logging.getLogger(__name__)


class MongoConnection:
    """Runs operations on the database that the URI names, each within `TIMEOUT_MS`, its retries included.

    The URI is read before each operation. When it changes, the client of the old URI is closed and the operation runs
    on the new database, so that no process stays connected to a database that the secret has stopped naming.

    Threads may share a connection. Closing a client can fail an operation that another thread has in progress, with
    `Unavailable`; that thread's next operation uses the new client.

    The defaults of the driver (30 s) outlive API Gateway (29 s).
    """

    TIMEOUT_MS = 4000
    WARM_UP_SECONDS = 0.8

    def __init__(self, read_uri: ReadSecret) -> None:
        """Connect nothing until the first operation."""
        self._read_uri = read_uri
        self._lock = Lock()
        self._database: Database[Document] | None = None
        self._uri: str | None = None
        self._unusable_uri: str | None = None

    def run[T](self, operation: Callable[[Database[Document]], T]) -> T:
        """Run an operation. If access is refused, read the secret again, reconnect and try once more.

        Raises:
            Unavailable: If MongoDB does not answer in time, or refuses. A write may have landed all the same.
            DuplicateKeyError: If the operation violates a unique index.
        """
        try:
            database = self._connect()
            try:
                return operation(database)
            except OperationFailure as error:
                if error.code not in ACCESS_REFUSED:
                    raise
                return operation(self._reconnect(database))
        except DuplicateKeyError:
            raise
        except PyMongoError as error:
            raise Unavailable from _without_documents(error)

    def warm_up(self) -> None:
        """Connect ahead of the first operation, in `WARM_UP_SECONDS` at most: that operation has to answer in time too.

        Raises:
            Unavailable: If MongoDB does not answer in that time; the first operation tries again.
        """
        with timeout(self.WARM_UP_SECONDS):
            self.run(lambda database: database.client.admin.command("ping"))

    def refresh(self) -> None:
        """Read the secret again and use its current value, without the tolerance that `run` has for an unusable one.

        Raises:
            Unavailable: If the value is not a connection string, or if the secret was never read and can't be read now.
        """
        uri = self._read_uri(refresh=True)
        try:
            with self._lock:
                if uri != self._uri:
                    self._open(uri)
        except ConfigurationError as error:
            raise Unavailable from error

    def _connect(self) -> Database[Document]:
        uri = self._read_uri()
        with self._lock:
            if self._database is None:
                return self._open_first(uri)
            if uri != self._uri:
                return self._follow(uri, self._database)
            return self._database

    def _reconnect(self, refused: Database[Document]) -> Database[Document]:
        uri = self._read_uri(refresh=True)
        with self._lock:
            if self._database is None or self._database is refused:
                return self._open(uri)
            return self._database  # another thread has reconnected since

    def _open_first(self, uri: str) -> Database[Document]:
        try:
            return self._open(uri)
        except ConfigurationError:
            return self._open(self._read_uri(refresh=True))  # the value can have been repaired since it was read

    def _follow(self, uri: str, connected: Database[Document]) -> Database[Document]:
        """Move to a new URI; keep the connection, which works, when that is not possible."""
        try:
            database = self._open(uri)
        except ConfigurationError:
            if uri != self._unusable_uri:  # once per value, not once per operation
                extra = {"action": "mongodb_uri_unusable"}
                # Without the error, which can quote the string.
                logger.error("MongoDB connection string unusable; previous connection kept", extra=extra)  # noqa: TRY400
            self._unusable_uri = uri
            return connected
        logger.info("MongoDB connection string changed; reconnected", extra={"action": "mongodb_uri_changed"})
        return database

    def _open(self, uri: str) -> Database[Document]:
        database = _open_database(uri, self.TIMEOUT_MS)
        previous, self._database, self._uri = self._database, database, uri
        if previous is not None:
            with timeout(CLOSE_SECONDS):
                previous.client.close()
        return database


def _open_database(uri: str, timeout_ms: int) -> Database[Document]:
    """Return the database that the URI names; the client connects in the background.

    Raises:
        ConfigurationError: If the string is not a MongoDB URI, or if its host name has no records.
    """
    if not uri.startswith(SCHEMES):
        raise ConfigurationError("no scheme of MongoDB")  # pymongo would take it for the name of a host
    try:
        client: MongoClient[Document] = MongoClient(
            uri,
            appname="videojobs",
            tz_aware=True,
            maxPoolSize=2,
            timeoutMS=timeout_ms,
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            maxIdleTimeMS=60_000,
            retryWrites=True,
            w="majority",
            journal=True,
        )
    except ValueError as error:
        raise ConfigurationError(type(error).__name__) from None
    return client.get_default_database("videojobs")


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
