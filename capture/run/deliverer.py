"""The outbox in a process of its own -> visitors never wait while a mail is written: one interpreter does one thing.

It is forked before anything else is there (no thread, no database, no socket), waits for the word, and ends with what
it has at hand when the pipe to its parent closes, however its parent ended. Should it end by itself, its parent goes on
with a thread: delivery is slower then, never silent.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import signal
import threading
import time
from collections.abc import Callable

from capture.house import House
from capture.outbox.worker import Worker

_log = logging.getLogger("obverse.capture")

LAST_DELIVERY = 20.0  # seconds that a delivery under way may hold up the end
_NICE = 5
_LOOK = 0.02
_HEARING = 0.1  # seconds that it does not hear what it is told: it goes in rounds anyway
_MANY = 1 << 16  # descriptors: more than any start of this program inherits


class Deliverer:
    """The parent's hand on it: `start`, `wake` and `stop` as of the worker that it stands for."""

    def __init__(self, pid: int, pipe: int, told: mmap.mmap) -> None:
        self._pid = pid
        self._pipe = pipe
        self._told = told
        self._ending = False
        self._ended = threading.Event()
        self._instead: Worker | None = None

    def start(self, house: House) -> None:
        """Let it begin; `house` is for the thread that takes its place should it end."""
        self._write(b"g")
        threading.Thread(target=self._watch, args=(house,), name="deliverer", daemon=True).start()

    def wake(self) -> None:
        """There is something to do. Costs little and never waits: nothing, where it is told and has not heard yet."""
        if self._instead:
            self._instead.wake()
        elif not self._told[0]:
            self._told[0] = 1
            self._write(b"w")

    def stop(self, timeout: float) -> bool:
        """Have it finish the delivery at hand and end; whether that was done within `timeout` seconds."""
        self._ending = True
        pipe, self._pipe = self._pipe, -1  # first: the number may be somebody else's as soon as it is closed
        if pipe >= 0:
            os.close(pipe)
        if self._instead:
            return self._instead.stop(timeout)
        return self._has_ended(timeout)

    def _has_ended(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not (ended := self._ended.is_set() or _reaped(self._pid)) and time.monotonic() < end:
            time.sleep(_LOOK)
        return ended

    def _write(self, word: bytes) -> None:
        # A full pipe is word enough, and of a broken one the watch tells.
        with contextlib.suppress(OSError):
            os.write(self._pipe, word)

    def _watch(self, house: House) -> None:
        """Wait for its end; one that nobody asked for is told, and a thread goes on."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._ended.set()
        if not self._ending:
            _log.error("the process that delivers has ended; a thread goes on")
            self._instead = Worker(house)
            self._instead.start()


def forked(opened: Callable[[], House | None]) -> Deliverer | None:
    """Fork it; `opened` gives it its house once it may begin. None where a process cannot be forked."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return None
    reading, writing = os.pipe()
    told = mmap.mmap(-1, 1)  # both see it: whether there is a word in the pipe
    pid = os.fork()
    if pid:
        os.close(reading)
        os.set_blocking(writing, False)
        return Deliverer(pid, writing, told)
    code = 1
    try:
        _let_go(reading)
        code = _deliver(reading, told, opened)
    finally:
        os._exit(code)


def _let_go(pipe: int) -> None:
    """Keep nothing of the parent's but the standard streams and the pipe; signals are the parent's to hear."""
    os.closerange(3, pipe)
    # Some systems allow a thousand million, and may close them one by one.
    os.closerange(pipe + 1, min(os.sysconf("SC_OPEN_MAX"), _MANY))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)


def _deliver(pipe: int, told: mmap.mmap, opened: Callable[[], House | None]) -> int:
    if not os.read(pipe, 1):
        return 0  # nobody started
    house = opened()
    if house is None:
        return 1
    worker = Worker(house)
    worker.start()
    while os.read(pipe, 4096):
        told[0] = 0  # before it looks: what comes from now on may come too late for it
        worker.wake()
        time.sleep(_HEARING)
    worker.stop(LAST_DELIVERY)
    house.database.close()
    return 0


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
