"""Load: a server on loopback and what to send it -> how long each answer took, and what was answered."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TIMEOUT = 30.0  # seconds for one answer


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

    def at(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def load(
    port: int, make: Callable[[int], Request], *, connections: int, seconds: float, rate: float | None = None
) -> Load:
    """Send for so long over so many connections: each as fast as it is answered, or all together `rate` a second.

    With a rate a request's time counts from the moment when it was due, so that a stall is seen by all it held up.
    """
    result, lock, number = Load(), threading.Lock(), 0
    began = time.perf_counter()

    def turn() -> tuple[int, float]:
        nonlocal number
        with lock:
            number += 1
            return number, began + number / rate if rate else time.perf_counter()

    def visitor() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        with contextlib.closing(connection):
            while True:
                mine, due = turn()
                if due - began > seconds:
                    return
                time.sleep(max(0.0, due - time.perf_counter()))
                status, place = _sent(connection, make(mine))
                took = time.perf_counter() - (due if rate else max(due, began))
                with lock:
                    result.statuses[status] += 1
                    result.took.append(took)
                    result.places.append(place)

    threads = [threading.Thread(target=visitor) for _ in range(connections)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    result.seconds = time.perf_counter() - began
    return result


def _sent(connection: http.client.HTTPConnection, request: Request) -> tuple[int, str]:
    try:
        connection.request("POST", request.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0, ""
    return answer.status, answer.headers.get("Location", "")
