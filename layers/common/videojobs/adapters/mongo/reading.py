"""Reading of stored documents: conversion with checked types, and reads that skip malformed documents."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.cursor import Cursor

from videojobs.adapters.mongo.connection import Document
from videojobs.domain.job import NOT_SCHEDULED, UserId

logger = logging.getLogger(__name__)

LATEST_YEAR = 9998
"""Year of the latest valid times. Later ones leave no room for the pauses and deadlines that are added to them."""
CLOCK_DIFFERENCE = timedelta(days=1)
MAXIMUM_INTEGER = 2**53


class MalformedDocument(Exception):
    """A document with a value of the wrong type or range. The message is the field's name, never its content."""


class Fields:
    """Values of a document, converted and checked. Missing and null fields get their defaults."""

    def __init__(self, document: Document) -> None:
        """Keep the document; `replaced` collects the fields whose malformed values were replaced."""
        self._document = document
        self.replaced: list[str] = []

    def read[T, D](self, name: str, convert: Callable[[Any], T], default: D) -> T | D:
        """Return the converted value of a field, or the default if the field is missing or null.

        Raises:
            MalformedDocument: If the value can't be converted.
        """
        value = self._document.get(name)
        if value is None:
            return default
        try:
            return convert(value)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            raise MalformedDocument(name) from None  # the error can contain the value

    def replace[T, D](self, name: str, convert: Callable[[Any], T], default: D) -> T | D:
        """Return the converted value of a field, or the default if the value is missing, null or malformed."""
        try:
            return self.read(name, convert, default)
        except MalformedDocument:
            self.replaced.append(name)
            return default

    def log_replaced(self, kind: str) -> None:
        """Log the document's ID and the names of the fields whose values were replaced, if there are any."""
        if self.replaced:
            about = {f"{kind}_id": str(self._document["_id"]), "fields": self.replaced}
            logger.warning("Malformed fields read as missing", extra={"action": "document_repaired", **about})

    def require[T](self, name: str, convert: Callable[[Any], T]) -> T:
        """Return the converted value of a field.

        Raises:
            MalformedDocument: If the value is missing or null, or if it can't be converted.
        """
        value = self.read(name, convert, None)
        if value is None:
            raise MalformedDocument(name)
        return value


def created_up_to(user_id: UserId, created_before: datetime) -> Document:
    """Return a query for a user's documents that were created up to a time, including malformed ones.

    That is every document whose `createdAt` is not a date after that time, or is later than its ID by more than clocks
    differ. The user ID may be stored as text.
    """
    not_after = {"createdAt": {"$not": {"$gt": created_before}}}
    older_id = {"_id": {"$lt": ObjectId.from_datetime(created_before)}}
    misdated = {"createdAt": {"$gt": created_before + CLOCK_DIFFERENCE}}
    return {"userId": {"$in": [ObjectId(user_id), user_id]}, "$or": [not_after, older_id | misdated]}


def read_all[T](documents: Iterable[Document], convert: Callable[[Document], T], kind: str) -> Iterator[T]:
    """Yield the converted documents. Log malformed documents by their IDs and skip them, so that a sweep continues."""
    for document in documents:
        converted = read_one(document, convert, kind)
        if converted is not None:
            yield converted


def read_one[T](document: Document | None, convert: Callable[[Document], T], kind: str) -> T | None:
    """Return the converted document; log a malformed document by its ID and return None, as if it did not exist."""
    if document is None:
        return None
    try:
        return convert(document)
    except MalformedDocument as error:
        extra = {"action": "document_unreadable", f"{kind}_id": str(document["_id"])[:100], "field": str(error)}
        logger.error("Document malformed; skipped", extra=extra)  # noqa: TRY400 - a trace can contain values
        return None


def read_first[T](find: Callable[[], Cursor[Document]], convert: Callable[[Document], T], kind: str) -> T | None:
    """Return the first well-formed document of a query, converted, or None. Log and skip malformed documents.

    `find` starts the query. It is called a second time only if the first document is malformed.
    """
    documents = list(find().limit(1))
    first = next(read_all(documents, convert, kind), None)
    return next(read_all(find().skip(1), convert, kind), None) if documents and first is None else first


def keep_dated(documents: Iterable[Document], undated: list[Document]) -> Iterator[Document]:
    """Yield the documents with a valid `createdAt`, and append the other documents to `undated`."""
    for document in documents:
        if is_time(document.get("createdAt")):
            yield document
        else:
            undated.append(document)


def to_object_id(value: object) -> str:
    """Return an ObjectId, or a text of 24 hexadecimal digits, as lower-case text; raise ValueError for other values."""
    if not isinstance(value, ObjectId | str) or not ObjectId.is_valid(value):
        raise ValueError("not an ObjectId")
    return str(value).lower()


def to_time(value: object) -> datetime:
    """Return a time that Python can represent and compute with; raise ValueError for other values.

    The driver returns dates outside of the years 1 to 9999 as `DatetimeMS`.
    """
    if not isinstance(value, datetime) or not is_time(value):
        raise ValueError("not a time")
    return value


def is_time(value: object) -> bool:
    """Return whether `to_time` accepts the value."""
    return isinstance(value, datetime) and (value.year <= LATEST_YEAR or value == NOT_SCHEDULED)


def to_text(value: object) -> str:
    """Return a text unchanged; raise ValueError for other values."""
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - one error for all malformed values
    return value


def to_integer(value: object) -> int:
    """Return a whole number from 0 to `MAXIMUM_INTEGER`, also if it is stored as a double; else raise ValueError."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAXIMUM_INTEGER:
        raise ValueError("not a whole number")
    return value


def to_number(value: object) -> int | float:
    """Return a finite number unchanged; raise ValueError for other values."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return value


def to_flag(value: object) -> bool:
    """Return a Boolean unchanged; raise ValueError for other values."""
    if not isinstance(value, bool):
        raise ValueError("not a Boolean")  # noqa: TRY004 - one error for all malformed values
    return value


def to_list(value: object) -> list[Any]:
    """Return a list unchanged; raise ValueError for other values."""
    if not isinstance(value, list):
        raise ValueError("not a list")  # noqa: TRY004 - one error for all malformed values
    return value
