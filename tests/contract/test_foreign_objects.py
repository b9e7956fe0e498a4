"""`VideoStore` signs only objects of jobs in its own bucket."""

import pytest

from tests.aws import s3_store
from tests.fakes.clock import START
from tests.fakes.store import InMemoryVideoStore
from videojobs.ports.videos import VideoStore


@pytest.fixture(params=["in memory", "S3"])
def store(request: pytest.FixtureRequest) -> VideoStore:
    """Return a store of the bucket `videos`."""
    if request.param == "in memory":
        return InMemoryVideoStore("videos")
    request.getfixturevalue("aws")
    return s3_store("videos", region="us-east-1")


@pytest.mark.parametrize(
    "url",
    [
        "s3://other/videos/a",
        "s3://evil.example\\/videos/a",
        "s3://videos/bedrock/a",
        "s3://videos/secret",
        "s3://",
        "x",
    ],
)
def test_object_of_no_job_gets_no_presigned_url(store: VideoStore, url: str) -> None:
    assert store.presigned_url(url, START) is None


def test_object_of_a_job_gets_a_presigned_url(store: VideoStore) -> None:
    assert store.presigned_url("s3://videos/videos/1/1.mp4", START, "A kite.mp4") is not None
