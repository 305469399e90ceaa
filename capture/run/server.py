"""A WSGI application and a socket -> a server that keeps slow senders from its threads and leaves nobody half served.

waitress, with two things of our own: a request that takes too long to arrive is given up, however steadily it trickles;
and draining finishes what has begun, tells keep-alive clients to go, and ends.
"""

from __future__ import annotations

import contextlib
import copy
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from capture.run.loop import Loop
from obverse.forms.kinds import MOST_BYTES

THREADS = 16
CONNECTIONS = 1000
LARGEST = 2 << 20  # bytes of a body that reach the application, which refuses above its own cap, in the theme
WITH_FILES = MOST_BYTES + LARGEST  # the same of a post to a form, which may bring files
IDLE = 30  # seconds without a byte after which a connection is closed
ARRIVAL = 60.0  # seconds within which a whole request must have come
SLOWEST = 16_000  # bytes a second: for each that came, a request has so much more time
_SETTLED = 0.25  # seconds of silence after which a connection is taken for idle while draining


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for bytes on a connection, and for a whole request that brings no files."""

    idle: int = IDLE
    arrival: float = ARRIVAL


class _Task(WSGITask):
    def build_response_header(self) -> bytes:
        if self.channel.server.draining:  # type: ignore[attr-defined]  # ours, below
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class _Parser(HTTPRequestParser):
    """A request on its way. What may bring files may be longer than others: which is known once its head is there."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        kind = self.headers.get("CONTENT_TYPE", "").lower()
        asked: Any = self  # the stubs do not know what a head brings
        if asked.command == "POST" and "/_ob/f/" in asked.path and kind.startswith("multipart/form-data"):
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = WITH_FILES


class _Seen:
    """The server as one of its channels sees it: it is told of each answer, and wakes its loop only where it must."""

    def __init__(self, server: Server, channel: _Channel) -> None:
        self._server = server
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def pull_trigger(self) -> None:
        if not self._server.loop.is_seen(self._channel):
            self._server.loop.look_at(self._channel)


class _Channel(HTTPChannel):
    task_class = _Task
    parser_class = _Parser
    arriving: object = None  # the request that is being received, as last seen
    since = 0.0
    sending = False  # whether a thread is at it
    server: Any  # as it is seen from here
    _fileno: int

    def __init__(self, server: Server, *rest: Any, **more: Any) -> None:
        seen: Any = _Seen(server, self)
        super().__init__(seen, *rest, **more)

    def add_channel(self, map: Any = None) -> None:
        """The loop is to look at it."""
        super().add_channel(map)
        self.server.loop.look_at(self)

    def del_channel(self, map: Any = None) -> None:
        """The loop is to forget it."""
        self.server.loop.forget(self._fileno)
        super().del_channel(map)

    def writable(self) -> bool:
        """Whether the loop is to send. Where a thread is at it, it would only turn until that one is done."""
        return bool(super().writable() and not (self.sending and not self.will_close))

    def _flush_some(self, do_close: bool = True) -> bool:
        self.sending = True
        try:
            return bool(super()._flush_some(do_close=do_close))  # type: ignore[misc]  # the stubs leave it out
        finally:
            self.sending = False

    def is_late(self, now: float, patience: float) -> bool:
        """Whether one and the same request has been arriving for too long, by what has come of it."""
        if self.request is None or self.request is not self.arriving:
            self.arriving, self.since = self.request, now
            return False
        return now - self.since > patience + self.request.body_bytes_received / SLOWEST

    def is_settled(self, now: float) -> bool:
        """Whether nothing is being received, worked on or sent."""
        busy = bool(self.requests or self.request is not None or self.total_outbufs_len)
        return not busy and now - self.last_activity > _SETTLED


class Server(TcpWSGIServer):
    """One listening socket, its connections, and the threads that answer."""

    channel_class = _Channel
    draining = False
    patience = Patience()
    _map: dict[int, Any]  # all that the loop looks at, by file descriptor
    _fileno: int

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.loop = Loop(self._map, self.pull_trigger)
        for one in self._map.values():
            self.loop.look_at(one)

    def maintenance(self, now: float) -> None:
        """Close connections that are silent, or that send a request for ever."""
        super().maintenance(now)  # type: ignore[arg-type]  # seconds with a fraction are what it is called with
        for channel in self._channels():
            if not channel.requests and channel.is_late(now, self.patience.arrival):
                channel.will_close = True
            self.loop.look_at(channel)

    def serve(self, stopped: Callable[[], bool]) -> None:
        """Answer requests until `stopped()`; `wake()` makes it look."""
        while not stopped():
            self._turn(1.0)

    def wake(self) -> None:
        """Make the loop look up. May be called by a signal's handler."""
        self.pull_trigger()

    def drain(self, seconds: float, hurried: Callable[[], bool]) -> bool:
        """Accept nobody new, finish what has begun for at most `seconds` or until `hurried()`, and close.

        Returns whether everything was finished.
        """
        self.draining = True
        self._accept_waiting()
        self.loop.forget(self._fileno)
        wasyncore.dispatcher.close(self)  # the listening socket alone: the trigger still wakes the loop
        end = time.time() + seconds
        while (channels := self._channels()) and time.time() < end and not hurried():
            now = time.time()
            for channel in channels:
                if channel.is_settled(now):
                    channel.will_close = True
                    self.loop.look_at(channel)
            self._turn(0.1)
        finished = not self._channels()
        self.task_dispatcher.shutdown(timeout=1)
        with contextlib.suppress(OSError):
            self.trigger.close()  # type: ignore[attr-defined]  # the stubs call it an int
        wasyncore.close_all(self._map, ignore_all=True)
        self.loop.close()
        return finished

    def _turn(self, seconds: float) -> None:
        self.loop.look_at(self)  # who asks it keeps its connections in order
        self.loop.turn(seconds)

    def _channels(self) -> list[Any]:
        # A copy: threads of answers never change it, but closing does.
        return list(self.active_channels.values())  # type: ignore[attr-defined]  # a dict

    def _accept_waiting(self) -> None:
        """Take who has connected already: closing the socket would turn them away."""
        before = -1
        while before != len(self._map) < CONNECTIONS:
            before = len(self._map)
            self.handle_accept()


def make_server(application: Any, made: socket.socket, *, proxies: int, patience: Patience = Patience()) -> Server:
    """A server for that socket. With no proxy in front, nobody may say for whom they ask."""
    given = Adjustments(
        sockets=[made],
        threads=THREADS,
        connection_limit=CONNECTIONS,
        channel_timeout=patience.idle,
        cleanup_interval=max(1, patience.idle // 6),
        max_request_header_size=64 << 10,
        max_request_body_size=LARGEST,
        clear_untrusted_proxy_headers=not proxies,
        log_socket_errors=False,
        ident="",
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(given.threads)
    info = (made.family, made.type, made.proto, made.getsockname())
    server = Server(application, {}, True, made, dispatcher, given, info, False)
    server.patience = patience
    return server
