"""Objects of a job in the video bucket, and their keys."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Object in the video bucket. `size_bytes` is the size of the uploaded file, to compare with the stored size."""

    bucket: str
    key: str
    size_bytes: int

    @property
    def url(self) -> str:
        """Return the URL `s3://bucket/key`, for internal use. Callers receive presigned URLs instead."""
        return f"s3://{self.bucket}/{self.key}"


OBJECT_KINDS = ("mp4", "jpg", "webp")
"""Kinds of files that an attempt stores: the video, its poster and its preview."""


def object_key(job_id: str, attempt: int, kind: str) -> str:
    """Return the key of an attempt's file of one of the `OBJECT_KINDS`. A repeated upload replaces the object."""
    return f"videos/{job_id}/{attempt}.{kind}"


def part_key(job_id: str, attempt: int, part: int) -> str:
    """Return the key of a part of a video, kept until all parts are joined. `attempt` is the attempt that stored it."""
    return f"videos/{job_id}/{attempt}.part{part}.mp4"
