"""A WSGI application and a socket -> a server that keeps slow senders from its threads and leaves nobody half served.

waitress, with two things of our own: a request that takes too long to arrive is given up, however steadily it trickles;
and draining finishes what has begun, tells keep-alive clients to go, and ends.
"""

from __future__ import annotations

import contextlib
import copy
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from capture.posts import Later
from capture.run.loop import Loop
from obverse.forms.kinds import MOST_BYTES

THREADS = 16
CONNECTIONS = 1000
LARGEST = 2 << 20  # bytes of a body that reach the application, which refuses above its own cap, in the theme
WITH_FILES = MOST_BYTES + LARGEST  # the same of a post to a form, which may bring files
IDLE = 30  # seconds without a byte after which a connection is closed
ARRIVAL = 60.0  # seconds within which a whole request must have come
SLOWEST = 16_000  # bytes a second: for each that came, a request has so much more time
HELD_UP = 0.05  # seconds that a post may wait to be begun before another thread helps
TOGETHER, GATHER = 32, 0.02  # posts that are stored together, and seconds to begin them
_SETTLED = 0.25  # seconds of silence after which a connection is taken for idle while draining


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for bytes on a connection, and for a whole request that brings no files."""

    idle: int = IDLE
    arrival: float = ARRIVAL


class _Relay:
    """What an application calls to start its answer, before there is anybody to be told."""

    def __init__(self) -> None:
        self._started: tuple[Any, ...] | None = None
        self._start: Callable[..., Any] | None = None

    def __call__(self, *started: Any) -> Any:
        if self._start:
            return self._start(*started)
        self._started = started
        return None

    def hand_on(self, start: Callable[..., Any]) -> None:
        """Tell `start`, from now on and what was said before."""
        self._start = start
        if self._started:
            start(*self._started)

    def let_go(self) -> None:
        """Hold nobody any more: who was told holds this one, and both would have to be looked for to be freed."""
        self._start = None


class _Task(WSGITask):
    """A request that is answered. What is `begun` goes on with the answer that the application gave ahead."""

    begun: Iterable[bytes] | None = None
    relay: _Relay
    _error: Exception | None = None

    def begin(self) -> None:
        """Call the application."""
        self.relay = _Relay()
        try:
            self.begun = self.channel.server.application(self.get_environment(), self.relay)
        except Exception as error:  # noqa: BLE001 -- it is raised when the application is thought to be called
            self.begun, self._error = (), error

    def go_on(self, _environ: Any, start: Callable[..., Any]) -> Iterable[bytes]:
        """What the application answered, or raised, as if it were called now."""
        if self._error:
            raise self._error
        self.relay.hand_on(start)
        return self.begun or ()

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
        # What never changes, and is asked for by each request, is not handed on each time.
        self.adj, self.server_name = server.adj, server.server_name
        self.effective_port = server.effective_port  # type: ignore[attr-defined]  # the stubs leave it out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    @property
    def application(self) -> Callable[..., Iterable[bytes]]:
        """The server's application, or what it began to answer."""
        begun = self._channel.begun
        application: Callable[..., Iterable[bytes]] = (
            begun.go_on if begun and begun.begun is not None else self._server.application
        )
        return application

    def pull_trigger(self) -> None:
        if not self._server.loop.is_seen(self._channel):
            self._server.loop.look_at(self._channel)


class _Channel(HTTPChannel):
    parser_class = _Parser
    begun: _Task | None = None  # the first request, where its answer was begun ahead
    arriving: object = None  # the request that is being received, as last seen
    since = 0.0
    sending = False  # whether a thread is at it
    server: Any  # as it is seen from here
    _fileno: int

    def __init__(self, server: Server, *rest: Any, **more: Any) -> None:
        seen: Any = _Seen(server, self)
        super().__init__(seen, *rest, **more)

    def task_class(self, channel: Any, request: Any) -> _Task:  # type: ignore[override]  # a class, to waitress
        """What answers a request."""
        return self.begun or _Task(channel, request)

    @property
    def is_post(self) -> bool:
        """Whether its first request is a post to a form, without files: it is answered together with others."""
        first: Any = self.requests[0]
        kind = first.headers.get("CONTENT_TYPE", "").lower()
        return first.command == "POST" and not first.error and "/_ob/f/" in first.path and "multipart" not in kind

    def begin(self) -> Later | None:
        """Have the first request read and judged; what is to be stored, None where it can be answered at once."""
        if not self.connected:
            return None
        self.begun = self.task_class(self, self.requests[0])
        self.begun.begin()
        return self.begun.begun if isinstance(self.begun.begun, Later) else None

    def service(self) -> None:
        """Answer the first request."""
        try:
            super().service()
        finally:
            if self.begun:
                self.begun.relay.let_go()
            self.begun = None

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


