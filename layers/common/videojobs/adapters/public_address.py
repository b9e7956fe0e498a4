"""Address checks for outgoing requests: a URL must not reach private networks or AWS's internal addresses."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

HOST_NAME = re.compile(r"[a-z0-9.-]+")
"""The only characters of host names that are looked up. Programs disagree about the meaning of others."""

_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 addresses as DNS64 presents them; a NAT64 gateway forwards to the last four bytes (RFC 6052)."""
_PUBLIC = ip_network("2000::/3")
"""The only part of IPv6 from which public addresses are assigned."""
_SPECIAL = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
"""Special-purpose networks of IANA, multicast and reserved ones, and tunnels such as 6to4 and Teredo.

https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
"""


class AddressRefused(Exception):
    """The host has no address, or an address that is not public."""


class NoAddress(AddressRefused):
    """The host name does not resolve to an address now; it may do so later."""


def resolve_public(host: str, port: int, *, or_loopback: bool = False) -> list[str]:
    """Return all addresses of a host, each of which is public, or a loopback address if `or_loopback` is true.

    Connect to one of these addresses instead of to the host name, which can resolve to another address by then.

    Raises:
        NoAddress: If the host name does not resolve.
        AddressRefused: If the host name has other characters than `HOST_NAME`, or at least one address is not allowed.
    """
    if not HOST_NAME.fullmatch(host) and not _is_ipv6(host):
        raise AddressRefused("the host's name is malformed")
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAddress("the host has no address") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    if not addresses or not all(_is_allowed(address, or_loopback=or_loopback) for address in addresses):
        raise AddressRefused("the host's address is not public")
    return addresses


def _is_allowed(text: str, *, or_loopback: bool) -> bool:
    """Return whether the address is public, or a loopback address if `or_loopback` is true."""
    address = ip_address(text)
    return _is_public(address) or (or_loopback and address.is_loopback)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return _is_public(IPv4Address(address.packed[-4:]))
        if address not in _PUBLIC:
            return False
    return not any(address in network for network in _SPECIAL)


def _is_ipv6(host: str) -> bool:
    """Return whether the host is an IPv6 address without a zone."""
    try:
        return "%" not in host and ip_address(host).version == 6
    except ValueError:
        return False
