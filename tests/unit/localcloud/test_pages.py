"""The studio's files on their way to a bucket."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from localcloud.config import ROOT
from localcloud.errors import LocalCloudError
from localcloud.pages import find_pages, publish, upload_pages

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OUTPUTS = {"WebBucketName": "pages", "WebSocketUrl": "wss://live.example.com", "SignInUrl": "https://app.example.com/"}
SHIPPED_BYTES = 100_000


@pytest.fixture
def bucket(aws: str) -> "S3Client":
    """A client, and a bucket with the name that OUTPUTS gives."""
    client = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=OUTPUTS["WebBucketName"])
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "index.html").write_text("<h1>")
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "fonts" / "b.woff2").write_bytes(b"\0")
    return tmp_path


def test_the_bucket_holds_the_files_of_now_and_no_other(bucket: "S3Client", folder: Path) -> None:
    bucket.put_object(Bucket="pages", Key="of-yesterday.js", Body=b"")
    upload_pages(bucket, OUTPUTS, folder)
    keys = {each["Key"] for each in bucket.list_objects_v2(Bucket="pages")["Contents"]}
    assert keys == {"index.html", "a.js", "fonts/b.woff2", "config.json"}


def test_a_file_says_what_it_is_and_is_asked_for_again_each_time(bucket: "S3Client", folder: Path) -> None:
    upload_pages(bucket, OUTPUTS, folder)
    seen = [bucket.get_object(Bucket="pages", Key=name) for name in ("index.html", "a.js", "fonts/b.woff2")]
    assert [each["ContentType"] for each in seen] == [
        "text/html; charset=utf-8",
        "text/javascript; charset=utf-8",
        "font/woff2",
    ]
    assert {each["CacheControl"] for each in seen} == {"no-cache"}


def test_the_page_is_told_what_the_stack_knows(bucket: "S3Client", folder: Path) -> None:
    upload_pages(bucket, OUTPUTS, folder)
    told = json.load(bucket.get_object(Bucket="pages", Key="config.json")["Body"])
    assert told == {"liveUrl": "wss://live.example.com", "signInUrl": "https://app.example.com/"}


@pytest.mark.parametrize("environment", ["local", "production", ""])
def test_an_environment_that_is_none_is_refused(environment: str) -> None:
    with pytest.raises(LocalCloudError, match="no environment"):
        publish(ROOT, environment)


def test_what_a_browser_loads_is_small() -> None:
    sizes = {name: path.stat().st_size for name, path in find_pages(ROOT / "web").items()}
    assert sum(sizes.values()) < SHIPPED_BYTES, sizes
