"""Limits: how many come in ten minutes -> whether one more may: at once, with a proof of work, or not now.

What is counted (a network at a form, a form, an address that is told) has a bucket that leaks. A bucket within its rate
lets in; past it a proof is asked for; at so many times its rate nothing more is taken. The buckets are in memory, and
bounded: when more come than there is room for, the ones that have been silent longest are forgotten.

What this process counted is lost with it, and other processes count apart. So each bucket is also filled with what the
database has stored, by whichever process, and is as full as the fuller of both: nothing is counted twice by that.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WINDOW = 600.0

# How many buckets are remembered. Those of forms and of who is told are used by each post, so networks go first.
ROOM = 10_000

# How many seconds pass until the database is asked again what was stored; and when it did not answer.
LOOK, LOOK_LATER = 1.0, 30.0

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


@dataclass(frozen=True, slots=True)
class Came:
    """One that was stored at `at` (seconds), and what it counts against."""

    limits: Sequence[Limit]
    at: float


@dataclass(slots=True)
class _Bucket:
    """When a bucket is empty (seconds): by what this process counted, and by what is stored."""

    counted: float = 0.0
    stored: float = 0.0

    def mend(self, most: float, to: float) -> None:
        """What is more than could be counted was left behind by a clock set back: it is cut, and stays cut."""
        if self.counted > most + 1:
            self.counted = to
        if self.stored > most + 1:
            self.stored = to


@dataclass(slots=True)
class Limits:
    """The buckets of one process. Safe to use from several threads.

    `seen` is the number of the last event in the database that is counted, 0 when none is.
    """

    room: int = ROOM
    seen: int = 0
    _buckets: OrderedDict[Key, _Bucket] = field(default_factory=OrderedDict)
    _look_at: float | None = None
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
                for key, level in after.items():
                    self._bucket(key).counted = level
            return room

    def is_due(self, now: float) -> bool:
        """Whether it is time to look what is stored. Says so to one thread, and then not for a while."""
        with self._lock:
            # A clock that was set back must not put it off.
            if self._look_at is not None and now < self._look_at <= now + LOOK_LATER:
                return False
            self._look_at = now + LOOK
            return True

    def put_off(self, now: float) -> None:
        """The database did not answer: look later."""
        with self._lock:
            self._look_at = now + LOOK_LATER

    def remember(self, seen: int, came: Iterable[Came]) -> None:
        """Count what is stored, up to the event of that number, in the order it came."""
        with self._lock:
            self.seen = seen
            for one in came:
                for limit in one.limits:
                    bucket = self._bucket(limit.key)
                    bucket.stored = max(bucket.stored, one.at) + WINDOW / limit.rate

    def _level(self, key: Key, times: int, now: float) -> float:
        """When a bucket is empty."""
        bucket = self._buckets.get(key)
        if bucket is None:
            return now
        # Fuller than full: a clock that has been put back since has filled it, which says nothing.
        bucket.mend(now + times * WINDOW, now)
        return max(bucket.counted, bucket.stored, now)

    def _bucket(self, key: Key) -> _Bucket:
        """The bucket of a key, as the one that was used last."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket()
        self._buckets.move_to_end(key)
        while len(self._buckets) > self.room:
            self._buckets.popitem(last=False)
        return bucket

    def __len__(self) -> int:
        """How many buckets are remembered."""
        return len(self._buckets)


def _over(fullest: float, times: int) -> int:
    """For how many whole seconds a bucket holds more than so many times its rate."""
    # Seconds since 1970 are exact to about a millionth.
    return math.ceil(max(0.0, fullest - times * WINDOW - 1e-6))
