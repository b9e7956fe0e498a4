"""Objects of a job in the video bucket, and their keys."""

import re
from typing import NamedTuple

PREFIX = "videos/"
"""Prefix of the keys of all objects that belong to jobs."""
_WEB_URL = re.compile(r"https?://[!-\[\]-~]+")  # all printable ASCII characters except the backslash
_OBJECT_URL = re.compile(rf"s3://([^/\\]+)/({PREFIX}[!-~]+)")


class StoredObject(NamedTuple):
    """Object in the video bucket. `size_bytes` is the size of the uploaded file, to compare with the stored size."""

    bucket: str
    key: str
    size_bytes: int

    @property
    def url(self) -> str:
        """Return the URL `s3://bucket/key`, for internal use. Callers receive presigned URLs instead."""
        return f"s3://{self.bucket}/{self.key}"


def is_web_url(url: str) -> bool:
    """Return whether a text is an `http` or `https` URL of printable ASCII characters, without a backslash.

    Browsers read a backslash as a slash, so that such a URL has another host for them than for other programs.
    """
    return _WEB_URL.fullmatch(url) is not None


def find_key(url: str, bucket: str) -> str | None:
    """Return the key of an object of a job in a bucket, given its `s3://` URL, or None for any other URL."""
    match = _OBJECT_URL.fullmatch(url)
    return match[2] if match and match[1] == bucket else None


OBJECT_KINDS = ("mp4", "jpg", "webp")
"""Kinds of files that an attempt stores: the video, its poster and its preview."""


def folder(job_id: str) -> str:
    """Return the prefix of the keys of all objects of a job."""
    return f"{PREFIX}{job_id}/"


def object_key(job_id: str, attempt: int, kind: str) -> str:
    """Return the key of an attempt's file of one of the `OBJECT_KINDS`. A repeated upload replaces the object."""
    return f"{folder(job_id)}{attempt}.{kind}"


def part_key(job_id: str, attempt: int, part: int) -> str:
    """Return the key of a part of a video, kept until all parts are joined. `attempt` is the attempt that stored it."""
    return f"{folder(job_id)}{attempt}.part{part}.mp4"
