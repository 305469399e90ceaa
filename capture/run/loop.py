"""Connections, and what each of them waits for -> what happens is told to them: the loop of a waitress server.

waitress's own asks every connection at every turn what it waits for, which costs more than all else it does, and the
more the more of them are open. This one asks who may have changed: who was told something, and who says so.
"""

from __future__ import annotations

import contextlib
import selectors
from collections import deque
from collections.abc import Callable
from typing import Any

from waitress import wasyncore


class Loop:
    """The loop over `map`, in which everything that may be waited for stands by its file descriptor.

    `wake` ends its sleep from another thread. `look_at`, `is_seen` and `forget` may be called by any, all else by the
    one that turns it: what is waited for is changed by that one alone.
    """

    def __init__(self, map: dict[int, Any], wake: Callable[[], None]) -> None:
        self._map = map
        self._wake = wake
        self._selector = selectors.DefaultSelector()
        self._changed: deque[Any] = deque()  # who is to be looked at, and numbers to be forgotten, in their order
        self._waited: dict[int, int] = {}
        self._is_asleep = False

    def look_at(self, one: Any) -> None:
        """What it waits for has changed, or it is new."""
        self._changed.append(one)
        if self._is_asleep:
            self._is_asleep = False
            self._wake()

    def is_seen(self, one: Any) -> bool:
        """Whether all that it waits for is waited for, so that nobody has to look."""
        return not _wanted(one) & ~self._waited.get(one._fileno, 0)  # noqa: SLF001 -- as all that waitress has for it

    def forget(self, descriptor: int) -> None:
        """It is going to be closed; the next one with that number is another."""
        self._changed.append(descriptor)

    def turn(self, seconds: float) -> None:
        """Wait until something happens, at most so long, and tell whom it happens to."""
        # From here on who changes wakes us: what is looked at below may be out of date already.
        self._is_asleep = True
        while self._changed:
            one = self._changed.popleft()
            if isinstance(one, int):
                self._let_go(one)
            else:
                self._wait_for(one)
        happened = self._selector.select(seconds)
        self._is_asleep = False
        for key, events in happened:
            self._tell(key.fd, events)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._selector.close()

    def _tell(self, descriptor: int, events: int) -> None:
        if descriptor not in self._map:
            return  # closed by what happened before
        one = self._map[descriptor]
        wanted = events & _wanted(one)
        if wanted & selectors.EVENT_READ:
            wasyncore.read(one)
        if wanted & selectors.EVENT_WRITE and descriptor in self._map:
            wasyncore.write(one)
        self._wait_for(one, no_more=wanted != events)

    def _wait_for(self, one: Any, *, no_more: bool = False) -> None:
        """Wait for what it waits for, from now on.

        Who does not listen for a moment, as while they are answered, is waited for all the same unless `no_more`: most
        are silent meanwhile, and it need not be changed twice for each answer.
        """
        descriptor = one._fileno  # noqa: SLF001 -- as above
        if descriptor is None or self._map.get(descriptor) is not one:
            return  # closed
        before = self._waited.get(descriptor, 0)
        self._waited[descriptor] = 0  # who changes while it is asked is not seen
        wanted = _wanted(one) | (0 if no_more else before & selectors.EVENT_READ)
        with contextlib.suppress(OSError):  # closed by a thread just now, which has said so
            if wanted and not before:
                self._selector.register(descriptor, wanted)
            elif wanted and wanted != before:
                self._selector.modify(descriptor, wanted)
            elif before and not wanted:
                self._selector.unregister(descriptor)
        self._waited[descriptor] = wanted

    def _let_go(self, descriptor: int) -> None:
        self._waited.pop(descriptor, None)
        with contextlib.suppress(KeyError):  # it was not waited for
            self._selector.unregister(descriptor)


def _wanted(one: Any) -> int:
    """What it waits for, as events. Who accepts never writes."""
    reads = selectors.EVENT_READ if one.readable() else 0
    return reads | (selectors.EVENT_WRITE if one.writable() and not one.accepting else 0)
