"""Publishing: a build in a process of its own at the start, when a page falls due, when asked, and once an hour.

The build is a niced child, so that a thousand articles never slow an answer down; its report is a few lines of JSON. A
blocked one leaves the site as it was. Another build of the same site (somebody at a terminal, a deployment) is noticed
by the ledger it wrote, and asked for what it made due.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from capture.run.child import KILL, begin, end
from capture.run.log import Log, without_persons

HOUR = 3600.0
GAP = 5.0  # seconds between two builds that nobody asked for
_LOOK = 1.0  # seconds between two looks at the clock and the ledger
_TOLD = 5  # problems of a blocked build that the log shows

# What only the server needs is not for the hooks of a site.
_SECRETS = ("OBVERSE_CHAT", "OBVERSE_DATABASE", "OBVERSE_KEY", "OBVERSE_REPORT", "OBVERSE_SMTP", "OBVERSE_WEBHOOK")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one build. `problems` are "path:line message", of a blocked one those that block it.

    `fault` says why there is no report at all.
    """

    written: int = 0
    removed: int = 0
    total: int = 0
    blocked: bool = False
    problems: tuple[str, ...] = ()
    next_due: datetime | None = None
    fault: str = ""

    def facts(self) -> dict[str, object]:
        """What the log says of it."""
        due = self.next_due.isoformat() if self.next_due else None
        facts: dict[str, object] = {"written": self.written, "removed": self.removed, "total": self.total}
        facts |= {"next_due": due, "blocked": self.blocked}
        if self.problems and self.blocked:
            facts["problems"] = self.problems[:_TOLD]
        if self.fault:
            facts["fault"] = self.fault
        return facts


def outcome_of(code: int, output: str, complaint: str = "") -> Outcome:
    """The outcome of a build that ended with `code`, printed `output`, and complained of `complaint`."""
    try:
        plain: dict[str, Any] = json.loads(output)
        due = plain["next_due"]
        return Outcome(
            written=len(plain["written"]),
            removed=len(plain["removed"]),
            total=int(plain["total"]),
            blocked=bool(plain["blocked"]),
            problems=tuple(_line(one) for one in plain["problems"] if not plain["blocked"] or _is_error(one)),
            next_due=datetime.fromisoformat(due) if due else None,
        )
    except (ValueError, KeyError, TypeError):
        words = without_persons((complaint.strip().splitlines() or ["nothing was said"])[-1])
        return Outcome(blocked=True, fault=f"the build ended with {code} and no report: {words}")


@dataclass(frozen=True, slots=True)
class Job:
    """What to run and what to watch: the build's arguments, and the ledger that any build of this site writes."""

    argv: Sequence[str]
    ledger: Path | None = None


class Publisher:
    """The thread that builds. `now` is the wall clock, by which pages fall due; `built` is told every outcome."""

    def __init__(
        self,
        job: Job,
        log: Log,
        now: Callable[[], datetime],
        built: Callable[[Outcome], None] = lambda _outcome: None,
        gap: float = GAP,
    ) -> None:
        self._job = job
        self._log = log
        self._now = now
        self._built = built
        self._gap = gap
        self._child: subprocess.Popen[str] | None = None
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin with a build."""
        self._thread.start()

    def ask(self) -> None:
        """Build soon, whatever is due. May be called by a signal's handler."""
        self._asked.set()

    def wait_for_first(self, seconds: float) -> bool:
        """Wait for the first build to end. Returns whether it has."""
        return self._first.wait(seconds)

    def stop(self, seconds: float) -> None:
        """End the thread and the build it may be running; the next build rolls a commit under way forward."""
        self._stopping.set()
        self._asked.set()
        if (child := self._child) is not None:
            end(child, signal.SIGTERM)
        self._thread.join(seconds)
        if (child := self._child) is not None:
            end(child, KILL)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._asked.clear()
            outcome = self._build()
            self._first.set()
            if not self._stopping.is_set():
                self._wait(outcome, _stamp(self._job.ledger))

    def _build(self) -> Outcome:
        began = time.monotonic()
        outcome = self._outcome()
        if self._stopping.is_set():
            return outcome
        self._log.tell("build", ms=round((time.monotonic() - began) * 1000), **outcome.facts())
        try:
            self._built(outcome)
        except Exception as error:  # noqa: BLE001 -- whatever a listener does, publishing goes on
            self._log.tell("fault", message="after a build", error=type(error).__name__)
        return outcome

    def _outcome(self) -> Outcome:
        try:
            child = begin(self._job.argv, without_secrets(os.environ))
        except OSError as error:
            return Outcome(blocked=True, fault=f"the build cannot be started: {error.strerror}")
        self._child = child
        try:
            if self._stopping.is_set():  # asked to stop just before there was a child to end
                end(child, signal.SIGTERM)
            output, complaint = child.communicate()
        finally:
            self._child = None
        return outcome_of(child.returncode, output, complaint)

    def _wait(self, outcome: Outcome, stamp: object) -> None:
        """Wait until there is a reason to build again."""
        began = time.monotonic()
        while not self._asked.wait(min(_LOOK, self._gap)):
            waited = time.monotonic() - began
            if waited >= HOUR or (waited >= self._gap and self._is_reason(outcome, stamp)):
                return

    def _is_reason(self, outcome: Outcome, stamp: object) -> bool:
        is_due = outcome.next_due is not None and self._now() >= outcome.next_due
        return is_due or _stamp(self._job.ledger) != stamp


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a build."""
    return {name: value for name, value in environ.items() if name not in _SECRETS}


def _is_error(problem: Mapping[str, Any]) -> bool:
    return problem.get("level") != "warning"


def _line(problem: Mapping[str, Any]) -> str:
    place = f"{problem.get('path') or 'obverse'}:{problem['line']}" if problem.get("line") else problem.get("path")
    return f"{place or 'obverse'} {problem['message']}"


def _stamp(ledger: Path | None) -> object:
    try:
        one = os.stat(ledger) if ledger else None
    except OSError:
        return None
    return one and (one.st_mtime_ns, one.st_size, one.st_ino)
