"""Names and addresses: which `Host` a request may name, and which port is free to listen on."""

from __future__ import annotations

import errno
import ipaddress
import socket

from obverse.problems import Problem, problem

TRIES = 10
LAST = 65535


class NotListening(Exception):  # noqa: N818 it is an answer, not a fault
    """No socket could be had. `problem` says why."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found


def is_ours(header: str, given: str) -> bool:
    """Whether a `Host` header may be answered: a localhost name, an IP address, or the host that was `given`.

    Any other name that leads here was pointed here by somebody else (DNS rebinding), whose page would read the preview.
    """
    name = host_name(header)
    return name in ("localhost", given.lower()) or name.endswith(".localhost") or _is_address(name)


def host_name(header: str) -> str:
    """The name in a `Host` header, without port, brackets and a last dot, in lower case."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")


def origin(host: str, port: int) -> str:
    """The preview's address as a person would type it: `http://host:port`."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 every address of this machine: name the one every machine has
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listening(host: str, port: int, tries: int = 1) -> tuple[list[socket.socket], int]:
    """Listening sockets and their port: the first free one of so many from `port` on. Raises NotListening."""
    if not 0 <= port <= LAST:
        raise NotListening(_unusable(host, port, f"a port is a number from 0 to {LAST}"))
    wanted = [number for number in range(port, port + tries) if number <= LAST]
    for number in wanted:
        try:
            sockets = _bound(host, number)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                raise NotListening(_unusable(host, number, fault.strerror or str(fault))) from None
        except UnicodeError as fault:  # a name no resolver takes
            raise NotListening(_unusable(host, number, str(fault))) from None
        else:
            return sockets, sockets[0].getsockname()[1]
    raise NotListening(_taken(wanted))


def _bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host. Raises OSError when one is taken, or none can be had."""
    found: list[socket.socket] = []
    absent = OSError(errno.EADDRNOTAVAIL, "no such address here")
    for family, address in _addresses(host):
        number = found[0].getsockname()[1] if found else port  # one port for all, also when any will do
        try:
            found.append(socket.create_server((address, number), family=family))
        except OSError as fault:
            if fault.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                absent = fault  # "localhost" has two addresses, and a machine without IPv6 has one of them
                continue
            _close(found)
            raise
    if not found:
        raise absent
    for one in found:
        one.setblocking(False)
    return found


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return sorted({(family, str(address[0])) for family, _, _, _, address in found})


def _close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _taken(ports: list[int]) -> Problem:
    if len(ports) == 1:
        return problem("port-taken", "", f"port {ports[0]} is taken", hint="end what uses it, or give another --port")
    return problem(
        "port-taken", "", f"the ports {ports[0]} to {ports[-1]} are all taken", hint="name a free one with --port"
    )


def _unusable(host: str, port: int, reason: str) -> Problem:
    return problem(
        "serve-address", "", f"cannot listen on {host}, port {port}: {reason}", hint="give another --host or --port"
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
