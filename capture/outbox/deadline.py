"""A limit to how long a talk over a socket may take in all, however slowly the other side trickles."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from threading import Timer
from types import TracebackType
from typing import Self


class Deadline:
    """Shuts a socket down when its time is over; whoever reads from it or writes to it is thrown out.

    A time-out of the socket itself limits only each single wait, so one byte every few seconds would hold it for ever.
    `find` gives the socket of the moment, since TLS puts another one in its place.
    """

    def __init__(self, seconds: float, find: Callable[[], socket.socket | None]) -> None:
        self._find = find
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self.over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()

    def _end(self) -> None:
        self.over = True
        if found := self._find():
            # Of the plain class: a TLS socket's own would also take the encryption from under the thread that reads.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)
