"""Pages of a user's list of jobs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from bson import ObjectId
from pymongo.collection import Collection

from videojobs.adapters.mongo.connection import Document
from videojobs.adapters.mongo.documents import from_document
from videojobs.adapters.mongo.job_queries import NEWEST_FIRST
from videojobs.adapters.mongo.reading import keep_dated, read_all
from videojobs.domain.job import VideoJob
from videojobs.ports.jobs import Position

_MORE = 5
"""How many times as many documents are read if too few of the first ones are shown."""

type IsShown = Callable[[VideoJob], bool]


def behind(filters: Document, after: Position | None) -> list[Document]:
    """Return the queries for the documents that match the filters and come behind `after` in the list, in order.

    Jobs created at the same time as `after` are a query of their own, which needs no `$or`.
    """
    if after is None:
        return [filters]
    same_time = {"createdAt": after.created_at, "_id": {"$lt": ObjectId(after.job_id)}}
    return [filters | same_time, filters | {"createdAt": {"$lt": after.created_at}}]


def read_page(jobs: Collection[Document], queries: Sequence[Document], limit: int, is_shown: IsShown) -> list[VideoJob]:
    """Return up to `limit` shown jobs of the queries, newest first.

    Only `limit` documents of each query are read at first. Each query is then one operation and leaves no open cursor,
    which would take another operation to close. If too few of them are shown, more are read, again from the start.

    A job whose `createdAt` is missing or malformed has no place in this order. Such jobs come last, and only if fewer
    than `limit` jobs are returned with them: no page can begin after them.
    """
    page: list[VideoJob] = []
    for at_most in (limit, _MORE * limit, None):
        page, is_cut = _read(jobs, queries, limit, is_shown, at_most=at_most)
        if len(page) == limit or not is_cut:
            break
    return page


def _read(
    jobs: Collection[Document], queries: Sequence[Document], limit: int, is_shown: IsShown, *, at_most: int | None
) -> tuple[list[VideoJob], bool]:
    """Return the page, and whether a query with more than `at_most` documents may have been cut off."""
    is_cut = False
    undated: list[Document] = []

    def documents() -> Iterator[Document]:
        nonlocal is_cut
        for query in queries:
            read = 0
            for document in jobs.find(query, batch_size=at_most or limit).sort(NEWEST_FIRST).limit(at_most or 0):
                read += 1
                yield document
            if read == at_most:
                is_cut = True
                return

    def shown(found: Iterable[Document], count: int) -> list[VideoJob]:
        return list(islice(filter(is_shown, read_all(found, from_document, "job")), count))

    newest = shown(keep_dated(documents(), undated), limit)
    return [*newest, *shown(undated, max(limit - 1 - len(newest), 0))], is_cut
