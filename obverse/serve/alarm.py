"""The alarm: the moment a site is next due -> a build at that moment, so a scheduled page appears by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from obverse.clock import NEVER

LONGEST = 60.0  # seconds: a clock that was set, or a machine that slept, is noticed this soon


class Timer(Protocol):
    """What `later` gives back."""

    def cancel(self) -> None:
        """Forget the call."""


class Alarm:
    """Rings once for each moment it is set to."""

    def __init__(
        self,
        ring: Callable[[], None],
        now: Callable[[], datetime],
        later: Callable[[float, Callable[[], None]], Timer],
    ) -> None:
        """`later(seconds, call)` calls once after so many seconds."""
        self._ring = ring
        self._now = now
        self._later = later
        self._due = self._rung = NEVER
        self._timer: Timer | None = None

    def set(self, due: datetime) -> None:
        """Ring at `due` in place of any moment before; at once when that is past.

        A moment rings once only: a blocked build leaves the site due, and would be asked for again without end.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due not in (NEVER, self._rung):
            self._look()

    def _look(self) -> None:
        seconds = (self._due - self._now()).total_seconds()
        if seconds > 0:
            self._timer = self._later(min(seconds, LONGEST), self._look)
            return
        self._timer = None
        self._rung = self._due
        self._ring()
