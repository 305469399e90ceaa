"""The folder of uploads: each file under a random id and no other name; whole and on the disk before a row names it.

`.ID.part` is one on its way, `ID` one that is kept. `ID.waits` says that a submission in some spool names it, whose row
is still to come: the folder may be one that several machines share, and each has a spool of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from capture.files import make_folder, put, sync_folder

FOLDER = "uploads"  # within the data folder

# Bytes of the disk that uploads leave free, for the database beside them.
SPARE = 256 << 20

_FILE = re.compile(r"([0-9a-f]{32})|\.([0-9a-f]{32})\.part")
_ID = re.compile(r"[0-9a-f]{32}")
_WAITS = ".waits"


def path_of(folder: Path, id: str) -> Path:
    """Where a file lies. Raises ValueError for what is no id, so that no path leads out of the folder."""
    if not _ID.fullmatch(id):
        raise ValueError("no id of a file")
    return folder / id


def part_of(folder: Path, id: str) -> Path:
    """Where a file lies while it arrives."""
    return folder / f".{path_of(folder, id).name}.part"


def settle(folder: Path, ids: Iterable[str]) -> None:
    """Keep what has arrived: to the disk, under its id. Raises OSError."""
    for one in ids:
        with part_of(folder, one).open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part_of(folder, one), path_of(folder, one))
    sync_folder(folder)


def discard(folder: Path, ids: Iterable[str]) -> None:
    """Remove what has arrived and is not kept."""
    for one in ids:
        with contextlib.suppress(OSError):
            part_of(folder, one).unlink(missing_ok=True)


def remove(folder: Path, ids: Iterable[str]) -> None:
    """Remove files that no row names any more. What is no id is no file of ours, and stays. Raises OSError."""
    gone = [one for one in ids if _ID.fullmatch(one)]
    for one in gone:
        for path in (path_of(folder, one), folder / f"{one}{_WAITS}"):
            path.unlink(missing_ok=True)
    if gone and folder.is_dir():
        sync_folder(folder)


def hold(folder: Path, ids: Iterable[str]) -> None:
    """Say, to the disk, that a spool names them. Raises OSError."""
    for one in ids:
        put(folder / f"{path_of(folder, one).name}{_WAITS}", b"")


def let_go(folder: Path, ids: Iterable[str]) -> None:
    """Say that rows name them by now."""
    for one in ids:
        (folder / f"{path_of(folder, one).name}{_WAITS}").unlink(missing_ok=True)


def old(folder: Path, before: float) -> dict[str, list[Path]]:
    """The files last written before a moment (seconds since 1970) that no spool names, by id. Raises OSError."""
    if not folder.is_dir():
        return {}
    names = set(os.listdir(folder))
    found: dict[str, list[Path]] = {}
    for name in sorted(names):
        parsed = _FILE.fullmatch(name)
        one = (parsed[1] or parsed[2]) if parsed else ""
        if one and f"{one}{_WAITS}" not in names and _written(folder / name) < before:
            found.setdefault(one, []).append(folder / name)
    return found


def has_room(folder: Path, size: int) -> bool:
    """Whether the disk has room for so many bytes and something to spare."""
    try:
        make_folder(folder)
        return shutil.disk_usage(folder).free > size + SPARE
    except OSError:
        return False


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
