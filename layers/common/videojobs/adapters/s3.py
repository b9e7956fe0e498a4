"""Storage of videos in S3. boto3 is imported at the first upload or download; presigned URLs do not need it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from videojobs.adapters.aws import read_credentials
from videojobs.adapters.sigv4 import sign_url
from videojobs.domain.errors import FailureCode, ProviderError, Unavailable
from videojobs.domain.storage import StoredObject, find_key
from videojobs.ports.videos import ReportProgress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import DeleteTypeDef


KEYS_PER_CALL = 1000
"""S3's limit of keys per DeleteObjects request."""


def bucket_url(bucket: str, *, region: str, endpoint_url: str = "", url_suffix: str = "amazonaws.com") -> str:
    """Return the URL of a bucket: its virtual host, or its path at `endpoint_url` if that is not empty.

    `url_suffix` is the DNS suffix of the AWS partition.
    """
    return f"{endpoint_url}/{bucket}" if endpoint_url else f"https://{bucket}.s3.{region}.{url_suffix}"


class S3VideoStore:
    """Objects in one private bucket. Implements `ports.VideoStore`."""

    def __init__(
        self,
        bucket: str,
        connect: "Callable[[], S3Client]",
        *,
        url: str,
        region: str,
        url_seconds: int = 900,
    ) -> None:
        """Create the store; nothing is connected.

        Args:
            bucket: The bucket's name.
            connect: Returns boto3's client of S3. It is called for every operation but `presigned_url`.
            url: The bucket's URL in presigned URLs, without a trailing slash.
            region: The bucket's region.
            url_seconds: How long a presigned URL is valid. It ends earlier if the role's session expires:
                https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
        """
        self._bucket, self._connect = bucket, connect
        self._url, self._region, self._url_seconds = url, region, url_seconds

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Upload a file, large files in parts, and return the stored object. Replaces an existing object.

        Args:
            path: The file.
            key: The object's key.
            content_type: The object's media type.
            on_progress: Called with the uploaded part (0 to 1). An exception that it raises stops the upload and is
                raised to the caller.

        Raises:
            Unavailable: If S3 does not respond or reports an error; the object may have been stored.
            OSError: If the file can't be read.
        """
        from boto3.s3.transfer import TransferConfig
        from botocore.exceptions import BotoCoreError, ClientError

        size_bytes = path.stat().st_size
        sent_bytes = 0
        stopped: Exception | None = None

        def count(part_bytes: int) -> None:
            nonlocal sent_bytes, stopped
            sent_bytes += part_bytes
            if stopped:
                raise stopped
            if on_progress:
                try:
                    on_progress(sent_bytes / size_bytes)
                except Exception as error:
                    stopped = error
                    raise

        # One thread, so that progress is reported in order. The function has one processor.
        transfer = TransferConfig(use_threads=False)
        extra = {"ContentType": content_type, "CacheControl": "private, max-age=3600"}
        try:
            with path.open("rb") as file:
                self._connect().upload_fileobj(
                    file, self._bucket, key, ExtraArgs=extra, Callback=count, Config=transfer
                )
        except (BotoCoreError, ClientError) as error:
            raise stopped or Unavailable() from error  # botocore wraps the callback's exception and retries
        return StoredObject(self._bucket, key, size_bytes)

    def size(self, stored: StoredObject) -> int | None:
        """Return the object's size in bytes, or None if it does not exist.

        Raises:
            Unavailable: If S3 does not respond or reports an error.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._connect().head_object(Bucket=stored.bucket, Key=stored.key)["ContentLength"]
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error

    def get(self, stored: StoredObject, path: Path) -> None:
        """Download an object to a file, in parts that are retried if they are interrupted.

        Raises:
            ProviderError: If the object does not exist (`result_lost`).
            Unavailable: If S3 does not respond or reports an error.
            OSError: If the file can't be written.
        """
        from boto3.s3.transfer import TransferConfig
        from botocore.exceptions import BotoCoreError, ClientError
        from s3transfer.exceptions import RetriesExceededError

        transfer = TransferConfig(use_threads=False)
        try:
            with path.open("wb") as file:
                self._connect().download_fileobj(stored.bucket, stored.key, file, Config=transfer)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                message = "A part of the video is missing. Try again."
                raise ProviderError(FailureCode.RESULT_LOST, message, transient=True) from error
            raise Unavailable from error
        except (BotoCoreError, RetriesExceededError) as error:
            raise Unavailable from error

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects, 1000 per request. Keys that do not exist are ignored.

        Raises:
            Unavailable: If S3 does not respond or reports an error for a key; some objects may be deleted.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        for batch in batched(keys, KEYS_PER_CALL, strict=False):
            objects: DeleteTypeDef = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
            try:
                response = self._connect().delete_objects(Bucket=self._bucket, Delete=objects)
            except (BotoCoreError, ClientError) as error:
                raise Unavailable from error
            if response.get("Errors"):
                raise Unavailable from RuntimeError(f"s3 DeleteObjects: {response['Errors'][0].get('Code')}")

    def presigned_url(
        self, url: str, now: datetime, file_name: str | None = None, *, method: str = "GET"
    ) -> str | None:
        """Return a presigned URL for a request of `s3://bucket/key`, signed locally at the start of the signing window.

        Return None for another bucket, and for a key outside of the folder of jobs' objects.

        With `file_name`, browsers save the file under that name. The URL stays the same until `signing_window` changes
        and is valid for at least two thirds of `url_seconds`.

        Raises:
            Unavailable: If the function has no credentials (see `read_credentials`).
        """
        key = find_key(url, self._bucket)
        if key is None:
            return None
        query = {"response-content-disposition": _attachment(file_name)} if file_name else {}
        return sign_url(
            method,
            f"{self._url}/{quote(key)}",
            query,
            credentials=read_credentials(),
            service="s3",
            region=self._region,
            now=self._window_begin(now),
            seconds=self._url_seconds,
        )

    def signing_window(self, now: datetime) -> str:
        """Return the start of the current signing window as text; a window lasts a third of `url_seconds`."""
        return self._window_begin(now).isoformat()

    def _window_begin(self, now: datetime) -> datetime:
        """Return the start of the signing window that contains `now`."""
        window = self._url_seconds // 3
        return datetime.fromtimestamp(now.timestamp() // window * window, UTC)


def _attachment(file_name: str) -> str:
    """Return a Content-Disposition with the file name in ASCII and in UTF-8.

    Old browsers read the ASCII name: https://www.rfc-editor.org/rfc/rfc6266#appendix-D
    """
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
