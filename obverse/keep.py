"""Keep: what a process that builds the same site again and again need not read again."""

from __future__ import annotations

import os
from pathlib import Path

from obverse import ledger_file as ledgers
from obverse.ledger import Ledger, Outline


class Keep:
    """The ledger of the last build, for as long as the files it was written to are as they were left."""

    __slots__ = ("_ends", "_file", "_held", "_ledger", "_outline", "_stamps")

    def __init__(self, *, ends: bool = False) -> None:
        """Begin with nothing. `ends` when the process ends after one build."""
        self._ends = ends
        self._held: tuple[object, ...] = ()
        self._file = Path()
        self._ledger: Ledger | None = None
        self._outline: Outline | None = None
        self._stamps: object = None

    def outline(self, file: Path) -> Outline:
        """What the ledger in `file` says before it is read, from memory when nobody else has written it since."""
        known = self._known(file)
        self._outline = ledgers.outline(file) if known is None else known.outline()
        return self._outline

    def ledger(self, file: Path) -> Ledger:
        """The ledger in `file`, whose outline was asked for before, from memory when nobody else wrote it since."""
        known = self._known(file)
        return ledgers.load(file, self._outline) if known is None else known

    def remember(self, file: Path, ledger: Ledger) -> None:
        """Keep the ledger that has just been written to `file`."""
        self._file, self._ledger, self._stamps = file, ledger, _stamps(file)

    def hold(self, *made: object) -> None:
        """What a build is made of, in a process that ends: it gives all of it back at once, not object by object."""
        if self._ends:
            self._held = made

    def _known(self, file: Path) -> Ledger | None:
        if self._file != file or self._stamps != _stamps(file):
            self._ledger = None
        return self._ledger


def _stamps(file: Path) -> tuple[tuple[int, int, int] | None, ...]:
    return tuple(_stamp(one) for one in (file, file.with_suffix(ledgers.SINCE)))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        one = os.stat(file)
    except OSError:
        return None
    return one.st_mtime_ns, one.st_size, one.st_ino
