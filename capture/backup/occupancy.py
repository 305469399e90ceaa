"""Who is in a data folder: any number of processes that run, or one that puts another house in its place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from capture.files import make_folder

FILE = ".in-use"

# There while a restore moves things; after one that was killed, until it is done again.
UNFINISHED = ".restoring"


class Occupied(Exception):  # noqa: N818 -- it says what the folder is
    """Somebody works in the data folder."""


@contextlib.contextmanager
def within(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Be in the folder, with others or alone; the system itself ends it for a process that was killed.

    Raises Occupied when that cannot be. Where the system has no such locks, nobody is kept out.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    make_folder(folder)
    descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Occupied from None
    try:
        yield
    finally:
        os.close(descriptor)
