"""Progress: a line on a terminal for work that takes longer than one waits without wondering."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

PATIENCE = 1.0
PACE = 0.1


def progress_to(stream: IO[str], now: Callable[[], float] = time.monotonic) -> Callable[[str, int, int], None]:
    """A function to be told (what, done, total); it draws on `stream` if that is a terminal, after a second of work."""
    if not stream.isatty():
        return lambda _what, _done, _total: None
    began = shown = now()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal shown
        moment = now()
        if moment - began > PATIENCE and moment - shown > PACE:
            shown = moment
            last = done + 1 == total
            stream.write(f"\r\x1b[K{what} {done + 1} of {total}" + ("\r\x1b[K" if last else ""))
            stream.flush()

    return tell
