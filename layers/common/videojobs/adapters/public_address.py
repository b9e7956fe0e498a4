"""Address checks for outgoing requests: a URL must not reach private networks or AWS's internal addresses."""

import socket
from ipaddress import IPv6Address, ip_address, ip_network

_EMBEDDING = tuple(ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))
"""Networks of NAT64, Teredo and 6to4, whose global IPv6 addresses contain an IPv4 address that can be private."""


class AddressRefused(Exception):
    """The host has no address, or an address that is not public."""


class NoAddress(AddressRefused):
    """The host name does not resolve to an address now; it may do so later."""


def resolve_public(host: str, port: int, *, or_loopback: bool = False) -> list[str]:
    """Return all addresses of a host, each of which is public, or a loopback address if `or_loopback` is true.

    Connect to one of these addresses instead of to the host name, which can resolve to another address by then.

    Raises:
        NoAddress: If the host name does not resolve.
        AddressRefused: If at least one address is not allowed.
    """
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
    if or_loopback and address.is_loopback:
        return True
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or any(address in net for net in _EMBEDDING)):
        return False
    # `is_global` is also true for multicast and reserved addresses.
    return address.is_global and not (address.is_multicast or address.is_reserved)
