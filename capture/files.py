"""Bytes -> a file that is there as a whole and survives a power cut, or that is not there."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path


def put(path: Path, data: bytes) -> None:
    """Write a file: under another name, to the disk, then renamed. Nothing happens when it holds that already.

    Raises OSError, and then leaves nothing behind.
    """
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return
    make_folder(path.parent)
    part = path.parent / f".{path.name}.{os.getpid()}.{threading.get_ident()}.part"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and those around it, so that they survive a power cut: each is an entry of the one above it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed or removed in a folder last, where the system lets a folder be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lines_of(path: Path) -> list[bytes]:
    """The lines of a file that `append` writes, none without it; one may be empty or half. Raises OSError."""
    try:
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []


def append(path: Path, lines: Iterable[str]) -> None:
    """Add lines to a file that is for its owner alone, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        # The line break before them ends one that was left half.
        file.write(("\n" + "\n".join(lines) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
