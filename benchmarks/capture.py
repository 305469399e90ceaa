"""Capture: posts to a form, stored and synced before the answer -> answers a second and their times, beside Isso's.

    python -m benchmarks.capture [--seconds 10] [--rounds 2] [--connections 16] [--rate 100] [--stored 1000000]
                                 [--database URL] [--no-isso] [--folder DIR] [--json FILE]

The whole path (checks, judgement, transaction, full sync) of `obverse run`, in its own process, on loopback; the raw
commits a second of the same disk (one row, full sync) before and after; and Isso's `POST /new` in turn with ours. With
`--stored` the same again above so many stored inquiries. What was acknowledged is counted in the database afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.loading import Load, Request, load
from benchmarks.measuring import FailedError, environment, resident, tree
from benchmarks.peering import MissingError, cache, python_with
from capture.store.tables import answers, contacts, events, inquiries, submissions
from tests.capture.running import FORM, REPOSITORY, START, Running, database, fields, kept, let_in, make_root

BATCH = 2000


@dataclass(slots=True)
class Found:
    """All that was measured."""

    raw: list[float] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add(self, what: str, one: Load, *good: int) -> None:
        """A line of the table."""
        bad = sum(one.statuses.values()) - sum(one.statuses[status] for status in good)
        line = {"what": what, "rate": round(one.rate, 1), "p50": one.at(0.5), "p99": one.at(0.99), "errors": bad}
        self.lines.append(line)
        print(f"{what:<42}{one.rate:>9.1f}/s  p50 {line['p50']:>7.1f} ms  p99 {line['p99']:>7.1f} ms  errors {bad}")

    def note(self, words: str) -> None:
        """A line that is no load."""
        self.lines.append({"what": words})
        print(words)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and end with 1 when something acknowledged is not stored."""
    given = _options(arguments)
    found = Found()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="obverse-bench-") as name:
        folder = Path(name)
        with _isso(folder, given.no_isso) as isso:
            lost = _measure(given, folder, isso, found, "")
            if given.stored:
                fill(folder / "ours", given.database, given.stored)
                lost += _measure(given, folder, None, found, f" above {given.stored:,}")
    if given.json:
        given.json.write_text(json.dumps({"raw": found.raw, "lines": found.lines}, indent=1), "utf-8")
    return 1 if lost else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.capture", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--stored", type=int, default=0)
    parser.add_argument("--database", default="", help="a PostgreSQL URL; SQLite without it")
    parser.add_argument("--no-isso", action="store_true")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def _measure(given: argparse.Namespace, folder: Path, isso: int | None, found: Found, more: str) -> int:
    """One run: how many that were acknowledged are not there."""
    root = folder / "ours"
    if not root.exists():
        root.mkdir()
        make_root(root)
        let_in(root, given.database)
    _raw(folder, given.seconds, found)
    ours: list[float] = []
    theirs: list[float] = []
    acknowledged: list[str] = []
    with _process(root, given.database) as one:
        load(one.port, post, connections=4, seconds=min(1.0, given.seconds))  # whatever is loaded by the first request
        before = _memory(one)
        for _ in range(given.rounds):
            mine = load(one.port, post, connections=given.connections, seconds=given.seconds)
            found.add(f"ours, {given.connections} connections{more}", mine, 303)
            acknowledged += _receipts(mine)
            ours.append(mine.rate)
            if isso:
                peer = load(isso, comment, connections=given.connections, seconds=given.seconds)
                found.add("Isso POST /new, the same", peer, 201, 202)
                theirs.append(peer.rate)
        steady = load(one.port, post, connections=given.connections, seconds=given.seconds, rate=given.rate)
        found.add(f"ours, {given.rate:g} a second{more}", steady, 303)
        acknowledged += _receipts(steady)
        found.note(f"memory {before / 1e6:.0f} MB before, {_memory(one) / 1e6:.0f} MB after {len(acknowledged)} posts")
    _raw(folder, given.seconds, found)
    if theirs:
        found.note(f"ours / Isso: {statistics.median(ours) / statistics.median(theirs):.1f} (target 5)")
    lost = len(set(acknowledged) - set(kept(root, given.database)))
    found.note(f"acknowledged {len(acknowledged)}, of these not stored {lost}")
    return lost


