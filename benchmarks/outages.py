"""A database that chaos happens to -> its URL, and what may be done to it: each harm lasts a while, then it is over.

SQLite has one file that somebody else may lock. PostgreSQL is a server of our own, which syncs as one in earnest does:
it is stopped and started again, its connections are cut, it stands still, and its disk is full.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psycopg

from benchmarks.measuring import tree
from capture.store.database import FILE
from tests.capture.databases import Server, running_server

# What the server of the tests leaves out: here a commit must outlive a crash.
EARNEST = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")

_OTHERS = "backend_type = 'client backend' AND pid <> pg_backend_pid()"

Harm = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A database: its URL ("" for SQLite in the first site's folder), and its harms by name, each given its seconds."""

    url: str
    harms: Mapping[str, Harm]


@contextmanager
def sqlite_target(root: Path) -> Iterator[Target]:
    """The file of the site in `root`."""
    yield Target("", {"locked": lambda seconds: _lock_file(root / "var" / FILE, seconds)})


@contextmanager
def postgres_target(luck: Random) -> Iterator[Target]:
    """A server that is started for this, with an empty database."""
    with running_server(*EARNEST) as server:
        url = server.url(server.make())
        harms: dict[str, Harm] = {
            "stopped": lambda seconds: _stop(server, signal.SIGINT, seconds),
            "crashed": lambda seconds: _stop(server, signal.SIGQUIT, seconds),
            "backend killed": lambda seconds: _kill_backend(server, luck, seconds),
            "connections cut": lambda seconds: _cut(server, seconds),
            "frozen": lambda seconds: _freeze(server, seconds),
            "database's disk full": lambda seconds: _fill(server, seconds),
            "locked": lambda seconds: _lock_table(url, seconds),
        }
        yield Target(url, harms)


def _lock_file(file: Path, seconds: float) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as other:
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)


def _lock_table(url: str, seconds: float) -> None:
    with psycopg.connect(url) as other:
        other.execute("SET lock_timeout = '10s'")
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            other.execute("LOCK TABLE submissions IN ACCESS EXCLUSIVE MODE")
            time.sleep(seconds)
        other.rollback()


def _stop(server: Server, how: signal.Signals, seconds: float) -> None:
    """Away for a while. SIGINT undoes what is under way and cuts everybody, SIGQUIT does not even do that."""
    server.stop(how)
    time.sleep(seconds)
    server.start()


def _kill_backend(server: Server, luck: Random, seconds: float) -> None:
    """Kill the process of one connection: the server cuts all others, too, and recovers as after a crash."""
    if pids := _backends(server):
        with contextlib.suppress(ProcessLookupError):
            os.kill(luck.choice(pids), signal.SIGKILL)
        time.sleep(min(seconds, 1))
        server.comes_back()


def _cut(server: Server, seconds: float) -> None:
    """End all connections; who comes again is let in at once."""
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}")
    time.sleep(min(seconds, 1))


def _freeze(server: Server, seconds: float) -> None:
    """Nobody is told anything for a while: neither an answer nor that there will be none."""
    stopped = list(tree(server.process.pid))
    for pid in stopped:
        _signal(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in stopped:
        _signal(pid, signal.SIGCONT)


def _fill(server: Server, seconds: float) -> None:
    """No process of the server may write: it may come to its end by that, and be started again when there is room."""
    _limit(server, "0")
    time.sleep(seconds)
    _limit(server, "unlimited")
    if not server.comes_back():
        server.start()


def _limit(server: Server, most: str) -> None:
    """How large a file its processes may write. Only who runs them may say so, and those that begin take it over."""
    for pid in tree(server.process.pid):
        command = ["prlimit", "--pid", str(pid), f"--fsize={most}:"]
        subprocess.run(command, user=server.owner, check=False, stderr=subprocess.DEVNULL)  # it may have ended


def _backends(server: Server) -> list[int]:
    with psycopg.connect(server.url()) as connection:
        return [int(pid) for (pid,) in connection.execute(f"SELECT pid FROM pg_stat_activity WHERE {_OTHERS}")]


def _signal(pid: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, which)
