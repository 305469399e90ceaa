"""What happened -> one line of JSON, without anything personal: no addresses, no bodies, no agents, no receipts.

Whatever else logs (the outbox, the release, waitress, Flask) comes out in the same form through `Lines`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

# A part of a path that may name or admit somebody: an address, or an id, receipt or secret.
_TELLING = re.compile(r"[^/]*@[^/]*|(?=[^/]*\d)[0-9A-Za-z_=-]{20,}|[0-9A-Fa-f]{16,}")
_IN_TEXT = re.compile(r"[\w.+-]+@[\w.-]+|\b(?=\w*\d)[0-9A-Za-z_=-]{20,}\b|\b[0-9A-Fa-f]{16,}\b")
_LONGEST = 300

_as_json = json.JSONEncoder(default=str).encode


class Log:
    """One stream of lines. `now` is aware UTC. Any thread may write."""

    def __init__(self, stream: TextIO, now: Callable[[], datetime], *, quiet: bool = False) -> None:
        self._stream = stream
        self._now = now
        self._quiet = quiet
        self._lock = threading.Lock()

    def tell(self, kind: str, **facts: object) -> None:
        """Write a line: the time, its kind, and these facts."""
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = _as_json({"time": time, "kind": kind, **facts})
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                return  # nobody reads the log any more; visitors are still served

    def request(self, method: str, route: str, status: int, milliseconds: float, length: int | None) -> None:
        """Write the line of a request that was answered."""
        if not self._quiet:
            self.tell("request", method=method, route=route, status=status, ms=round(milliseconds, 1), bytes=length)


class Lines(logging.Handler):
    """Records of the logging module -> the same lines."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. An exception is told by its class and place: its message may hold what somebody typed."""
        text = record.getMessage()
        facts = _own_facts(text) or {"logger": record.name, "message": without_persons(text)}
        if record.exc_info and record.exc_info[1] is not None:
            facts["error"] = fault(record.exc_info[1])
        kind = facts.pop("kind", "fault" if record.levelno >= logging.ERROR else "note")
        self._log.tell(str(kind), **{key: value for key, value in facts.items() if key != "time"})


def use(log: Log) -> None:
    """Let everything that logs in this process write through `log`."""
    root = logging.getLogger()
    root.handlers[:] = [Lines(log)]
    root.setLevel(logging.WARNING)
    logging.getLogger("obverse").setLevel(logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is normal under load
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _kind, error, _trace: log.tell("fault", error=fault(error))
    threading.excepthook = lambda args: log.tell("fault", error=fault(args.exc_value))


def path_told(path: str) -> str:
    """A path as a log may show it: without its query, what may name somebody as `:id`, and not without end."""
    bare = path.partition("?")[0]
    told = "/".join(":id" if _TELLING.fullmatch(part) else part for part in bare.split("/"))
    return told if len(told) <= _LONGEST else told[:_LONGEST] + "…"


def without_persons(text: str) -> str:
    """A message with addresses, ids and secrets taken out, on one line."""
    return " ".join(_IN_TEXT.sub(":id", text).split())[: 4 * _LONGEST]


def fault(error: BaseException | None) -> str:
    """An exception as its class and the innermost places it came through."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)]
    return " < ".join([type(error).__name__, *places])


def _own_facts(text: str) -> dict[str, Any]:
    """The facts of a message that is a JSON object itself, as deliveries are told."""
    try:
        own = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return {}
    return own if isinstance(own, dict) else {}
