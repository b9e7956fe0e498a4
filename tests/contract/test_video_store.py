"""The contract of `VideoStore`."""

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import boto3
import pytest

from tests.fakes.clock import START
from tests.fakes.store import InMemoryVideoStore
from tests.servers import free_port
from videojobs.adapters.s3 import S3VideoStore
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, Unavailable
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import VideoStore

MULTIPART_BYTES = 9 * 1024 * 1024
"""More than boto3 uploads in one part."""
NOT_DELETED = b"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>"
"""What DeleteObjects answers, with status 200, of an object that may not be deleted."""


@pytest.fixture(params=["in memory", "S3"])
def store(request: pytest.FixtureRequest) -> VideoStore:
    """An empty bucket."""
    if request.param == "in memory":
        return InMemoryVideoStore()
    endpoint = request.getfixturevalue("aws")
    bucket = f"videos-{uuid4().hex}"
    boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    return S3VideoStore(bucket, region="us-east-1", endpoint_url=endpoint)


@pytest.fixture(params=["in memory", "S3"])
def unreachable(request: pytest.FixtureRequest) -> VideoStore:
    """A bucket that takes nothing."""
    if request.param == "in memory":
        store = InMemoryVideoStore()
        store.available = False
        return store
    request.getfixturevalue("aws")
    return S3VideoStore("a-bucket", region="us-east-1", endpoint_url=f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A file to upload."""
    path = tmp_path / "video.mp4"
    path.write_bytes(b"twelve bytes")
    return path


def test_an_object_is_as_long_as_what_was_sent(store: VideoStore, video: Path) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    assert (stored.key, stored.size_bytes) == ("videos/1/1.mp4", 12)
    assert store.size(stored) == 12


def test_a_second_upload_replaces_the_first(store: VideoStore, video: Path) -> None:
    first = store.put(video, "videos/1/1.mp4", "video/mp4")
    video.write_bytes(b"longer than twelve bytes")
    second = store.put(video, "videos/1/1.mp4", "video/mp4")
    assert store.size(first) == store.size(second) == 24


def test_an_object_that_is_not_there_has_no_size(store: VideoStore, video: Path) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    assert store.size(StoredObject(stored.bucket, "videos/1/2.mp4", 12)) is None


@pytest.mark.parametrize("size_bytes", [12, MULTIPART_BYTES], ids=["one part", "many parts"])
def test_what_was_sent_comes_back(store: VideoStore, video: Path, tmp_path: Path, size_bytes: int) -> None:
    video.write_bytes(bytes(range(256)) * (size_bytes // 256) + b"twelve bytes")
    stored = store.put(video, "videos/1/1.part1.mp4", "video/mp4")
    back = tmp_path / "back.mp4"
    back.write_bytes(b"what was there before" * size_bytes)
    store.get(stored, back)
    assert back.read_bytes() == video.read_bytes()


@pytest.mark.parametrize("key", ["videos/1/2.mp4", "videos/1"])
def test_an_object_that_is_not_there_is_lost(store: VideoStore, video: Path, tmp_path: Path, key: str) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    with pytest.raises(ProviderError) as caught:
        store.get(StoredObject(stored.bucket, key, 12), tmp_path / "back.mp4")
    assert caught.value.reason is FailureCode.RESULT_LOST
    assert caught.value.transient


def test_what_is_removed_is_gone_and_nothing_else(store: VideoStore, video: Path) -> None:
    first, second, kept = (store.put(video, f"videos/1/{attempt}.mp4", "video/mp4") for attempt in (1, 2, 3))
    store.remove(key for key in (first.key, "videos/1/never-there.mp4", second.key))
    store.remove([])
    assert [store.size(each) for each in (first, second, kept)] == [None, None, 12]


def test_a_presigned_url_is_another_one_when_the_window_is(store: VideoStore) -> None:
    moments = [START + timedelta(seconds=seconds) for seconds in range(0, 3600, 30)]
    signed = {(store.signing_window(now), store.presigned_url("s3://a-bucket/a-key", now)) for now in moments}
    windows, urls = ({each[index] for each in signed} for index in (0, 1))
    assert 1 < len(signed) == len(windows) == len(urls) < len(moments)


@pytest.mark.parametrize("size_bytes", [12, MULTIPART_BYTES], ids=["one part", "many parts"])
def test_progress_ends_at_the_whole_and_never_leaves_its_range(store: VideoStore, video: Path, size_bytes: int) -> None:
    video.write_bytes(b"x" * size_bytes)
    reported: list[float] = []
    stored = store.put(video, "videos/1/1.mp4", "video/mp4", reported.append)
    assert store.size(stored) == size_bytes
    assert max(reported) == 1
    assert all(0 <= part <= 1 for part in reported)


@pytest.mark.parametrize("size_bytes", [12, MULTIPART_BYTES], ids=["one part", "many parts"])
@pytest.mark.parametrize("error", [LeaseLost, Unavailable])
def test_what_stops_the_upload_from_within_comes_out_as_it_is(
    store: VideoStore, video: Path, error: type[Exception], size_bytes: int
) -> None:
    video.write_bytes(b"x" * size_bytes)
    raised = error()
    calls = 0

    def stop(_: float) -> None:
        nonlocal calls
        calls += 1
        raise raised

    with pytest.raises(error) as caught:
        store.put(video, "videos/1/1.mp4", "video/mp4", stop)
    assert caught.value is raised


def test_a_presigned_url_names_the_object_and_needs_no_answer(unreachable: VideoStore) -> None:
    url = unreachable.presigned_url("s3://a-bucket/videos/1/1.mp4", START)
    assert url.startswith("http")
    assert "a-bucket/videos/1/1.mp4?" in url


CALLS: dict[str, Callable[[VideoStore, Path], object]] = {
    "put": lambda store, video: store.put(video, "videos/1/1.mp4", "video/mp4"),
    "get": lambda store, video: store.get(StoredObject("a-bucket", "videos/1/1.mp4", 12), video),
    "remove": lambda store, _: store.remove(["videos/1/1.mp4"]),
    "size": lambda store, _: store.size(StoredObject("a-bucket", "videos/1/1.mp4", 12)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_store_that_does_not_answer_says_so(
    unreachable: VideoStore, video: Path, call: Callable[[VideoStore, Path], object]
) -> None:
    with pytest.raises(Unavailable):
        call(unreachable, video)


class TestS3:
    """What only the real bucket can show."""

    @pytest.fixture
    def bucket(self, aws: str) -> str:
        """The name of an empty bucket."""
        name = f"videos-{uuid4().hex}"
        boto3.client("s3", region_name="us-east-1", endpoint_url=aws).create_bucket(Bucket=name)
        return name

    def test_a_presigned_url_serves_the_object_for_as_long_as_configured(
        self, aws: str, bucket: str, video: Path
    ) -> None:
        store = S3VideoStore(bucket, region="us-east-1", endpoint_url=aws, url_seconds=120)
        stored = store.put(video, "videos/1/1.mp4", "video/mp4")
        url = store.presigned_url(stored.url, datetime.now(UTC))
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"twelve bytes"
            assert answer.headers["Content-Type"] == "video/mp4"
            assert answer.headers["Cache-Control"] == "private, max-age=3600"
        signed = parse_qs(urlsplit(url).query)
        assert signed["X-Amz-Expires"] == ["120"]
        assert signed["X-Amz-Security-Token"] == ["of-no-session"]
        assert "of-no-account" not in url

    def test_on_aws_a_url_names_the_bucket_as_a_host(self, aws: str) -> None:
        url = S3VideoStore("a-bucket", region="eu-west-1").presigned_url("s3://a-bucket/videos/1/1.mp4", START)
        assert url.startswith("https://a-bucket.s3.eu-west-1.amazonaws.com/videos/1/1.mp4?")

    def test_a_url_stays_the_same_for_a_third_of_its_time(self, aws: str) -> None:
        store = S3VideoStore("a-bucket", region="eu-west-1", url_seconds=900)
        moments = [START + timedelta(seconds=seconds) for seconds in range(0, 1800, 30)]
        urls: dict[str, set[str]] = {store.signing_window(now): set() for now in moments}
        for now in moments:
            url = store.presigned_url("s3://a-bucket/videos/1/1.mp4", now)
            urls[store.signing_window(now)].add(url)
            signed = parse_qs(urlsplit(url).query)
            signed_at = datetime.strptime(signed["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            assert timedelta(seconds=600) <= signed_at + timedelta(seconds=900) - now <= timedelta(seconds=900)
        assert {len(same) for same in urls.values()} == {1}
        assert 6 <= len(urls) <= 7

    @pytest.mark.parametrize("name", ["a kite.mp4", 'ein "Häuschen".mp4', "100 %.mp4", "凧.mp4"])
    def test_a_video_can_be_saved_under_a_name(self, aws: str, bucket: str, video: Path, name: str) -> None:
        store = S3VideoStore(bucket, region="us-east-1", endpoint_url=aws)
        stored = store.put(video, "videos/1/1.mp4", "video/mp4")
        with urllib.request.urlopen(store.presigned_url(stored.url, datetime.now(UTC), name)) as answer:
            told = answer.headers["Content-Disposition"]
        assert told.startswith("attachment; filename=")
        assert told.isascii()
        assert unquote(told.partition("filename*=UTF-8''")[2]) == name

    def test_more_than_a_thousand_objects_are_removed(
        self, aws: str, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session, removed = boto3.Session(), list[int]()
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        session.events.register(
            "provide-client-params.s3.DeleteObjects",
            lambda params, **_: removed.append(len(params["Delete"]["Objects"])),
        )
        s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=aws)
        for key in ("videos/1/1.mp4", "videos/1/1.jpg", "videos/2/1.mp4"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        gone = ["videos/1/1.mp4", *(f"videos/0/{number}.mp4" for number in range(1500)), "videos/1/1.jpg"]
        S3VideoStore(bucket, region="us-east-1", endpoint_url=aws).remove(gone)
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["videos/2/1.mp4"]
        assert removed == [1000, 502], "S3 takes a thousand in a call; moto takes any number"

    def test_a_bucket_that_is_not_there_takes_nothing(self, aws: str, video: Path) -> None:
        store = S3VideoStore("no-such-bucket", region="us-east-1", endpoint_url=aws)
        with pytest.raises(Unavailable):
            store.put(video, "videos/1/1.mp4", "video/mp4")

    def test_a_look_that_is_refused_is_no_missing_object(self, aws: str, tmp_path: Path) -> None:
        stored = StoredObject("a-bucket", "k", 1)
        with refusing() as endpoint:
            store = S3VideoStore("a-bucket", region="us-east-1", endpoint_url=endpoint)
            with pytest.raises(Unavailable):
                store.size(stored)
            with pytest.raises(Unavailable):
                store.get(stored, tmp_path / "back.mp4")

    def test_an_object_that_is_cut_off_each_time_can_be_asked_for_later(self, aws: str, tmp_path: Path) -> None:
        with refusing(head_status=200, length=12) as endpoint, pytest.raises(Unavailable):
            S3VideoStore("a-bucket", region="us-east-1", endpoint_url=endpoint).get(
                StoredObject("a-bucket", "k", 12), tmp_path / "back.mp4"
            )

    def test_an_object_that_stays_is_not_passed_over_although_the_call_succeeds(self, aws: str) -> None:
        with refusing() as endpoint, pytest.raises(Unavailable) as caught:
            S3VideoStore("a-bucket", region="us-east-1", endpoint_url=endpoint).remove(["k"])
        assert "AccessDenied" in str(caught.value.__cause__)


@contextmanager
def refusing(*, head_status: int = 403, length: int = 0) -> Iterator[str]:
    """The address of an S3 that forbids everything, or all but to look at an object, which it cuts off."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(head_status)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(b"half"[:length])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(NOT_DELETED)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
