"""Limits: how many come in ten minutes -> whether one more may: at once, with a proof of work, or not now.

What is counted (a network at a form, a form, an address that is told) has a bucket that leaks. A bucket within its rate
lets in; past it a proof is asked for; at so many times its rate nothing more is taken. The buckets are in memory, and
bounded: when more come than there is room for, the ones that have been silent longest are forgotten.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

WINDOW = 600.0

# How many buckets are remembered. Those of forms and of who is told are used by each post, so networks go first.
ROOM = 10_000

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """What is counted, and how many of it ten minutes take, at once or spread."""

    key: Key
    rate: int


@dataclass(frozen=True, slots=True)
class Room:
    """Whether one more may come: not before `wait` whole seconds, or only with a `proof`."""

    proof: bool = False
    wait: int = 0


@dataclass(slots=True)
class Limits:
    """The buckets of one process. Safe to use from several threads."""

    room: int = ROOM
    _empty_at: OrderedDict[Key, float] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, limits: Sequence[Limit], times: int, now: float, *, proved: bool = False) -> Room:
        """Count one post at `now` (seconds) against all of these limits, when it may come; else count nothing.

        Past a rate only what is `proved` may, up to `times` the rate.
        """
        with self._lock:
            after = {one.key: self._level(one.key, times, now) + WINDOW / one.rate for one in limits}
            fullest = max(after.values(), default=now) - now
            room = Room(proof=_over(fullest, 1) > 0, wait=_over(fullest, times))
            if not room.wait and (proved or not room.proof):
                self._keep(after)
            return room

    def _level(self, key: Key, times: int, now: float) -> float:
        """When a bucket is empty. What a clock set back left behind is cut to a full one from now, and stays cut."""
        if key not in self._empty_at:
            return now
        self._empty_at[key] = min(self._empty_at[key], now + times * WINDOW)
        return max(self._empty_at[key], now)

    def _keep(self, levels: dict[Key, float]) -> None:
        for key, level in levels.items():
            self._empty_at[key] = level
            self._empty_at.move_to_end(key)
        while len(self._empty_at) > self.room:
            self._empty_at.popitem(last=False)

    def __len__(self) -> int:
        """How many buckets are remembered."""
        return len(self._empty_at)


def _over(fullest: float, times: int) -> int:
    """For how many whole seconds a bucket holds more than so many times its rate."""
    # Seconds since 1970 are exact to about a millionth.
    return math.ceil(max(0.0, fullest - times * WINDOW - 1e-6))
