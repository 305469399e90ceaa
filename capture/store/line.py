"""The line: who comes while others write waits, and is then written together with all who came meanwhile.

A commit costs the same for one row and for fifty. One of those who wait leads: it writes for all of them, and hands the
lead to the first of those who have come since, so that nobody writes for others without end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from capture.store.database import Unavailable

T = TypeVar("T")
R = TypeVar("R")

Write = Callable[[Sequence[T]], "Sequence[R | Exception]"]
"""Items -> what became of each, in their order: a result, or the exception that its owner shall have."""

# As many as this are written together: what one commit then holds up is still soon over.
MOST = 64


@dataclass(slots=True, eq=False)
class _Place(Generic[T, R]):
    """Somebody's place in the line. `turn` is set when its item is written, or when it is its turn to lead."""

    item: T
    turn: threading.Event = field(default_factory=threading.Event)
    written: bool = False
    result: R | Exception | None = None


class Line(Generic[T, R]):
    """One line of writers. Safe to use from any number of threads."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lock = threading.Lock()
        self._waiting: list[_Place[T, R]] = []
        self._led = False

    def put(self, item: T, write: Write[T, R], patience: float) -> R:
        """Have an item written by `write`, alone or with others; its result, or its exception.

        Raises Unavailable, and the item is not written, when its turn has not come after `patience` seconds.
        """
        place: _Place[T, R] = _Place(item)
        if not self._join(place) and not place.turn.wait(patience):
            if self._leave(place):
                raise Unavailable("other writers of this process took too long")
            place.turn.wait()  # it is being written, which has an end of its own
        if not place.written:
            self._lead(write)
        if isinstance(place.result, Exception):
            raise place.result
        return place.result  # type: ignore[return-value]  # it was set when it was written

    def _join(self, place: _Place[T, R]) -> bool:
        """Stand in line; whether it is one's turn to lead at once."""
        with self._lock:
            self._waiting.append(place)
            leads, self._led = not self._led, True
            return leads

    def _leave(self, place: _Place[T, R]) -> bool:
        """Give up waiting; False when it is too late for that."""
        with self._lock:
            if place.turn.is_set() or place not in self._waiting:
                return False
            self._waiting.remove(place)
            return True

    def _lead(self, write: Write[T, R]) -> None:
        """Write for all who wait, tell them, and let the next one lead."""
        with self._lock:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        results: Sequence[R | Exception]
        try:
            results = write([one.item for one in group])
        except Exception as error:  # noqa: BLE001 -- whatever it was, nobody may wait for ever
            results = [error] * len(group)
        with self._lock:
            for one, result in zip(group, results, strict=True):
                one.result, one.written = result, True
            self._led = bool(self._waiting)
            for one in (*group, *self._waiting[:1]):
                one.turn.set()
