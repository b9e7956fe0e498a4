"""Requests for results, limited to the allowed hosts of a provider, including after redirects."""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import httpx

from videojobs.adapters.public_address import AddressRefused, NoAddress, resolve_public
from videojobs.adapters.rest.failures import not_set_up
from videojobs.domain.errors import ProviderError

logger = logging.getLogger(__name__)

MAXIMUM_REDIRECTS = 5
MAXIMUM_ADDRESSES = 2
"""How many of a host's addresses are tried."""
LOOPBACK = "127.0.0.1"
"""Host for which plain HTTP and a loopback address are accepted, if it is in the allowed hosts."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@contextmanager
def open_result(
    http: httpx.Client, url: str, headers: Mapping[str, str], wanted: Mapping[str, str], allowed_hosts: Collection[str]
) -> Iterator[httpx.Response]:
    """Send a GET, follow redirects, and yield the first response that is not a redirect; its body is not read yet.

    Args:
        http: The client; it must not follow redirects itself.
        url: The URL of the result.
        headers: Headers with credentials, sent only to the scheme, host and port of `url`.
        wanted: Headers that are sent to each host.
        allowed_hosts: Allowed hosts, as names or as suffixes that start with a dot.

    Raises:
        ProviderError: If a URL is malformed or leads to a host that is not allowed or not public.
        httpx.HTTPError: If there is no response, or more than `MAXIMUM_REDIRECTS` redirects.
    """
    origin = _parse(url)
    target = origin
    for _ in range(MAXIMUM_REDIRECTS + 1):
        own = headers if _origin_of(target) == _origin_of(origin) else {}
        response = _send(http, target, {**own, **wanted}, allowed_hosts)
        try:
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                yield response
                return
            target = _parse(response.headers["location"], target)
        finally:
            response.close()
    raise httpx.TooManyRedirects("too many redirects")


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Return the URL, relative to `base` if given; raise `ProviderError` if it is malformed."""
    try:
        return httpx.URL(url) if base is None else base.join(url)
    except httpx.InvalidURL:
        raise _refused("", "malformed") from None  # the error contains the URL


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port."""
    return url.scheme, url.host, url.port


def _send(
    http: httpx.Client, url: httpx.URL, headers: Mapping[str, str], allowed_hosts: Collection[str]
) -> httpx.Response:
    """Send a GET to a checked address of the host, with the host's name in TLS and in the header `Host`."""
    addresses = _addresses(url, allowed_hosts)[:MAXIMUM_ADDRESSES]
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


def _addresses(url: httpx.URL, allowed_hosts: Collection[str]) -> list[str]:
    """Return the host's addresses.

    Raises:
        ProviderError: If the URL's scheme, host or address is not allowed.
        httpx.ConnectError: If the host name does not resolve.
    """
    is_loopback = url.host == LOOPBACK
    if url.scheme != "https" and not (is_loopback and url.scheme == "http"):
        raise _refused(url.host, "not https")
    if url.userinfo or not any(_matches(url.host, allowed) for allowed in allowed_hosts):
        raise _refused(url.host, "not allowed")
    try:
        return resolve_public(url.host, url.port or (443 if url.scheme == "https" else 80), or_loopback=is_loopback)
    except NoAddress as error:
        raise httpx.ConnectError(str(error)) from error
    except AddressRefused as error:
        raise _refused(url.host, str(error)) from error


def _matches(host: str, allowed: str) -> bool:
    """Return whether the host is the allowed name, or ends with the allowed suffix (".example.com")."""
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _refused(host: str, reason: str) -> ProviderError:
    """Log a rejected host and return the error.

    An operator has to decide whether the URL is malicious or the provider stores results at a new host.
    """
    extra = {"action": "result_host_refused", "host": host, "reason": reason}
    logger.error("Result host rejected", extra=extra)
    return not_set_up()
