"""Load: a server on loopback and what to send it -> how long each answer took, and what was answered.

One thread sends for all visitors, and each request in one piece, as a proxy hands it on: of the processors, which the
server runs on as well, it takes as little as it can, and as much for one server as for another.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

TIMEOUT = 30.0  # seconds for one answer
_HEAD_END, _LAST_CHUNK = b"\r\n\r\n", b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What one visitor sends."""

    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(slots=True)
class Load:
    """What came of it: seconds for each answer, statuses (0: none came), and the `Location` of each answer."""

    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    places: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.took) / self.seconds if self.seconds else 0.0

    def add(self, seconds: float, status: int, place: str) -> None:
        """One more answer."""
        self.took.append(seconds)
        self.statuses[status] += 1
        self.places.append(place)

    def at(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Visitor:
    """One of those who send, over a connection that is kept as long as the server keeps it."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self.due = 0.0
        self._port = port
        self._selector = selector
        self._socket: socket.socket | None = None
        self._came = b""

    def send(self, request: Request, due: float) -> None:
        """Send what was `due` then. That it could not be sent is heard as that nobody answers."""
        self.due = due
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        with contextlib.suppress(OSError):
            self._socket.sendall(_sent(request, self._port))

    def hear(self) -> tuple[int, str] | None:
        """Status and `Location` of the answer, None while it is on its way; status 0 when none came."""
        assert self._socket
        try:
            piece = self._socket.recv(1 << 16)
        except OSError:
            piece = b""
        self._came += piece
        status, headers = _answer(self._came, is_all=not piece)
        if status is None:
            return None
        if not piece or headers.get("connection", "").lower() == "close":
            self.leave()
        self._came = b""
        return status, headers.get("location", "") if status else ""

    def leave(self) -> None:
        """Close the connection; another request would have a new one."""
        if self._socket:
            self._selector.unregister(self._socket)
            self._socket.close()
        self._socket, self._came = None, b""


def load(
    port: int, make: Callable[[int], Request], *, connections: int, seconds: float, rate: float | None = None
) -> Load:
    """Send for so long over so many connections: each as fast as it is answered, or all together `rate` a second.

    With a rate a request's time counts from the moment when it was due, so that a stall is seen by all it held up.
    """
    result, began = Load(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        idle, busy = deque(_Visitor(port, selector) for _ in range(connections)), set[_Visitor]()
        dues = enumerate(_dues(began, seconds, rate), 1)
        number, due = next(dues, (0, None))
        while busy or due is not None:
            while idle and due is not None and due <= time.perf_counter():
                visitor = idle.popleft()
                request = make(number)
                visitor.send(request, due if rate else time.perf_counter())
                busy.add(visitor)
                number, due = next(dues, (0, None))
            for visitor, status, place in list(_heard(selector, busy, due if idle else None)):
                result.add(time.perf_counter() - visitor.due, status, place)
                busy.remove(visitor)
                idle.append(visitor)
        for visitor in idle:
            visitor.leave()
    result.seconds = time.perf_counter() - began
    return result


def _dues(began: float, seconds: float, rate: float | None) -> Iterator[float]:
    """When the requests are due: at once, or so many a second."""
    due, number = began, 0
    while due - began <= seconds:
        yield due
        number += 1
        due = began + number / rate if rate else time.perf_counter()


def _heard(
    selector: selectors.BaseSelector, busy: set[_Visitor], until: float | None
) -> Iterator[tuple[_Visitor, int, str]]:
    """Who is answered next, at the latest by `until`; who waits for too long is answered by nobody."""
    now = time.perf_counter()
    for key, _ in selector.select(TIMEOUT if until is None else max(0.0, until - now)):
        visitor: _Visitor = key.data
        if visitor not in busy:
            visitor.leave()  # the server ends a connection that nobody uses
        elif answer := visitor.hear():
            yield visitor, *answer
    for visitor in busy:
        if now - visitor.due > TIMEOUT:
            visitor.leave()
            yield visitor, 0, ""


def _sent(request: Request, port: int) -> bytes:
    lines = [f"POST {request.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(request.body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode("latin-1") + _HEAD_END + request.body


def _answer(came: bytes, *, is_all: bool) -> tuple[int | None, Mapping[str, str]]:
    """The status of what came, and its headers; None while more is to come, 0 when it broke off."""
    head, end, body = came.partition(_HEAD_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if end and _is_whole(headers, body, is_all=is_all):
        return int(first.split()[1]), headers
    return (0 if is_all else None), headers


def _is_whole(headers: Mapping[str, str], body: bytes, *, is_all: bool) -> bool:
    if "content-length" in headers:
        return len(body) >= int(headers["content-length"])
    return body.endswith(_LAST_CHUNK) if "transfer-encoding" in headers else is_all
