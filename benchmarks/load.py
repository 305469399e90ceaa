"""Load: requests on loopback -> how long each took. Bounded, and it ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_PATIENCE = 30.0

Request = Callable[[int], bytes]
"""The number of a request -> its bytes."""


@dataclass(slots=True)
class Served:
    """What came back: seconds of each answer that was meant to come, and what else there was."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    whole: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.seconds) / self.whole if self.whole else 0.0

    def quantile(self, part: float) -> float:
        """The time that this part of all answers took at the most, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0

    @property
    def median(self) -> float:
        """The median of all answers in milliseconds."""
        return 1000 * statistics.median(self.seconds) if self.seconds else 0.0


def load(port: int, request: Request, good: int, *, connections: int, seconds: float, rate: float = 0.0) -> Served:
    """Send requests for so many seconds over so many connections that stay open; `good` is the status to come.

    With a `rate`, requests begin at that many a second whatever the server does, and are timed from the moment they
    should have begun; else each connection sends its next one as soon as it has its answer.
    """
    return asyncio.run(_load(port, request, good, connections, seconds, rate))


async def _load(port: int, request: Request, good: int, connections: int, seconds: float, rate: float) -> Served:
    served, began = Served(), time.perf_counter()
    due = _moments(began, began + seconds, rate)
    numbers = itertools.count()
    await asyncio.gather(*(_visitor(port, request, good, due, numbers, served) for _ in range(connections)))
    served.whole = time.perf_counter() - began
    return served


def _moments(began: float, ends: float, rate: float) -> Iterator[float]:
    """When the next request should begin; one after the other for all visitors together."""
    for number in itertools.count():
        moment = began + number / rate if rate else time.perf_counter()
        if moment >= ends:
            return
        yield moment


async def _visitor(
    port: int, request: Request, good: int, due: Iterator[float], numbers: Iterator[int], served: Served
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        line: _Line | None = None
        for moment in due:
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            try:
                line = line or await _connected(port, stack)
                line[1].write(request(next(numbers)))
                status, stays = await asyncio.wait_for(_answer(line[0]), _PATIENCE)
            except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
                served.wrong.append(type(error).__name__)
                line = None
                continue
            line = line if stays else None
            if status == good:
                served.seconds.append(time.perf_counter() - moment)
            else:
                served.wrong.append(str(status))


_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connected(port: int, stack: contextlib.AsyncExitStack) -> _Line:
    await stack.aclose()  # a server that keeps no connection open closes each of them
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(writer.close)
    return reader, writer


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of an answer, which is read to its end, and whether the connection stays open."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    named = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    await reader.readexactly(int(named.get("content-length", "0")))
    return int(lines[0].split()[1]), named.get("connection", "") != "close"


def post(path: str, body: bytes, kind: str, **headers: str) -> bytes:
    """A POST as bytes."""
    given = {"Host": "127.0.0.1", "Content-Type": kind, "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in given.items())]
    return "\r\n".join((*lines, "", "")).encode() + body
