"""The bucket: uploads by boto3 (imported on first use), presigned URLs made without it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from videojobs.adapters.aws import read_credentials
from videojobs.adapters.sigv4 import sign_url
from videojobs.domain.errors import FailureCode, ProviderError, Unavailable
from videojobs.domain.storage import StoredObject
from videojobs.ports.videos import ReportProgress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import DeleteTypeDef


KEYS_PER_CALL = 1000
"""By S3's limit."""


class S3VideoStore:
    """Objects in one private bucket. `Unavailable` means that S3 did not answer as it should."""

    def __init__(self, bucket: str, *, region: str, endpoint_url: str = "", url_seconds: int = 900) -> None:
        """`url_seconds` is how long a presigned URL works; AWS cuts it short when the role's session ends before."""
        self._bucket, self._region, self._endpoint_url, self._url_seconds = bucket, region, endpoint_url, url_seconds
        self._made: S3Client | None = None

    def put(self, path: Path, key: str, content_type: str, on_progress: ReportProgress | None = None) -> StoredObject:
        """Upload a file, in parts when it is large; see `ports.VideoStore`."""
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

        # One thread: reports of progress come in order, and the function has one processor anyway.
        transfer = TransferConfig(use_threads=False)
        extra = {"ContentType": content_type, "CacheControl": "private, max-age=3600"}
        try:
            with path.open("rb") as file:
                self._client.upload_fileobj(file, self._bucket, key, ExtraArgs=extra, Callback=count, Config=transfer)
        except (BotoCoreError, ClientError) as error:
            raise stopped or Unavailable() from error  # botocore wraps what a report raises, and tries again
        return StoredObject(self._bucket, key, size_bytes)

    def size(self, stored: StoredObject) -> int | None:
        """HEAD the object; see `ports.VideoStore`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._client.head_object(Bucket=stored.bucket, Key=stored.key)["ContentLength"]
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise Unavailable from error
        except BotoCoreError as error:
            raise Unavailable from error

    def get(self, stored: StoredObject, path: Path) -> None:
        """Download in parts, each tried again where it was cut off; see `ports.VideoStore`."""
        from boto3.s3.transfer import TransferConfig
        from botocore.exceptions import BotoCoreError, ClientError
        from s3transfer.exceptions import RetriesExceededError

        transfer = TransferConfig(use_threads=False)
        try:
            with path.open("wb") as file:
                self._client.download_fileobj(stored.bucket, stored.key, file, Config=transfer)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                message = "A part of the video was lost. Please try again."
                raise ProviderError(FailureCode.RESULT_LOST, message, transient=True) from error
            raise Unavailable from error
        except (BotoCoreError, RetriesExceededError) as error:
            raise Unavailable from error

    def remove(self, keys: Iterable[str]) -> None:
        """A thousand in a call; see `ports.VideoStore`."""
        from botocore.exceptions import BotoCoreError, ClientError

        for some in batched(keys, KEYS_PER_CALL, strict=False):
            wanted: DeleteTypeDef = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            try:
                answer = self._client.delete_objects(Bucket=self._bucket, Delete=wanted)
            except (BotoCoreError, ClientError) as error:
                raise Unavailable from error
            if answer.get("Errors"):
                raise Unavailable from RuntimeError(f"s3 DeleteObjects: {answer['Errors'][0].get('Code')}")

    def presigned_url(self, url: str, now: datetime, file_name: str | None = None) -> str:
        """Sign a GET of `s3://bucket/key`, as of the beginning of the window; see `ports.VideoStore`."""
        bucket, key = urlsplit(url).netloc, quote(urlsplit(url).path)
        endpoint = f"{self._endpoint_url}/{bucket}" if self._endpoint_url else self._virtual_host(bucket)
        query = {"response-content-disposition": _attachment(file_name)} if file_name else {}
        return sign_url(
            endpoint + key,
            query,
            credentials=read_credentials(),
            service="s3",
            region=self._region,
            now=self._window_begin(now),
            seconds=self._url_seconds,
        )

    def signing_window(self, now: datetime) -> str:
        """A third of the time that a URL works; see `ports.VideoStore`."""
        return self._window_begin(now).isoformat()

    def _window_begin(self, now: datetime) -> datetime:
        window = self._url_seconds // 3
        return datetime.fromtimestamp(now.timestamp() // window * window, UTC)

    def _virtual_host(self, bucket: str) -> str:
        return f"https://{bucket}.s3.{self._region}.amazonaws.com"

    @property
    def _client(self) -> "S3Client":
        if self._made is None:
            import boto3
            from botocore.config import Config

            config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
            endpoint = self._endpoint_url or None
            self._made = boto3.client("s3", region_name=self._region, endpoint_url=endpoint, config=config)
        return self._made


def _attachment(file_name: str) -> str:
    """In ASCII for old browsers and in full for all others: https://www.rfc-editor.org/rfc/rfc6266#appendix-D."""
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
