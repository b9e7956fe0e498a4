"""Values that MongoDB stores and Python can't represent: dates beyond the years 1 to 9999, and invalid UTF-8."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Self

import pytest
from bson import ObjectId, decode, encode
from bson.datetime_ms import DatetimeMS
from pymongo.database import Database

from tests.builders import A_USER, a_job, a_waiting_job
from tests.fakes.clock import START
from videojobs.adapters.mongo.connection import Document, MongoConnection
from videojobs.adapters.mongo.documents import from_document, to_document
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.adapters.mongo.reading import MalformedDocument, to_integer, to_number
from videojobs.domain.job import VideoJob
from videojobs.domain.lifecycle import can_be_made
from videojobs.domain.request import Priority

DATES = {"year 275760": 8_640_000_000_000_000, "year 0": -62_200_000_000_000, "year -292": -(2**53)}
CLIP = {"width": 1280, "height": 720, "seconds": 5, "priceUsd": None}
PRODUCTION: Document = {
    "provider": "fal",
    "clips": [CLIP],
    "crop": [1280, 720],
    "width": 1280,
    "height": 720,
    "frames": 120,
    "isShortened": False,
    "parts": [],
    "pricesAsOf": None,
    "actualUsd": None,
}
DECIDING_DATES = ["startedAt", "expiresAt", "waitingSince", "deletedAt"]


@pytest.fixture(scope="module")
def read() -> Iterator[Callable[[bytes], Document]]:
    """Yield the function that decodes a document as the connection of the functions does."""

    def read_uri(*, refresh: bool = False) -> str:
        return "mongodb://127.0.0.1:1/never"

    connection = MongoConnection(read_uri)
    options = connection.run(lambda database: database.codec_options)
    yield lambda raw: decode(raw, codec_options=options)
    connection.run(lambda database: database.client.close())


def stored(job: VideoJob, **damage: Any) -> bytes:
    return encode(to_document(job) | damage)


@pytest.mark.parametrize("milliseconds", DATES.values(), ids=DATES)
def test_date_beyond_python_reads_as_missing(read: Callable[[bytes], Document], milliseconds: int) -> None:
    damage = dict.fromkeys(("createdAt", "updatedAt"), DatetimeMS(milliseconds))
    job = from_document(read(stored(a_job(), **damage)))
    assert job.created_at == job.updated_at == ObjectId(job.id).generation_time


@pytest.mark.parametrize("field", DECIDING_DATES)
@pytest.mark.parametrize("milliseconds", DATES.values(), ids=DATES)
def test_deciding_date_beyond_python_is_malformed(
    read: Callable[[bytes], Document], milliseconds: int, field: str
) -> None:
    with pytest.raises(MalformedDocument, match=field):
        from_document(read(stored(a_job(), **{field: DatetimeMS(milliseconds)})))


def test_invalid_utf8_is_replaced(read: Callable[[bytes], Document]) -> None:
    raw = stored(a_job(prompt="A kite @@@@")).replace(b"@@@@", b"\xff\xfe@@")
    assert from_document(read(raw)).prompt == "A kite \ufffd\ufffd@@"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "much", ""])
@pytest.mark.parametrize("field", ["actualUsd", "pricesAsOf"])
def test_production_with_a_malformed_amount_or_date_is_malformed(field: str, amount: str) -> None:
    from_document(to_document(a_job()) | {"production": PRODUCTION})
    with pytest.raises(MalformedDocument, match="production"):
        from_document(to_document(a_job()) | {"production": PRODUCTION | {field: amount}})


@pytest.mark.parametrize("damage", [{"clips": []}, {"crop": [1]}, {"parts": None}, {"width": "1"}, {"frames": -1}])
def test_production_that_can_not_be_carried_out_is_malformed(damage: Document) -> None:
    with pytest.raises(MalformedDocument, match="production"):
        from_document(to_document(a_job()) | {"production": PRODUCTION | damage})


@pytest.mark.parametrize("progress", [-0.1, 1.1, float("nan"), True, "0.5"])
def test_malformed_progress_reads_as_unknown(progress: object) -> None:
    assert from_document(to_document(a_job()) | {"progress": progress}).progress is None


@pytest.mark.parametrize("duration", [-1, 0, 1e9, 10**15])
def test_job_with_an_impossible_duration_is_not_made(duration: float) -> None:
    assert not can_be_made(from_document(to_document(a_job()) | {"duration": duration}))


@pytest.mark.parametrize("value", [True, -1, 1.5, 2**53 + 1, "1", None, float("nan"), float("inf")], ids=str)
def test_value_that_is_not_a_count_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        to_integer(value)


def test_count_that_a_shell_stored_as_a_double_is_read() -> None:
    assert from_document(to_document(a_job()) | {"attempt": 2.0}).attempt == 2


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("-inf")], ids=str)
def test_value_that_is_not_finite_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a number"):
        to_number(value)


class _Cursor:
    """Documents in the order of the server."""

    def __init__(self, documents: list[Document]) -> None:
        self._documents = documents

    def sort(self, *_: object) -> Self:
        return self

    def limit(self, count: int) -> "_Cursor":
        return _Cursor(self._documents[:count])

    def skip(self, count: int) -> "_Cursor":
        return _Cursor(self._documents[count:])

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents)


class _Collection(MongoConnection):
    """Collection whose finds return all its documents."""

    def __init__(self, documents: list[Document]) -> None:
        self._documents = documents

    def run[T](self, operation: Callable[[Database[Document]], T]) -> T:
        database: Any = {"videojobs": self}
        return operation(database)

    def find(self, *_: object, **__: object) -> _Cursor:
        return _Cursor(self._documents)

    def find_one(self, *_: object) -> Document:
        return next(islice(self._documents, 1))


@pytest.mark.parametrize("milliseconds", DATES.values(), ids=DATES)
def test_operations_skip_dates_beyond_python(read: Callable[[bytes], Document], milliseconds: int) -> None:
    date, healthy, later = DatetimeMS(milliseconds), a_waiting_job(), START.replace(year=3000)
    damaged = [read(stored(a_waiting_job(), **{field: date})) for field in DECIDING_DATES]
    step = {"id": "7", "step": "start", "dueAt": date}
    damaged += [read(stored(a_job(), next=step)), read(stored(a_job(), lease={"token": "t", "until": date}))]
    jobs = MongoJobRepository(_Collection([*damaged, to_document(healthy)]))
    assert jobs.find(healthy.id) is None
    assert jobs.list_newest(A_USER, START, limit=9) == [healthy]
    assert jobs.find_waiting(A_USER, Priority.NORMAL) == healthy
    assert jobs.find_startable() == [healthy, healthy]
    assert list(jobs.find_unadopted(later, 1)) == [healthy]
    assert list(jobs.find_overdue(later, later, 1)) == [healthy]
    assert list(jobs.find_unannounced(later, 1)) == [healthy]


@pytest.mark.parametrize("milliseconds", DATES.values(), ids=DATES)
@pytest.mark.parametrize(("limit", "listed"), [(1, [0]), (2, [0, 1]), (3, [0, 1]), (4, [0, 1, 2]), (9, [0, 1, 2])])
def test_jobs_without_a_date_come_last_on_a_page_with_room(
    read: Callable[[bytes], Document], milliseconds: int, limit: int, listed: list[int]
) -> None:
    dated, undated = [a_job(), a_job()], read(stored(a_job(), createdAt=DatetimeMS(milliseconds)))
    documents = [undated, *map(to_document, dated)]
    ids = [*(job.id for job in dated), str(undated["_id"])]
    jobs = MongoJobRepository(_Collection(documents))
    assert [job.id for job in jobs.list_newest(A_USER, START, limit=limit)] == [ids[index] for index in listed]
