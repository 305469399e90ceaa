"""What has to be done once a night -> done, each by a command in a process of its own that gives way to visitors."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from capture.audit.kinds import BY, HOUSE
from capture.run.child import KILL, begin, end
from capture.run.log import Log

# The hour at which it is done, in UTC, and seconds between two looks at the clock.
HOUR = 3
LOOK = 60.0
_PATIENCE = 6 * 3600

Command = tuple[str, ...]


class Nightly:
    """A thread that runs some commands once a night, one after the other. `now` is aware UTC.

    What a machine that was off has missed is done soon after the start. Nothing is done twice in a night, unless the
    process is started anew.
    """

    def __init__(self, commands: Mapping[str, Command], log: Log, now: Callable[[], datetime]) -> None:
        self._commands, self._log, self._now = commands, log, now
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nightly", daemon=True)
        self._child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin. It can be started once."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End, and what is under way with it; whether that was done within `timeout` seconds."""
        self._ending.set()
        if child := self._child:
            end(child, signal.SIGTERM)
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        done = last_night(self._now() - timedelta(days=1))
        while not self._ending.wait(LOOK):
            night = last_night(self._now())
            if night != done:
                done = night
                for name, command in self._commands.items():
                    self._do(name, command)

    def _do(self, name: str, command: Command) -> None:
        if self._ending.is_set():
            return
        try:
            said, code = self._ran(command)
        except (OSError, subprocess.TimeoutExpired) as error:
            said, code = type(error).__name__, 1
        last = said.strip().splitlines()[-1:] or [""]
        kind = "fault" if code else "note"
        self._log.tell(kind, message=f"{name} every night: {'failed' if code else 'done'}", said=last[0][:300])

    def _ran(self, command: Command) -> tuple[str, int]:
        """What a command said, and its exit code. Raises OSError and TimeoutExpired."""
        self._child = child = begin(command, {**os.environ, BY: HOUSE}, stderr=subprocess.STDOUT)
        try:
            said, _ = child.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            end(child, KILL)
            raise
        finally:
            self._child = None
        return said, child.returncode


def last_night(now: datetime) -> datetime:
    """When what is done at night should have begun last."""
    tonight = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return tonight if tonight <= now else tonight - timedelta(days=1)