class Dispatcher(ThreadedTaskDispatcher):
    """The threads that answer. Posts to forms are answered by one of them, several at a time.

    Python does one thing at a time: threads that read and judge side by side take it from each other, and from the one
    that stores, and each gets a smaller group. So one goes through all posts that are there: it begins each, has them
    stored by one commit, and answers them. Where it is held up, as by a database that does not answer, others help.
    """

    def __init__(self) -> None:
        super().__init__()
        self._posts: deque[Any] = deque()
        self._at_posts = 0  # threads
        self._helpers = 0  # that may come besides the first
        self._taken = 0.0  # when one was taken last

    def add_task(self, task: Any) -> None:
        """Somebody waits for an answer."""
        if not task.is_post:
            super().add_task(task)
            return
        with self.lock:
            if not self._posts:
                self._taken = time.monotonic()
            self._posts.append(task)
            if not self._at_posts:
                self.queue_cv.notify()

    def help(self) -> float:
        """Let one more thread answer posts where those at it have been held up; how long to look again, in seconds."""
        with self.lock:
            if not self._posts:
                return 1.0
            if time.monotonic() - self._taken > HELD_UP:
                self._helpers += 1
                self._taken = time.monotonic()
                self.queue_cv.notify()
            return HELD_UP

    def handler_thread(self, thread_no: int) -> None:
        """What each of the threads does."""
        while True:
            with self.lock:
                while not (self.queue or self._may_answer_posts() or self.stop_count):
                    self.active_count -= 1
                    self.queue_cv.wait()
                    self.active_count += 1
                if self.stop_count:
                    self.active_count -= 1
                    self.stop_count -= 1
                    self.threads.discard(thread_no)
                    self.thread_exit_cv.notify()
                    return
                task = self.queue.popleft() if self.queue else None
                if task is None:
                    self._helpers -= 1 if self._at_posts else 0
                    self._at_posts += 1
            if task is None:
                self._answer_posts()
            else:
                self._answer(task)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        """End the threads, and what waits for them."""
        with self.lock:
            self.queue.extend(self._posts)
            self._posts.clear()
        return bool(super().shutdown(cancel_pending, timeout))

    def _may_answer_posts(self) -> bool:
        return bool(self._posts) and (not self._at_posts or self._helpers > 0)

    def _answer_posts(self) -> None:
        """Answer posts as long as there are any."""
        while group := self._begun():
            try:
                Later.together([later for _, later in group])
            except BaseException:
                self.logger.exception("Exception when storing")
            for channel, _ in group:
                self._answer(channel)

    def _begun(self) -> list[tuple[Any, Later]]:
        """Posts that are read and judged, at most so many and for so long; none when all are answered."""
        group: list[tuple[Any, Later]] = []
        began = time.monotonic()
        while (len(group) < TOGETHER and not (group and time.monotonic() - began > GATHER)) and (
            channel := self._next(may_leave=not group)
        ):
            later = channel.begin()
            if later is None:
                self._answer(channel)
            else:
                group.append((channel, later))
        return group

    def _next(self, *, may_leave: bool) -> Any:
        """The next post; None where there is none, and then the thread that asks has left them if it may."""
        with self.lock:
            if self._posts:
                self._taken = time.monotonic()
                return self._posts.popleft()
            if may_leave:
                self._at_posts -= 1
                self._helpers = 0
            return None

    def _answer(self, task: Any) -> None:
        try:
            task.service()
        except BaseException:
            self.logger.exception("Exception when servicing %r", task)


class Server(TcpWSGIServer):
    """One listening socket, its connections, and the threads that answer."""

    channel_class = _Channel
    draining = False
    patience = Patience()
    _map: dict[int, Any]  # all that the loop looks at, by file descriptor
    _fileno: int
    task_dispatcher: Dispatcher

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
        self.loop.turn(min(seconds, self.task_dispatcher.help()))

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
    dispatcher = Dispatcher()
    dispatcher.set_thread_count(given.threads)
    info = (made.family, made.type, made.proto, made.getsockname())
    server = Server(application, {}, True, made, dispatcher, given, info, False)
    server.patience = patience
    return server
