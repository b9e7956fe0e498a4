"""Download of a provider's result: streamed, limited in size, from allowed hosts only, and resumed when interrupted."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from videojobs.adapters.retry_after import read_retry_after
from videojobs.domain.errors import FailureCode, ProviderUnreachable
from videojobs.domain.production import MAXIMUM_RESULT_BYTES
from videojobs.ports.videos import ReportProgress
from videojobs_providers.rest.client import CONNECT_SECONDS, tls_context
from videojobs_providers.rest.failures import unconfirmed
from videojobs_providers.rest.part_file import PartFile, Unusable
from videojobs_providers.rest.result_host import open_result
from videojobs_providers.rest.setup import CALL_SECONDS

logger = logging.getLogger(__name__)

MAXIMUM_SECONDS = 120.0
"""Timeout of one download in total. The function render runs for at most 300 s, and a failed step is retried."""
MAXIMUM_TRIES = 5
MAXIMUM_FRESH_URLS = 2

_URL_STILL_VALID = frozenset({408, 425, 429})
"""Client errors after which the URL is retried.

Other errors can mean that the URL has expired: 403 at S3, 400 at Google, or 404.
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Current location of a result; the headers are sent to the host of `url` only."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def download(
    locate: Callable[[], Source],
    path: Path,
    *,
    allowed_hosts: Collection[str],
    on_progress: ReportProgress,
    maximum_bytes: int = MAXIMUM_RESULT_BYTES,
    call_seconds: float = CALL_SECONDS,
    maximum_seconds: float = MAXIMUM_SECONDS,
) -> None:
    """Write the result to `path`. An interrupted download is resumed, and tried five times in total.

    Args:
        locate: Returns the current location; called again when a URL has expired.
        path: The file to write; replaced if it exists.
        allowed_hosts: Allowed hosts, as names or as suffixes that start with a dot, with a path prefix for a shared
            host; see `open_result`. HTTPS is required, except for "127.0.0.1" if it is allowed.
        on_progress: Called with the downloaded part (0 to 1); may raise to stop.
        maximum_bytes: The maximum size of the file.
        call_seconds: The timeout of each read.
        maximum_seconds: The timeout of the whole download.

    Raises:
        UnconfirmedFailure: If new URLs are rejected too (`result_lost`).
        ResultRefused: If a URL or a redirect leads to a host that is not allowed.
        ProviderError: If the file is too large.
        ProviderUnreachable: If the download fails five times, times out, or the host asks to retry later.
    """
    with PartFile(path, maximum_bytes=maximum_bytes, on_progress=on_progress) as part, _client(call_seconds) as http:
        work = _Download(http, locate, part, allowed_hosts, time.monotonic() + maximum_seconds)
        if any(work.goes_through() for _ in range(MAXIMUM_TRIES)):
            return
    raise ProviderUnreachable


def _client(call_seconds: float) -> httpx.Client:
    # No proxy and no .netrc: the client must connect to the address that was checked.
    timeout = httpx.Timeout(call_seconds, connect=min(CONNECT_SECONDS, call_seconds))
    # httpx would reuse a connection for another host at the same address, without checking that host's certificate.
    limits = httpx.Limits(max_keepalive_connections=0)
    tls = tls_context(trust_env=False)
    return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False, trust_env=False, verify=tls)


class _Download:
    """State of one download: its current URL and the part that was downloaded."""

    def __init__(
        self,
        http: httpx.Client,
        locate: Callable[[], Source],
        part: PartFile,
        allowed_hosts: Collection[str],
        until: float,
    ) -> None:
        self._http, self._locate, self._part, self._allowed_hosts = http, locate, part, allowed_hosts
        self._until = until
        self._source: Source | None = None
        self._located = 0

    def goes_through(self) -> bool:
        """Try the download once and return whether it completed; the next try resumes it.

        Expired URLs are replaced, at most `MAXIMUM_FRESH_URLS` times in total.
        """
        try:
            while not self._follow():
                if self._located > MAXIMUM_FRESH_URLS:
                    raise unconfirmed(FailureCode.RESULT_LOST)
                self._source = None
        except (httpx.HTTPError, Unusable) as error:
            reason = str(error) if isinstance(error, Unusable) else type(error).__name__
            extra = {"action": "download_cut_off", "reason": reason}
            logger.info("Download interrupted", extra=extra)
            return False
        return True

    def _follow(self) -> bool:
        """Download from the current URL; True if the file is complete, False if the URL has expired."""
        self._report_progress()
        if self._source is None:
            self._part.restart()
            self._source = self._locate()
            self._located += 1
            self._report_progress()
        with open_result(
            self._http, self._source.url, self._source.headers, self._part.request_headers(), self._allowed_hosts
        ) as response:
            status = response.status_code
            if 400 <= status < 500 and status not in _URL_STILL_VALID and status != 416:
                return False
            retry_after = read_retry_after(response.headers)
            if status == 429 or (status >= 400 and retry_after is not None):
                raise ProviderUnreachable(retry_after_seconds=retry_after)
            self._part.begin(response)
            for piece in response.iter_raw():
                self._part.write(piece)
                self._report_progress()
            self._part.finish()
        return True

    def _report_progress(self) -> None:
        """Report the progress, or raise `ProviderUnreachable` if the time is over."""
        self._part.report()
        if time.monotonic() > self._until:
            raise ProviderUnreachable
