"""Fetches a provider's result: streaming, of bounded size, from allowed hosts only, resumed where it was cut off."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from videojobs.adapters.rest.client import CONNECT_SECONDS, read_retry_after, tls_context
from videojobs.adapters.rest.failures import failure
from videojobs.adapters.rest.part_file import PartFile, Unusable
from videojobs.adapters.rest.result_host import open_result
from videojobs.adapters.rest.setup import CALL_SECONDS
from videojobs.domain.errors import FailureCode, ProviderUnreachable
from videojobs.ports.videos import ReportProgress

logger = logging.getLogger(__name__)

MAXIMUM_BYTES = 500_000_000
"""More than any provider makes in one generation, and what fits beside its neighbours into render's scratch space."""
MAXIMUM_SECONDS = 120.0
"""For one result in all: render has 300 s, and is asked again where it didn't get through."""
MAXIMUM_TRIES = 5
MAXIMUM_FRESH_URLS = 2

_PATIENCE = frozenset({408, 425, 429})
"""The refusals that say nothing of the URL. Any other may be of an expired one: 403 at S3, 400 at Google, or 404."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a result lies at the moment; the headers go to that host alone."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def download(
    locate: Callable[[], Source],
    path: Path,
    *,
    allowed_hosts: Collection[str],
    on_progress: ReportProgress,
    maximum_bytes: int = MAXIMUM_BYTES,
    call_seconds: float = CALL_SECONDS,
    maximum_seconds: float = MAXIMUM_SECONDS,
) -> None:
    """Write the result to `path`; `locate` is asked for a fresh URL when one has expired.

    A host is allowed by its name, or by ".suffix" of it; only https, but http for "127.0.0.1" where that is allowed.
    `call_seconds` is how long the host may be silent.

    Raises:
        ProviderError: `result_lost`, where fresh URLs are refused as well; the file is too large; a URL or a redirect
            leads to where nobody said that results lie.
        ProviderUnreachable: it can't be had now.
    """
    with PartFile(path, maximum_bytes=maximum_bytes, on_progress=on_progress) as part, _client(call_seconds) as http:
        work = _Download(http, locate, part, allowed_hosts, time.monotonic() + maximum_seconds)
        if any(work.goes_through() for _ in range(MAXIMUM_TRIES)):
            return
    raise ProviderUnreachable


def _client(call_seconds: float) -> httpx.Client:
    # No proxy and no .netrc of the environment: the address that was checked is the one that is connected to.
    timeout = httpx.Timeout(call_seconds, connect=min(CONNECT_SECONDS, call_seconds))
    # Each connection is one host's: by its address alone it could serve another's request, whose name nobody proved.
    limits = httpx.Limits(max_keepalive_connections=0)
    tls = tls_context(trust_env=False)
    return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False, trust_env=False, verify=tls)


class _Download:
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
        """Try once, with as many fresh URLs as are left; what came stays for the next try to go on from."""
        try:
            while not self._follow():
                if self._located > MAXIMUM_FRESH_URLS:
                    raise failure(FailureCode.RESULT_LOST)
                self._source = None
        except (httpx.HTTPError, Unusable) as error:
            reason = str(error) if isinstance(error, Unusable) else type(error).__name__
            extra = {"action": "download_cut_off", "reason": reason}
            logger.info("Download cut off", extra=extra)
            return False
        return True

    def _follow(self) -> bool:
        """Whether the URL is still good; then the result has come whole."""
        self._keep_going()
        if self._source is None:
            self._part.begin_anew()
            self._source = self._locate()
            self._located += 1
            self._keep_going()
        with open_result(
            self._http, self._source.url, self._source.headers, self._part.wanted(), self._allowed_hosts
        ) as response:
            status = response.status_code
            if 400 <= status < 500 and status not in _PATIENCE and status != 416:
                return False
            retry_after = read_retry_after(response.headers)
            if status == 429 or (status >= 400 and retry_after is not None):
                raise ProviderUnreachable(retry_after_seconds=retry_after)
            self._part.begin(response)
            for piece in response.iter_raw():
                self._part.write(piece)
                self._keep_going()
            self._part.finish()
        return True

    def _keep_going(self) -> None:
        self._part.report()
        if time.monotonic() > self._until:
            raise ProviderUnreachable
