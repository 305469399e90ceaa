"""Garbage: how often Python looks for objects that only name each other, as `gc.set_threshold` takes it."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

# What Python does by itself; right for what runs for long.
USUALLY = gc.get_threshold()

# For a command: its libraries and its site are a great many objects that live as long as it does. To look for garbage
# among them over and over costs a third of the time of imports, and a fifth of that of a build. What is made and
# forgotten is still found, if later.
RARELY = (100_000, 20, 100)

# For a worker: it makes one thing after another and has little that stays, so what it drops is soon found, for little.
OFTEN = (3_000, 20, 100)


@contextlib.contextmanager
def nowhere() -> Iterator[None]:
    """While a great many objects are made, none of which is garbage, there is no use in looking for any."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def for_good() -> Iterator[None]:
    """The same where what is made lives about as long as the process: it is never looked at again."""
    with nowhere():
        yield
        gc.freeze()
