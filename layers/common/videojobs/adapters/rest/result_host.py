"""Asks for a result at the hosts where a provider's results may lie, and at no other: not by a redirect either."""

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
"""The one host that may be asked by plain http, and may be this machine: for what stands in for a provider in tests."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@contextmanager
def open_result(
    http: httpx.Client, url: str, headers: Mapping[str, str], wanted: Mapping[str, str], allowed_hosts: Collection[str]
) -> Iterator[httpx.Response]:
    """The first answer that is no redirect, its body not yet read; `headers` go to the first URL's host alone.

    Raises:
        ProviderError: the way leads to a host that is not allowed, or whose address is not public.
        httpx.HTTPError: there is no answer, or no end of redirects.
    """
    origin = _parse(url)
    target = origin
    for _ in range(MAXIMUM_REDIRECTS + 1):
        own = headers if _place(target) == _place(origin) else {}
        response = _send(http, target, {**own, **wanted}, allowed_hosts)
        try:
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                yield response
                return
            target = _parse(response.headers["location"], target)
        finally:
            response.close()
    raise httpx.TooManyRedirects("too many redirects")


def _parse(url: str, beside: httpx.URL | None = None) -> httpx.URL:
    try:
        return httpx.URL(url) if beside is None else beside.join(url)
    except httpx.InvalidURL:
        raise _refused("", "malformed") from None  # the error quotes the URL


def _place(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _send(
    http: httpx.Client, url: httpx.URL, headers: Mapping[str, str], allowed_hosts: Collection[str]
) -> httpx.Response:
    """Connect to an address that was checked, under the host's own name."""
    addresses = _addresses(url, allowed_hosts)[:MAXIMUM_ADDRESSES]
    for number, address in enumerate(addresses, 1):
        request = http.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},  # also the name that the certificate has to have
        )
        try:
            return http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError("there is no address")  # pragma: no cover - `resolve_public` brings one at the least


def _addresses(url: httpx.URL, allowed_hosts: Collection[str]) -> list[str]:
    """Where the host is, if it may be asked at all."""
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
    """Whether it is that name, or ends with that ".suffix"."""
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _refused(host: str, reason: str) -> ProviderError:
    """Either somebody leads us astray, or the provider's results lie elsewhere now: an operator has to look at it."""
    extra = {"action": "result_host_refused", "host": host, "reason": reason}
    logger.error("Result host refused", extra=extra)
    return not_set_up()
