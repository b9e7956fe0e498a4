"""The objects of a job in the video bucket, and their keys."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the video bucket; `size_bytes` is what was sent, to be compared with what arrived."""

    bucket: str
    key: str
    size_bytes: int

    @property
    def url(self) -> str:
        """Where it lives: `s3://bucket/key`; never given to a caller, who gets a presigned URL."""
        return f"s3://{self.bucket}/{self.key}"


OBJECT_KINDS = ("mp4", "jpg", "webp")
"""What an attempt leaves in the bucket: the video, its poster, its preview."""


def object_key(job_id: str, attempt: int, kind: str) -> str:
    """Where in the bucket an attempt's file of one of `OBJECT_KINDS` lies; a repeat replaces it."""
    return f"videos/{job_id}/{attempt}.{kind}"


def part_key(job_id: str, attempt: int, part: int) -> str:
    """Where a provider's part of a video lies until all are joined; `attempt` is the one in which it was made."""
    return f"videos/{job_id}/{attempt}.part{part}.mp4"
