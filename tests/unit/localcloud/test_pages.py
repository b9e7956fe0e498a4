"""Upload of the studio's files to a bucket."""

import json
import re
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
SHIPPED_BYTES = 130_000


@pytest.fixture
def bucket(aws: str) -> "S3Client":
    """Return an S3 client, after creating the bucket that OUTPUTS names."""
    client = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=OUTPUTS["WebBucketName"])
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "index.html").write_text("<h1>")
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "fonts" / "b.woff2").write_bytes(b"\0")
    (tmp_path / "fonts" / "README.md").write_text("# Fonts")
    return tmp_path


def test_the_bucket_contains_only_the_current_files(bucket: "S3Client", folder: Path) -> None:
    bucket.put_object(Bucket="pages", Key="of-yesterday.js", Body=b"")
    upload_pages(bucket, OUTPUTS, folder)
    keys = {stored_object["Key"] for stored_object in bucket.list_objects_v2(Bucket="pages")["Contents"]}
    assert keys == {"index.html", "a.js", "fonts/b.woff2", "config.json"}


def test_each_file_has_its_content_type_and_is_not_cached(bucket: "S3Client", folder: Path) -> None:
    upload_pages(bucket, OUTPUTS, folder)
    objects = [bucket.get_object(Bucket="pages", Key=name) for name in ("index.html", "a.js", "fonts/b.woff2")]
    assert [stored_object["ContentType"] for stored_object in objects] == [
        "text/html; charset=utf-8",
        "text/javascript; charset=utf-8",
        "font/woff2",
    ]
    assert {stored_object["CacheControl"] for stored_object in objects} == {"no-cache"}


def test_the_config_file_contains_the_urls_of_the_stack(bucket: "S3Client", folder: Path) -> None:
    upload_pages(bucket, OUTPUTS, folder)
    config = json.load(bucket.get_object(Bucket="pages", Key="config.json")["Body"])
    assert config == {"liveUrl": "wss://live.example.com", "signInUrl": "https://app.example.com/"}


@pytest.mark.parametrize("environment", ["local", "production", ""])
def test_an_unknown_environment_is_refused(environment: str) -> None:
    with pytest.raises(LocalCloudError, match="no environment"):
        publish(ROOT, environment)


def test_the_files_that_a_browser_loads_are_small() -> None:
    sizes = {name: path.stat().st_size for name, path in find_pages(ROOT / "web").items()}
    assert sum(sizes.values()) < SHIPPED_BYTES, sizes


def test_the_page_links_only_to_files_of_the_studio_and_describes_itself() -> None:
    page = (ROOT / "web" / "index.html").read_text()
    links = dict(re.findall(r'<link rel="([\w-]+)" href="([^"]+)"', page))
    files = find_pages(ROOT / "web").keys() | {"config.json"}
    assert {"icon", "apple-touch-icon", "stylesheet"} <= links.keys()
    assert set(re.findall(r'<link [^>]*href="([^"]+)"', page)) <= files
    assert set(re.findall(r'modulepreload" href="([^"]+)"', page)) == {
        name for name in files if name.endswith(".js") and name != "studio.js"
    }
    assert re.search(r'<meta name="description" content="[^"]+">', page)
