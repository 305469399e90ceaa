"""Limits: a post's network and form -> whether it may come now, and else in how many seconds.

Counted in memory, per process, in windows of ten minutes. What is remembered is bounded: when more networks come than
there is room for, the ones that have been silent longest are forgotten; the cap on all of them together still holds.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

WINDOW = 600.0

# How many (network, form) pairs are remembered, and how many posts of all networks together one window takes.
ROOM = 10_000
TOTAL = 3_000


@dataclass(slots=True)
class Limits:
    """A leaky bucket for each network and form, and one for all together. Safe to use from several threads."""

    room: int = ROOM
    total: int = TOTAL
    _empty_at: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)
    _all: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, network: str, form: str, rate: int, now: float) -> int:
        """Count one post at `now` (seconds): 0 when it may come, else after how many whole seconds it may.

        `rate` is how many one network may send to one form in ten minutes, at once or spread; 0 sets no limit.
        """
        if rate <= 0:
            return 0
        key = (network, form)
        with self._lock:
            own, own_wait = _pour(self._empty_at.get(key, 0.0), rate, now)
            every, every_wait = _pour(self._all, max(self.total, rate), now)
            if own_wait or every_wait:
                return max(own_wait, every_wait)
            self._all = every
            self._empty_at[key] = own
            self._empty_at.move_to_end(key)
            while len(self._empty_at) > self.room:
                self._empty_at.popitem(last=False)
        return 0

    def __len__(self) -> int:
        """How many networks are remembered."""
        return len(self._empty_at)


def _pour(empty_at: float, rate: int, now: float) -> tuple[float, int]:
    """One more drop into a bucket that is empty at that time: when it is empty then, and how long to wait instead."""
    # One that is fuller than full was filled by a clock that has been put back since, and says nothing.
    after = max(empty_at if empty_at <= now + WINDOW + 1 else now, now) + WINDOW / rate
    # Seconds since 1970 are exact to about a millionth.
    return after, math.ceil(max(0.0, after - now - WINDOW - 1e-6))
