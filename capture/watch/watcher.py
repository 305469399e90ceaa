"""Rounds -> one thread that makes each of them when its time has come, whatever becomes of the others."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capture.store.database import Unavailable

_log = logging.getLogger("obverse.capture")

# Seconds between two looks at the clock.
LOOK = 20.0


@dataclass(frozen=True, slots=True)
class Round:
    """Something to look at, and how much time lies between two looks."""

    name: str
    every: timedelta
    go: Callable[[datetime], None]


class Watcher:
    """The thread. `now` is aware UTC. A clock that is set back or forward makes a round come once, not many times."""

    def __init__(self, rounds: Sequence[Round], now: Callable[[], datetime]) -> None:
        self._rounds, self._now = rounds, now
        self._last: dict[str, datetime] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin. It can be started once."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End; whether the round under way was finished within `timeout` seconds."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def step(self, now: datetime) -> None:
        """Make the rounds whose time has come."""
        for one in self._rounds:
            last = self._last.get(one.name)
            if last is None or abs(now - last) >= one.every:
                self._last[one.name] = now
                self._make(one, now)

    def _make(self, one: Round, now: datetime) -> None:
        try:
            one.go(now)
        except Exception as error:  # noqa: BLE001 -- a thread that ends would be a silence nobody notices
            state = "away" if isinstance(error, Unavailable) else "failed"
            told = {"kind": "watch", "round": one.name, "state": state, "cause": type(error).__name__}
            _log.warning("%s", json.dumps(told))

    def _run(self) -> None:
        while not self._ending.wait(LOOK):
            self.step(self._now())
