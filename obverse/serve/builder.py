"""The server's side of the pipe: one builder process, asked for one build at a time.

Requests that come during a build become one more build after it, so the last save is always built. A builder that ends
is a problem to show, and a new one is started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import IO, Any

from obverse.serve.wire import Order, Outcome, crash, order_line, read_outcome

Post = Callable[..., None]  # call a function with arguments on the server's own thread, soon

# The child sees the modules this process sees, and none of those that lie about in the folder it is started in.
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from obverse.serve.child import main; main()"
PATIENCE = 2.0  # seconds a builder gets to end after its pipe was closed


class Builder:
    """The builder process and what was asked of it. All methods are called on one thread."""

    def __init__(self, order: Order, tell: Callable[[Outcome], None], post: Post) -> None:
        """`tell` is called with every outcome, through `post`. The process starts at once: before any thread."""
        self._what = order
        self._tell = tell
        self._post = post
        self._asked = self._busy = self._stale = self._closed = False
        self._crashes = 0
        self._process: subprocess.Popen[bytes] | None = _started()
        self._heard_of: subprocess.Popen[bytes] | None = None

    def ask(self, *, afresh: bool = False, first: tuple[str, ...] = ()) -> None:
        """Ask for a build of what is on disk from now on; `afresh` in a new process (code it has imported changed).

        `first` are the files that somebody looks at.
        """
        self._what = replace(self._what, first=first)
        self._stale = self._stale or afresh
        self._asked = True
        if not self._busy:
            self._order()

    def close(self) -> None:
        """End the process, and wait until it has."""
        self._closed = True
        process, self._process = self._process, None
        if process is not None:
            _ended(process)
            if self._heard_of is not process:
                _pipe(process.stdout).close()

    @property
    def pid(self) -> int | None:
        """The builder's process id, None while there is none."""
        return None if self._process is None else self._process.pid

    def _order(self) -> None:
        if self._stale and self._process is not None:
            self._let_go(self._process)
        self._asked = self._stale = False
        self._busy = True
        process = self._process = self._process or _started()
        if self._heard_of is not process:
            self._heard_of = process
            threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        try:
            _pipe(process.stdin).write(order_line(self._what))
            _pipe(process.stdin).flush()
        except OSError:
            return  # it has ended; its listener tells

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        _hang_up(process)
        self._process = None

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        for line in _pipe(process.stdout):
            if line.endswith(b"\n"):  # a builder killed while it spoke leaves half a line
                self._post(self._answered, process, read_outcome(line))
        _pipe(process.stdout).close()
        self._post(self._gone, process, process.wait())

    def _answered(self, process: subprocess.Popen[bytes], outcome: Outcome) -> None:
        if process is not self._process or self._closed:
            return
        if outcome.partial:  # and it is at the rest already
            self._tell(outcome)
            return
        if outcome.crashed:
            self._let_go(process)
        self._settle(outcome)

    def _gone(self, process: subprocess.Popen[bytes], code: int) -> None:
        if process is not self._process or self._closed:
            return
        self._let_go(process)
        if self._busy:
            how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            self._settle(crash(f"the builder ended without a report ({how})", hint="the next save tries again"))

    def _settle(self, outcome: Outcome) -> None:
        self._busy = False
        self._crashes = self._crashes + 1 if outcome.crashed else 0
        self._tell(outcome)
        # One crash may be chance (memory, an impatient user); two in a row wait for something to change.
        if self._asked or self._crashes == 1:
            self._order()


def _started() -> subprocess.Popen[bytes]:
    # Python names the working folder "" in sys.path; the child must not understand that as a folder of its own.
    places = json.dumps([os.path.abspath(place) for place in sys.path])
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, places],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # so that Ctrl-C reaches the server alone
    )


def _pipe(end: IO[bytes] | None) -> IO[Any]:
    assert end is not None  # noqa: S101 both were asked for
    return end


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    try:
        _pipe(process.stdin).close()
    except OSError:  # what was still to be flushed has nobody to read it
        return


def _ended(process: subprocess.Popen[bytes]) -> None:
    _hang_up(process)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
