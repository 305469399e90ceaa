"""The data folder and the machine it lies on -> findings: room, syncs, who may read what, and what time it is."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from capture.doctor.findings import Finding, error, unknown, warning, well

# Bytes that are left: below the first the house will soon be full, below the second it is.
LITTLE, NOTHING = 2 << 30, 200 << 20

# Seconds that no disk keeps what it is given in, whatever it says: those with a battery of their own take longer.
IMPOSSIBLE = 12e-6
SLOW = 0.05
_SYNCS = 32

# What a clock may be behind what has already happened.
TOLERANCE = timedelta(minutes=5)


def room(folder: Path) -> Finding:
    """Whether there is room for what visitors send."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError as failed:
        return unknown("disk", f"how much room is left could not be found out: {failed.strerror}")
    left = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.0f} GB are free"
    if usage.free < NOTHING:
        return error("disk", f"{left}: nothing can be stored soon", "free some, or move var/ to a larger disk")
    if usage.free < LITTLE:
        return warning(
            "disk", f"{left}, which backups and uploads may fill", "free some, or move var/ to a larger disk"
        )
    return well("disk", left)


def syncs(folder: Path, clock: Callable[[], float] = time.perf_counter) -> Finding:
    """Whether the disk takes the time that keeping something takes; `clock` counts seconds."""
    try:
        taken = statistics.median(_synced(folder / f".doctor.{os.getpid()}", clock))
    except OSError as failed:
        return error("disk", f"the data folder cannot be written: {failed.strerror}", "let its owner write there")
    rate = f"the disk keeps {1 / taken:,.0f} writes a second" if taken else "the disk takes no time at all"
    if taken < IMPOSSIBLE:
        said = f"{rate}, which none can: it says that it has kept what it still holds in memory"
        return warning("disk", said, "a power cut may lose what was acknowledged: look for write caching, or a tmpfs")
    if taken > SLOW:
        return warning("disk", f"{rate}: every visitor waits for one", "put var/ on a faster disk")
    return well("disk", rate)


def _synced(file: Path, clock: Callable[[], float]) -> list[float]:
    """The seconds of each of some small writes that are synced."""
    taken = []
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(_SYNCS):
            began = clock()
            os.write(descriptor, b"x" * 4096)
            os.fsync(descriptor)
            taken.append(clock() - began)
    finally:
        os.close(descriptor)
        file.unlink(missing_ok=True)
    return taken


def permissions(folder: Path) -> Iterator[Finding]:
    """Whether anybody but the owner may read what visitors sent."""
    if os.name != "posix":
        yield unknown("files", "who may read the data folder cannot be found out on this system")
        return
    # What lies in a folder that is closed is closed, too; releases hold what is published anyway.
    inside = sorted(path for path in folder.glob("*") if path.name != "releases") if _is_open(folder, 0o011) else []
    open_ones = [path for path in (folder, *inside) if _is_open(path, 0o077)]
    for path in open_ones:
        shown = f"var/{path.name}" if path != folder else "var"
        yield error("files", f"others than their owner may read {shown}", f"chmod {_wanted(path)} {shown}")
    if not open_ones:
        yield well("files", "nobody but their owner may read the data")


def _is_open(path: Path, bits: int) -> bool:
    return not path.is_symlink() and bool(path.stat().st_mode & bits)


def _wanted(path: Path) -> str:
    return "700" if path.is_dir() else "600"


def clock(now: datetime, newest: datetime | None) -> Finding:
    """Whether it is later than what has happened already: `newest` is the newest moment in the database."""
    if newest is not None and newest > now + TOLERANCE:
        ahead = newest - now
        said = f"the newest inquiry is {_spoken(ahead)} from the future: the clock was wrong then, or is now"
        return error("clock", said, "set the clock by the network: timedatectl set-ntp true")
    return well("clock", f"it is {now:%Y-%m-%d %H:%M} UTC, after all that has happened")


def _spoken(passed: timedelta) -> str:
    hours = passed.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{max(hours, 0.1):.1f} hours"