def post(_number: int) -> Request:
    """A visitor's form, each of somebody else."""
    mine = secrets.token_hex(6)
    body = fields(email=f"{mine}@visitor.test", message=f"What does it cost? {mine} " + "word " * 60)
    return Request("/_ob/f/contact", body.encode(), FORM)


def comment(number: int) -> Request:
    """A comment of the same length."""
    query = urllib.parse.urlencode({"uri": f"/{number % 50}/"})
    text = {"text": f"What does it cost? {secrets.token_hex(6)} " + "word " * 60, "author": "Ann", "title": "A page"}
    return Request(f"/new?{query}", json.dumps(text).encode(), {"Content-Type": "application/json"})


def _receipts(one: Load) -> list[str]:
    return [place.rpartition("/")[2] for place in one.places if place]


def _memory(one: Running) -> int:
    return sum(map(resident, tree(one.process.pid)))


def _raw(folder: Path, seconds: float, found: Found) -> None:
    found.raw.append(raw_commits(folder, min(1.0, seconds)))
    found.note(f"raw commits of this disk, one row, full sync: {found.raw[-1]:.0f}/s")


def raw_commits(folder: Path, seconds: float = 1.0) -> float:
    """Commits a second of one connection: a row each, in the write-ahead log, synced."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as name,
        closing(sqlite3.connect(Path(name, "raw.db"), isolation_level=None)) as connection,
    ):
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (x)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            connection.execute("INSERT INTO t VALUES (?)", ("x" * 500,))
            count += 1
        return count / (time.perf_counter() - began)


def fill(root: Path, url: str, count: int) -> None:
    """Store so many inquiries, of as many people, without the endpoint."""
    with database(root, url) as opened:
        for start in range(0, count, BATCH):
            with opened.write() as connection:
                for table, row in _ROWS.items():
                    connection.execute(table.insert(), [row(number) for number in range(start, start + BATCH)])


_AT = datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def _id(kind: str, number: int) -> str:
    return f"{kind}{number:031x}"


_ROWS: dict[sa.Table, Callable[[int], dict[str, Any]]] = {
    contacts: lambda n: {"id": _id("c", n), "email_key": f"{n}@old.test", "email": f"{n}@old.test", "created_at": _AT},
    inquiries: lambda n: {
        "id": _id("1", n),
        "contact": _id("c", n),
        "form": "contact",
        "lang": "en",
        "page": "contact.md",
        "received_at": _AT,
        "touched_at": _AT,
        "search": f"ann {n}@old.test " + "word " * 60,
    },
    submissions: lambda n: {
        "id": _id("5", n),
        "receipt": _id("e", n),
        "inquiry": _id("1", n),
        "form": "contact",
        "received_at": _AT,
        "content": secrets.token_hex(16),
        "page": "contact.md",
    },
    answers: lambda n: {
        "submission": _id("5", n),
        "values": {"name": "Ann", "message": "word " * 60},
        "extra": {},
        "labels": [],
        "consents": [],
    },
    events: lambda n: {"at": _AT, "inquiry": _id("1", n), "kind": "received", "subject": _id("5", n)},
}


@contextmanager
def _process(root: Path, url: str) -> Iterator[Running]:
    """`obverse run`, whose log goes to a file: who reads it here would take the time of those who send."""
    options: dict[str, Any] = {"root": str(root), "port": _free_port(), "site": str(root / "site")}
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", START, json.dumps(options)],
            cwd=REPOSITORY,
            env=environment(**({"OBVERSE_DATABASE": url} if url else {})),
            stdout=log,
            text=True,
        )
    try:
        _wait(options["port"], process)
        yield Running(process, options["port"])
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _isso(folder: Path, left_out: bool) -> Iterator[int | None]:
    """The port of a running Isso with a database on the same disk; None when it is left out or cannot be had."""
    try:
        program = None if left_out else python_with(cache(), "isso").parent / "isso"
    except MissingError as error:
        print(f"Isso is left out: {error}")
        program = None
    if program is None:
        yield None
        return
    port = _free_port()
    settings = folder / "isso.cfg"
    settings.write_text(
        f"[general]\ndbpath = {folder / 'isso.db'}\nhost = http://127.0.0.1/\n"
        f"[server]\nlisten = http://127.0.0.1:{port}\n[guard]\nenabled = false\n"
    )
    with (folder / "isso.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", settings, "run"], env=environment(), stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[Any]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise FailedError("a server does not start")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise FailedError("a server does not listen")


if __name__ == "__main__":
    sys.exit(main())
