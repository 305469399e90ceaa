"""The times of the last inquiries and a clock -> whether none has come for longer than can be usual. Pure.

Every hour of the week counts for as much as inquiries usually come in it: by their share of the hours of the day and of
the days of the week. By that clock a night or a weekend is short where nobody writes then, and long where people do, so
no rule about office hours is needed. (It is the change of time by which a process of any rate becomes one of constant
rate: Brown et al., The time-rescaling theorem, Neural Computation 14, 2002.) One is added to every count, so that an
hour in which nobody has written yet still counts for something.

What comes within `OCCASION` is one occasion: twenty answers to one newsletter do not make a gap of seconds the usual
one. Between occasions, the usual gap is the one that 95 of 100 stay within. A mean or a maximum would be moved by one
outage or one jump of the clock, for months; of a process without memory, a gap three times as long as that quantile is
0.05 ** 3, one in 8,000. Below 20 inquiries or 14 days (two weekends) there is nothing usual to speak of.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

FACTOR = 3
QUANTILE = 0.95
OCCASION = timedelta(hours=3)
LEAST = 20  # inquiries
HISTORY = timedelta(days=14)

_HOUR = timedelta(hours=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Habit:
    """How much each hour of the week counts, by day (0 is Monday) and hour in `zone`."""

    weights: tuple[tuple[float, ...], ...]
    zone: tzinfo

    @classmethod
    def of(cls, times: Sequence[datetime], zone: tzinfo) -> Habit:
        """The habit of those who came at these times."""
        local = [one.astimezone(zone) for one in times]
        days, hours = Counter(one.weekday() for one in local), Counter(one.hour for one in local)
        return cls(tuple(tuple((days[d] + 1) * (hours[h] + 1.0) for h in range(24)) for d in range(7)), zone)

    def span(self, start: datetime, end: datetime) -> float:
        """How much time lies between, in units that mean something only beside another span of the same habit."""
        weeks, rest = divmod(end - start, _WEEK)
        return weeks * sum(map(sum, self.weights)) + self._short(end - rest, end)

    def _short(self, at: datetime, end: datetime) -> float:
        """The same for less than a week, an hour after the other."""
        total = 0.0
        while at < end:
            local = at.astimezone(self.zone)
            into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            step = min(_HOUR - into, end - at)
            total += self.weights[local.weekday()][local.hour] * (step / _HOUR)
            at += step
        return total


def silent_since(times: Sequence[datetime], begun: datetime, now: datetime, zone: tzinfo) -> datetime | None:
    """When the last inquiry came, if that is too long ago; None while the silence is a usual one.

    `times` are aware and in order, none of them after `now`; `begun` is when the first inquiry ever came. `zone` is the
    site's.
    """
    if len(times) < LEAST or times[-1] - begun < HISTORY:
        return None
    habit = Habit.of(times, zone)
    gaps = sorted(habit.span(one, after) for one, after in pairwise(_occasions(times)))
    if not gaps:
        return None
    usual = gaps[math.ceil(QUANTILE * len(gaps)) - 1]
    return times[-1] if habit.span(times[-1], now) > FACTOR * usual else None


def _occasions(times: Sequence[datetime]) -> list[datetime]:
    found: list[datetime] = []
    for one in times:
        if not found or one - found[-1] >= OCCASION:
            found.append(one)
    return found
