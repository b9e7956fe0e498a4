"""Which addresses a webhook may be posted to: a URL must not reach into our own network, or into AWS's."""

import socket
from ipaddress import IPv6Address, ip_address, ip_network

_EMBEDDING = tuple(ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"))
"""NAT64, Teredo and 6to4 carry an IPv4 address, which may be a private one, inside a global IPv6 address."""


class AddressRefused(Exception):
    """The name has no address, or one that is not public."""


class NoAddress(AddressRefused):
    """The name has none; it may have one later."""


def resolve_public(host: str, port: int, *, or_loopback: bool = False) -> list[str]:
    """All addresses of a host, each of which is public (or, if that is allowed, this machine's own).

    Connect to one of these and not to the name: it might have another address by then.

    Raises:
        NoAddress: there is none.
        AddressRefused: one is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoAddress("the host has no address") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(_is_allowed(address, or_loopback=or_loopback) for address in addresses):
        raise AddressRefused("the host's address is not public")
    return addresses


def _is_allowed(text: str, *, or_loopback: bool) -> bool:
    address = ip_address(text)
    if or_loopback and address.is_loopback:
        return True
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or any(address in net for net in _EMBEDDING)):
        return False
    # is_global alone is true of multicast and of what is reserved for the future.
    return address.is_global and not (address.is_multicast or address.is_reserved)
