"""Connection to MongoDB: one client per environment, with a timeout, for the database that the secret names."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

from pymongo import MongoClient, timeout
from pymongo.database import Database
from pymongo.errors import ConfigurationError, DuplicateKeyError, OperationFailure, PyMongoError

from videojobs.domain.errors import Unavailable
from videojobs.domain.time_limit import seconds_left
from videojobs.ports.secrets import ReadSecret

ACCESS_REFUSED = frozenset({13, 18, 8000})
"""Codes of Unauthorized, AuthenticationFailed, and AtlasError, which Atlas reports for both.

MongoDB reports 13 on an open connection whose user was deleted, even if the user was created again. The connection is
then no longer authenticated, and only a new connection can authenticate. See `refreshUserInfoAsNeeded` in
https://github.com/mongodb/mongo/blob/master/src/mongo/db/auth/authorization_session_impl.cpp
"""
SCHEMES = ("mongodb://", "mongodb+srv://")
CLOSE_SECONDS = 0.5
"""Timeout for closing a client. Closing ends its sessions on the server and waits 3 s for an unreachable server."""

type Document = dict[str, Any]

logger = logging.getLogger(__name__)


class MongoConnection:
    """Connection that runs operations on the database that the URI names, each within `TIMEOUT_MS` including retries.

    The URI is read before each operation. When it changes, the old client is closed and the operation runs on the new
    database, so that no environment stays connected to a database that the secret no longer names. If the new URI is
    unusable, an error is logged and the old client is kept. An operation raises `Unavailable` if MongoDB does not
    respond in time or reports an error.

    Threads may share a connection. If a client is closed while another thread runs an operation, that operation can
    fail with `Unavailable`; the thread's next operation uses the new client.

    The driver's default timeout (30 s) is longer than API Gateway's (29 s). In a call with a `time_limit`, all
    operations together end within it.
    """

    TIMEOUT_MS = 4000
    WARM_UP_SECONDS = 0.8

    def __init__(self, read_uri: ReadSecret) -> None:
        """Keep the reader of the URI; the first operation connects."""
        self._read_uri = read_uri
        self._lock = Lock()
        self._database: Database[Document] | None = None
        self._uri: str | None = None
        self._unusable_uri: str | None = None

    def run[T](self, operation: Callable[[Database[Document]], T]) -> T:
        """Run an operation and return its result; if access is denied, read the secret, reconnect and retry once.

        Raises:
            Unavailable: If MongoDB does not respond in time or reports an error; a write may still have been applied.
                Also if the first URI is unusable or can't be read, or the call's time limit is reached.
            DuplicateKeyError: If the operation violates a unique index.
        """
        try:
            database = self._connect()
            with self._within_the_call():
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
        """Connect ahead of the first operation, within `WARM_UP_SECONDS`, which leaves that operation enough time.

        Raises:
            Unavailable: If MongoDB does not respond in that time, or the URI is unusable or can't be read. The first
                operation connects again.
        """
        with timeout(self.WARM_UP_SECONDS):
            self.run(lambda database: database.client.admin.command("ping"))

    def refresh(self) -> None:
        """Read the secret and connect to its current URI. Unlike `run`, do not fall back to the previous URI.

        Raises:
            Unavailable: If the value is not a connection string or its host name has no records, or if the secret can't
                be read and is not cached. A previous connection is kept.
        """
        uri = self._read_uri(refresh=True)
        try:
            with self._lock:
                if uri != self._uri:
                    self._open(uri)
        except ConfigurationError as error:
            raise Unavailable from error

    def _within_the_call(self) -> AbstractContextManager[None]:
        """Return the timeout of an operation in a call with a time limit.

        Within `pymongo.timeout`, a client's own `timeoutMS` does not apply, so the shorter of both is set.
        https://pymongo.readthedocs.io/en/stable/api/pymongo/index.html#pymongo.timeout

        Raises:
            Unavailable: If the limit is reached.
        """
        left = seconds_left()
        return nullcontext() if left is None else timeout(min(left, self.TIMEOUT_MS / 1000))

    def _connect(self) -> Database[Document]:
        """Return the database of the current URI, connecting if the URI is new."""
        uri = self._read_uri()
        with self._lock:
            if self._database is None:
                return self._open_first(uri)
            if uri != self._uri:
                return self._follow(uri, self._database)
            return self._database

    def _reconnect(self, refused: Database[Document]) -> Database[Document]:
        """Read the secret again and return a new database, unless another thread has replaced `refused`."""
        uri = self._read_uri(refresh=True)
        with self._lock:
            if self._database is None or self._database is refused:
                return self._open(uri)
            return self._database  # another thread has already reconnected

    def _open_first(self, uri: str) -> Database[Document]:
        """Return the database of the first URI; if it is unusable, read the secret again."""
        try:
            return self._open(uri)
        except ConfigurationError:
            return self._open(self._read_uri(refresh=True))  # the secret may have been corrected since it was read

    def _follow(self, uri: str, connected: Database[Document]) -> Database[Document]:
        """Connect to a new URI and return its database; return the connected database if the URI is unusable."""
        try:
            database = self._open(uri)
        except ConfigurationError:
            if uri != self._unusable_uri:  # log once per value, not once per operation
                extra = {"action": "mongodb_uri_unusable"}
                # Logged without the error, which can contain the connection string.
                logger.error("MongoDB connection string unusable; previous connection kept", extra=extra)  # noqa: TRY400
            self._unusable_uri = uri
            return connected
        logger.info("MongoDB connection string changed; reconnected", extra={"action": "mongodb_uri_changed"})
        return database

    def _open(self, uri: str) -> Database[Document]:
        """Create a client for the URI, close the previous client and return the new database."""
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
        raise ConfigurationError("the URI has no MongoDB scheme")  # pymongo would use it as a host name
    try:
        client: MongoClient[Document] = MongoClient(
            uri,
            appname="videojobs",
            tz_aware=True,
            # A date or text that Python can't represent would fail the whole cursor, not only its document.
            datetime_conversion="DATETIME_AUTO",
            unicode_decode_error_handler="replace",
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
    """Return the error without user data, so that it can be logged.

    The server's message for a failed operation contains the document and its keys
    (`full error: {… 'op': {…, 'prompt': …}}`), so only its type and code are kept. Errors of the driver contain no
    documents and are returned unchanged.
    """
    if not isinstance(error, OperationFailure):
        return error
    name = (error.details or {}).get("codeName", "unnamed")
    redacted = OperationFailure(f"{type(error).__name__}: {name} ({error.code})", error.code)
    return redacted.with_traceback(error.__traceback__)
