"""Bytes -> a file that is there as a whole and survives a power cut, or that is not there."""

from __future__ import annotations

import contextlib
import os
import threading
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
    """Make a folder for its owner only, and those above it, so that they survive a power cut. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in reversed(missing):
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed or removed in a folder last, where the system lets a folder be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
