"""Measuring: a command -> the wall time, CPU and peak memory of all its processes."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Seconds between two looks at memory; more where a look itself takes long, since processes stand still for it.
_EVERY, _REST = 0.02, 10


class FailedError(Exception):
    """A command that ended with an error, or whose output is not what it should be: its time means nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock and of CPU, and bytes of memory at the worst moment (0: not asked), of a whole tree."""

    wall: float
    cpu: float
    peak: int = 0


def machine() -> str:
    """What all figures depend on: the Python that runs us, and how many processors it may use.

    How a Python was built matters as much as which one it is: some are built without what profiles tell the compiler.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    build = " ".join(platform.python_build())
    return f"Python {platform.python_version()} ({build}, {platform.python_compiler()}), {processors} processors"


def environment(**more: str) -> dict[str, str]:
    """This process's environment for a command that is timed: Python may keep what it has compiled."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}}
    return kept | more


def run(command: list[str], folder: Path, variables: dict[str, str], *, memory: bool = False) -> Cost:
    """Run a command to its end and say what it cost; with `memory` it is looked at often, which costs time itself."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=said, stderr=said)
        peak = _Peak(process.pid) if memory else None
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise FailedError(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')[-3000:]}")
        return Cost(wall, usage.ru_utime + usage.ru_stime, peak.end() if peak else 0)


class _Peak:
    """Looks at the memory of a tree of processes until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self._most, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def _look(self, pid: int) -> None:
        pause = _EVERY
        while not self._over.wait(pause):
            began = time.perf_counter()
            self._most = max(self._most, sum(resident(one) for one in tree(pid)))
            pause = max(_EVERY, _REST * (time.perf_counter() - began))

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self._most


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    for child in _children(pid):
        yield from tree(child)


def _children(pid: int) -> list[int]:
    """The processes that a process has begun; it, or a thread of it, may end while we look."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def spent(pid: int) -> float:
    """Seconds of CPU that a process has used so far; 0 when it is gone."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def resident(pid: int) -> int:
    """Bytes a process holds in memory, what it shares counted by its share; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
