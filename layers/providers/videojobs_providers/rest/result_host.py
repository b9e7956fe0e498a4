"""Requests for results, limited to the allowed hosts of a provider, including after redirects."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import unquote

import httpx

from videojobs.adapters.public_address import HOST_NAME, AddressRefused, NoAddress, resolve_public
from videojobs.domain.errors import ResultRefused
from videojobs_providers.rest.failures import not_set_up

logger = logging.getLogger(__name__)

MAXIMUM_REDIRECTS = 5
MAXIMUM_ADDRESSES = 2
"""How many of a host's addresses are tried."""
LOOPBACK = "127.0.0.1"
"""Host for which plain HTTP and a loopback address are accepted, if it is in the allowed hosts."""

MAXIMUM_LINK_CHARACTERS = 4096
"""Length of the longest link that is kept. Presigned URLs have about 2,000 characters."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@contextmanager
def open_result(
    http: httpx.Client, url: str, headers: Mapping[str, str], wanted: Mapping[str, str], allowed_hosts: Collection[str]
) -> Iterator[httpx.Response]:
    """Send a GET, follow redirects, and yield the first response that is not a redirect; its body is not read yet.

    Args:
        http: The client; it must not follow redirects itself.
        url: The URL of the result.
        headers: Headers with credentials, sent only to the scheme, host and port of `url`, and not to a shared host.
        wanted: Headers that are sent to each host.
        allowed_hosts: Allowed hosts, as names or as suffixes that start with a dot. A shared host, such as an object
            store, has a path prefix too: "storage.example.com/bucket". An empty prefix, "cdn.example.com/", allows
            every path and no credentials.

    Raises:
        ResultRefused: If a URL is malformed or leads to a host that is not allowed or not public. Its link is the URL
            that was refused, after a redirect the target.
        httpx.HTTPError: If there is no response, or more than `MAXIMUM_REDIRECTS` redirects.
    """
    origin = target = None
    try:
        origin = target = _parse(url)
        for _ in range(MAXIMUM_REDIRECTS + 1):
            addresses, is_shared = _check(target, allowed_hosts)
            own = headers if _origin_of(target) == _origin_of(origin) and not is_shared else {}
            response = _send(http, target, {**own, **wanted}, addresses)
            try:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    yield response
                    return
                target = _parse(response.headers["location"], target)
            finally:
                response.close()
    except _NotAllowed as error:
        # After a redirect, the link is its target. The cause can contain the URL.
        link = url if target is origin else str(target)
        raise result_refused(link, error.host, error.reason) from None
    raise httpx.TooManyRedirects("too many redirects")


class _NotAllowed(Exception):
    def __init__(self, host: str, reason: str) -> None:
        super().__init__(reason)
        self.host, self.reason = host, reason


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Return the URL, relative to `base` if given; raise `_NotAllowed` if it is malformed."""
    try:
        return httpx.URL(url) if base is None else base.join(url)
    except httpx.InvalidURL:
        raise _NotAllowed("", "malformed") from None  # the error contains the URL


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port."""
    return url.scheme, url.host, url.port


def _send(http: httpx.Client, url: httpx.URL, headers: Mapping[str, str], addresses: Sequence[str]) -> httpx.Response:
    """Send a GET to a checked address of the host, with the host's name in TLS and in the header `Host`."""
    for number, address in enumerate(addresses, 1):
        request = http.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},  # the certificate is checked against this name
        )
        try:
            return http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError("there is no address")  # pragma: no cover - `resolve_public` returns at least one address


def _check(url: httpx.URL, allowed_hosts: Collection[str]) -> tuple[list[str], bool]:
    """Return at most `MAXIMUM_ADDRESSES` addresses of the host, and whether it is allowed as a shared host only.

    Raises:
        _NotAllowed: If the URL's scheme, host, path or address is not allowed.
        httpx.ConnectError: If the host name does not resolve.
    """
    matching = _find_matching(url, allowed_hosts)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        addresses = resolve_public(url.host, port, or_loopback=url.host == LOOPBACK)
    except NoAddress as error:
        raise httpx.ConnectError(str(error)) from error
    except AddressRefused as error:
        raise _NotAllowed(url.host, str(error)) from error
    return addresses[:MAXIMUM_ADDRESSES], all("/" in allowed for allowed in matching)


def is_allowed(link: str, allowed_hosts: Collection[str]) -> bool:
    """Return whether `open_result` would send a request to the link. Its address and redirects are not checked."""
    try:
        return bool(_find_matching(_parse(link), allowed_hosts))
    except _NotAllowed:
        return False


def _find_matching(url: httpx.URL, allowed_hosts: Collection[str]) -> list[str]:
    """Return the allowed hosts that match the URL.

    Raises:
        _NotAllowed: If the URL's scheme, host or path is not allowed.
    """
    if url.scheme != "https" and not (url.host == LOOPBACK and url.scheme == "http"):
        raise _NotAllowed(url.host, "not https")
    matching = [allowed for allowed in allowed_hosts if _matches(url, allowed)]
    if url.userinfo or not matching:
        raise _NotAllowed(url.host, "not allowed")
    return matching


def _matches(url: httpx.URL, allowed: str) -> bool:
    """Return whether the URL has the allowed host, or ends with the allowed suffix, and has the path prefix if any."""
    name, _, prefix = allowed.partition("/")
    name = name.lower()
    is_host = url.host.endswith(name) if name.startswith(".") else url.host == name
    if not is_host or not HOST_NAME.fullmatch(url.host):
        return False
    path = unquote(url.path)
    leaves_prefix = "\\" in path or not {".", ".."}.isdisjoint(path.split("/"))
    return not prefix or (path.startswith(f"/{prefix.strip('/')}/") and not leaves_prefix)


def result_refused(link: str, host: str, reason: str) -> ResultRefused:
    """Log a rejected host and return the error, which contains the result's link.

    An operator has to decide whether the URL is malicious or the provider stores results at a new host.
    """
    extra = {"action": "result_host_refused", "host": host, "reason": reason}
    logger.error("Result host rejected", extra=extra)
    is_storable = link.isprintable() and len(link) <= MAXIMUM_LINK_CHARACTERS
    return ResultRefused(not_set_up().message, link=link if is_storable else "")
