"""A receiver's host -> a connection to an address of it that was looked at: resolved once, and outside our networks.

Whoever may name a host could else have us ask machines that trust this one, and a name may lead elsewhere each time.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# This machine, plainly written: whoever writes it so into the settings means it. Any other spelling is looked at.
OWN = frozenset({"127.0.0.1", "localhost"})

_TRANSLATED = ip_network("64:ff9b::/96")


class Inside(OSError):  # noqa: N818  # it names a place, not a fault
    """The host has an address within a network that is not open to everybody."""


def connected(host: str, port: int, seconds: float | None, inside: Collection[str] = ()) -> socket.socket:
    """A connection to the host. `inside` are hosts that may be within. Raises Inside, and OSError as usual.

    One address within is enough to refuse: which of them is used would be chance.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if host.lower() not in OWN.union(inside) and not all(map(is_outside, addresses)):
        raise Inside
    failed: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            failed = error
    raise failed or OSError


def is_outside(address: str) -> bool:
    """Whether an address is one of the open network, also where it wraps another one."""
    one = _unwrapped(ip_address(address.partition("%")[0]))
    return one.is_global and not one.is_multicast


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The older address that a newer one stands for: mapped, translated or tunnelled."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (address,))[-1]
