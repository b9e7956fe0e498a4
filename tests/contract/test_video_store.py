"""The contract of `VideoStore`."""

import socket
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

from tests.aws import s3_store
from tests.fakes.clock import START
from tests.fakes.store import InMemoryVideoStore
from tests.servers import free_port
from videojobs.domain.errors import FailureCode, LeaseLost, ProviderError, Unavailable
from videojobs.domain.storage import StoredObject
from videojobs.domain.time_limit import time_limit
from videojobs.ports.videos import VideoStore

MULTIPART_BYTES = 9 * 1024 * 1024
"""A size over the limit at which boto3 starts a multipart upload."""
NOT_DELETED = b"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>"
"""The body of a DeleteObjects response with status 200 for an object that could not be deleted."""


@pytest.fixture(params=["in memory", "S3"])
def store(request: pytest.FixtureRequest) -> VideoStore:
    """Return a store with an empty bucket."""
    if request.param == "in memory":
        return InMemoryVideoStore()
    endpoint = request.getfixturevalue("aws")
    bucket = f"videos-{uuid4().hex}"
    boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint).create_bucket(Bucket=bucket)
    return s3_store(bucket, region="us-east-1", endpoint_url=endpoint)


@pytest.fixture(params=["in memory", "S3"])
def unreachable(request: pytest.FixtureRequest) -> VideoStore:
    """Return a store whose bucket cannot be reached."""
    if request.param == "in memory":
        store = InMemoryVideoStore("a-bucket")
        store.available = False
        return store
    request.getfixturevalue("aws")
    return s3_store("a-bucket", region="us-east-1", endpoint_url=f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Return a file to upload."""
    path = tmp_path / "video.mp4"
    path.write_bytes(b"twelve bytes")
    return path


def test_a_stored_object_has_the_size_of_the_file(store: VideoStore, video: Path) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    assert (stored.key, stored.size_bytes) == ("videos/1/1.mp4", 12)
    assert store.size(stored) == 12


def test_a_second_upload_replaces_the_first(store: VideoStore, video: Path) -> None:
    first = store.put(video, "videos/1/1.mp4", "video/mp4")
    video.write_bytes(b"longer than twelve bytes")
    second = store.put(video, "videos/1/1.mp4", "video/mp4")
    assert store.size(first) == store.size(second) == 24


def test_a_missing_object_has_no_size(store: VideoStore, video: Path) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    assert store.size(StoredObject(stored.bucket, "videos/1/2.mp4", 12)) is None


@pytest.mark.parametrize("size_bytes", [12, MULTIPART_BYTES], ids=["one part", "many parts"])
def test_a_downloaded_object_equals_the_uploaded_file(
    store: VideoStore, video: Path, tmp_path: Path, size_bytes: int
) -> None:
    video.write_bytes(bytes(range(256)) * (size_bytes // 256) + b"twelve bytes")
    stored = store.put(video, "videos/1/1.part1.mp4", "video/mp4")
    downloaded = tmp_path / "back.mp4"
    downloaded.write_bytes(b"what was there before" * size_bytes)
    store.get(stored, downloaded)
    assert downloaded.read_bytes() == video.read_bytes()


@pytest.mark.parametrize("key", ["videos/1/2.mp4", "videos/1"])
def test_downloading_a_missing_object_raises_result_lost(
    store: VideoStore, video: Path, tmp_path: Path, key: str
) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    with pytest.raises(ProviderError) as caught:
        store.get(StoredObject(stored.bucket, key, 12), tmp_path / "back.mp4")
    assert caught.value.reason is FailureCode.RESULT_LOST
    assert caught.value.transient


def test_only_the_given_objects_are_removed(store: VideoStore, video: Path) -> None:
    first, second, kept = (store.put(video, f"videos/1/{attempt}.mp4", "video/mp4") for attempt in (1, 2, 3))
    store.remove(key for key in (first.key, "videos/1/never-there.mp4", second.key))
    store.remove([])
    assert [store.size(stored_object) for stored_object in (first, second, kept)] == [None, None, 12]


def test_a_presigned_url_changes_with_the_signing_window(store: VideoStore, video: Path) -> None:
    stored = store.put(video, "videos/1/1.mp4", "video/mp4")
    moments = [START + timedelta(seconds=seconds) for seconds in range(0, 3600, 30)]
    signed = {(store.signing_window(now), store.presigned_url(stored.url, now)) for now in moments}
    windows, urls = ({entry[index] for entry in signed} for index in (0, 1))
    assert 1 < len(signed) == len(windows) == len(urls) < len(moments)


@pytest.mark.parametrize("size_bytes", [12, MULTIPART_BYTES], ids=["one part", "many parts"])
def test_progress_stays_in_its_range_and_ends_at_one(store: VideoStore, video: Path, size_bytes: int) -> None:
    video.write_bytes(b"x" * size_bytes)
    progress: list[float] = []
    stored = store.put(video, "videos/1/1.mp4", "video/mp4", progress.append)
    assert store.size(stored) == size_bytes
    assert max(progress) == 1
    assert all(0 <= part <= 1 for part in progress)


@pytest.mark.parametrize("size_bytes", [12, MULTIPART_BYTES], ids=["one part", "many parts"])
@pytest.mark.parametrize("error", [LeaseLost, Unavailable])
def test_an_error_of_the_progress_callback_is_raised_unchanged(
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


def test_a_presigned_url_names_the_object_and_needs_no_request(unreachable: VideoStore) -> None:
    url = unreachable.presigned_url("s3://a-bucket/videos/1/1.mp4", START) or ""
    assert url.startswith("http")
    assert "a-bucket/videos/1/1.mp4?" in url


CALLS: dict[str, Callable[[VideoStore, Path], object]] = {
    "put": lambda store, video: store.put(video, "videos/1/1.mp4", "video/mp4"),
    "get": lambda store, video: store.get(StoredObject("a-bucket", "videos/1/1.mp4", 12), video),
    "remove": lambda store, _: store.remove(["videos/1/1.mp4"]),
    "size": lambda store, _: store.size(StoredObject("a-bucket", "videos/1/1.mp4", 12)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_call_raises_unavailable_when_the_store_is_unavailable(
    unreachable: VideoStore, video: Path, call: Callable[[VideoStore, Path], object]
) -> None:
    with pytest.raises(Unavailable):
        call(unreachable, video)


class TestS3:
    """Properties that only the S3 adapter has."""

    @pytest.fixture
    def bucket(self, aws: str) -> str:
        """Return the name of an empty bucket."""
        name = f"videos-{uuid4().hex}"
        boto3.client("s3", region_name="us-east-1", endpoint_url=aws).create_bucket(Bucket=name)
        return name

    def test_a_presigned_url_serves_the_object_for_the_configured_time(
        self, aws: str, bucket: str, video: Path
    ) -> None:
        store = s3_store(bucket, region="us-east-1", endpoint_url=aws, url_seconds=120)
        stored = store.put(video, "videos/1/1.mp4", "video/mp4")
        url = store.presigned_url(stored.url, datetime.now(UTC)) or ""
        with urllib.request.urlopen(url) as response:
            assert response.read() == b"twelve bytes"
            assert response.headers["Content-Type"] == "video/mp4"
            assert response.headers["Cache-Control"] == "private, max-age=3600"
        signed = parse_qs(urlsplit(url).query)
        assert signed["X-Amz-Expires"] == ["120"]
        assert signed["X-Amz-Security-Token"] == ["of-no-session"]
        assert "of-no-account" not in url

    def test_a_url_for_head_is_signed_for_head(self, aws: str) -> None:
        store = s3_store("a-bucket", region="us-east-1", endpoint_url=aws, url_seconds=120)
        url = store.presigned_url("s3://a-bucket/videos/a-key", START, method="HEAD") or ""
        url_for_get = store.presigned_url("s3://a-bucket/videos/a-key", START) or ""
        assert url != url_for_get
        assert url.rpartition("&")[0] == url_for_get.rpartition("&")[0]

    def test_a_url_on_aws_contains_the_bucket_in_its_host_name(self, aws: str) -> None:
        url = s3_store("a-bucket", region="eu-west-1").presigned_url("s3://a-bucket/videos/1/1.mp4", START) or ""
        assert url.startswith("https://a-bucket.s3.eu-west-1.amazonaws.com/videos/1/1.mp4?")

    def test_a_presigned_url_is_stable_for_a_third_of_its_validity(self, aws: str) -> None:
        store = s3_store("a-bucket", region="eu-west-1", url_seconds=900)
        moments = [START + timedelta(seconds=seconds) for seconds in range(0, 1800, 30)]
        urls: dict[str, set[str]] = {store.signing_window(now): set() for now in moments}
        for now in moments:
            url = store.presigned_url("s3://a-bucket/videos/1/1.mp4", now) or ""
            urls[store.signing_window(now)].add(url)
            signed = parse_qs(urlsplit(url).query)
            signed_at = datetime.strptime(signed["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            assert timedelta(seconds=600) <= signed_at + timedelta(seconds=900) - now <= timedelta(seconds=900)
        assert {len(same) for same in urls.values()} == {1}
        assert 6 <= len(urls) <= 7

    @pytest.mark.parametrize("name", ["a kite.mp4", 'ein "Häuschen".mp4', "100 %.mp4", "凧.mp4"])
    def test_a_download_can_have_a_file_name(self, aws: str, bucket: str, video: Path, name: str) -> None:
        store = s3_store(bucket, region="us-east-1", endpoint_url=aws)
        stored = store.put(video, "videos/1/1.mp4", "video/mp4")
        with urllib.request.urlopen(store.presigned_url(stored.url, datetime.now(UTC), name) or "") as response:
            disposition = response.headers["Content-Disposition"]
        assert disposition.startswith("attachment; filename=")
        assert disposition.isascii()
        assert unquote(disposition.partition("filename*=UTF-8''")[2]) == name

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
        keys = ["videos/1/1.mp4", *(f"videos/0/{number}.mp4" for number in range(1500)), "videos/1/1.jpg"]
        s3_store(bucket, region="us-east-1", endpoint_url=aws).remove(keys)
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["videos/2/1.mp4"]
        assert removed == [1000, 502], "S3 accepts at most a thousand keys per call, which moto does not check"

    def test_uploading_to_a_missing_bucket_raises_unavailable(self, aws: str, video: Path) -> None:
        store = s3_store("no-such-bucket", region="us-east-1", endpoint_url=aws)
        with pytest.raises(Unavailable):
            store.put(video, "videos/1/1.mp4", "video/mp4")

    def test_a_forbidden_request_raises_unavailable_and_does_not_mean_a_missing_object(
        self, aws: str, tmp_path: Path
    ) -> None:
        stored = StoredObject("a-bucket", "k", 1)
        with refusing() as endpoint:
            store = s3_store("a-bucket", region="us-east-1", endpoint_url=endpoint)
            with pytest.raises(Unavailable):
                store.size(stored)
            with pytest.raises(Unavailable):
                store.get(stored, tmp_path / "back.mp4")

    def test_an_object_that_is_truncated_at_every_try_raises_unavailable(self, aws: str, tmp_path: Path) -> None:
        with refusing(head_status=200, length=12) as endpoint, pytest.raises(Unavailable):
            s3_store("a-bucket", region="us-east-1", endpoint_url=endpoint).get(
                StoredObject("a-bucket", "k", 12), tmp_path / "back.mp4"
            )

    def test_an_object_that_cannot_be_deleted_raises_unavailable(self, aws: str) -> None:
        with refusing() as endpoint, pytest.raises(Unavailable) as caught:
            s3_store("a-bucket", region="us-east-1", endpoint_url=endpoint).remove(["k"])
        assert "AccessDenied" in str(caught.value.__cause__)

    @pytest.mark.timeout(9, func_only=True)
    def test_a_deletion_without_a_response_ends_before_the_timeout_of_the_function(self, aws: str) -> None:
        # An attempt takes 10 s without the limit. The first one starts with 3.1 s left, and no second one with 3 s.
        milliseconds = iter([4100])
        with socket.create_server(("127.0.0.1", 0)) as silent:
            endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
            store = s3_store("a-bucket", region="us-east-1", endpoint_url=endpoint)
            with time_limit(lambda: next(milliseconds, 4000)), pytest.raises(Unavailable):
                store.remove(["videos/1/1.mp4"])
            connections = accept_all(silent)
        assert connections == 1

    def test_a_deletion_in_a_call_succeeds(self, aws: str, bucket: str, video: Path) -> None:
        store = s3_store(bucket, region="us-east-1", endpoint_url=aws)
        stored = store.put(video, "videos/1/1.mp4", "video/mp4")
        with time_limit(lambda: 28_000):
            store.remove([stored.key])
        assert store.size(stored) is None


def accept_all(server: socket.socket) -> int:
    """Accept the connections that wait at a server, close them, and return their number."""
    server.setblocking(False)
    connections = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return connections
        connections += 1


@contextmanager
def refusing(*, head_status: int = 403, length: int = 0) -> Iterator[str]:
    """Yield the address of an S3 that forbids everything, except HEAD with another status, and truncates objects."""

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
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
