"""URLs of videos: which may be shown to a caller, and which name an object of a job."""

import pytest

from videojobs.domain.storage import StoredObject, find_key, is_web_url, object_key

UNSAFE = ["", "x", "javascript:alert(1)", "ftp://x/y", "//evil.example", "data:text/html,x", "file:///etc/passwd"]
UNSAFE += ["https://", "https://a b", "https://a\nb", "https://é", "https://evil.example\\@good.example/x", "https:x"]
UNSAFE += ["s3://videos/videos/a.mp4", "HTTPS://a\t", " https://a"]


@pytest.mark.parametrize("url", ["https://mock-videos.eirthlink.com/videos/x.mp4", "http://a", "https://a/b?c=%20#d"])
def test_http_url_may_be_shown(url: str) -> None:
    assert is_web_url(url)


@pytest.mark.parametrize("url", UNSAFE)
def test_any_other_url_may_not_be_shown(url: str) -> None:
    assert not is_web_url(url)


def test_object_of_a_job_is_found_by_its_url() -> None:
    key = object_key("65a000000000000000000001", 1, "mp4")
    assert find_key(StoredObject("videos", key, 1).url, "videos") == key


@pytest.mark.parametrize(
    "url",
    [
        "s3://other/videos/a.mp4",
        "s3://videos/bedrock/a.mp4",
        "s3://videos/a.mp4",
        "s3://videos/videos/",
        "s3://videos",
        "s3://evil.example\\/videos/a.mp4",
        "s3:///videos/a.mp4",
        "s3://videos/videos/a b.mp4",
        "s3://videos/videos/é.mp4",
        "s3://videos@evil.example/videos/a.mp4",
        "https://videos/videos/a.mp4",
        "",
    ],
)
def test_any_other_object_is_not_found(url: str) -> None:
    assert find_key(url, "videos") is None
