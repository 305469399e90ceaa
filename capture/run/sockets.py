"""An address, or a socket that whoever started us already holds -> a socket that listens.

A service manager may hold the listening socket itself and hand it to each process in turn (sd_listen_fds(3)): while one
process ends and the next one starts, who connects waits in the socket's queue, and nobody is turned away.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import MutableMapping

# The first descriptor that is handed over, and the variables that speak of it.
FIRST = 3
_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

WAITING = 1024  # connections that may wait to be accepted


class Unfit(ValueError):  # noqa: N818 -- it names what the socket is
    """What was handed over cannot be listened on. The message is a sentence for the owner."""


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to that address and listening. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(WAITING)
    except OSError:
        made.close()
        raise
    return made


def inherited(environ: MutableMapping[str, str], pid: int, first: int = FIRST) -> socket.socket | None:
    """The socket that was handed to the process `pid`, None when none was. Raises Unfit when it is of no use.

    The variables are taken out of `environ`: children are not meant by them.
    """
    given = [environ.pop(name, "") for name in _VARIABLES]
    if given[0] != str(pid) or not given[1].isdecimal() or given[1] == "0":
        return None
    if given[1] != "1":
        raise Unfit(f"{given[1]} sockets were handed over (LISTEN_FDS), and only one can be listened on")
    try:
        os.set_inheritable(first, False)
        if not stat.S_ISSOCK(os.fstat(first).st_mode):
            raise Unfit("what was handed over (LISTEN_FDS) is no socket")
        made = socket.socket(fileno=first)
    except OSError as error:
        raise Unfit(f"the socket that was handed over (LISTEN_FDS) cannot be used: {error.strerror}") from None
    if made.family not in (socket.AF_INET, socket.AF_INET6) or not _is_listening(made):
        made.detach()  # it is not ours to close
        raise Unfit("the socket that was handed over (LISTEN_FDS) does not listen for TCP connections")
    return made


def _is_listening(made: socket.socket) -> bool:
    if made.type != socket.SOCK_STREAM:
        return False
    try:
        return bool(made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
