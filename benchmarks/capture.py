"""Capture: posts to a form, stored and synced before the answer -> answers a second and their times, beside Isso's.

    python -m benchmarks.capture [--seconds 10] [--rounds 2] [--connections 16] [--rate 100] [--stored 1000000]
                                 [--filled FILE] [--database URL] [--no-isso] [--folder DIR] [--json FILE]

The whole path (checks, judgement, transaction, full sync) of `obverse run`, in its own process, on loopback; the raw
commits a second of the same disk (one row, full sync) before and after; and Isso's `POST /new` in turn with ours. With
`--stored` another of ours in turn, above so many stored inquiries, and what it takes to look at many and at few;
`--filled` keeps the SQLite file of many to be used again. What was acknowledged is counted in the database afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.filling import fill
from benchmarks.loading import Load, Request, load
from benchmarks.looking import looks
from benchmarks.measuring import FailedError, environment, machine, resident, spent, tree
from benchmarks.peering import MissingError, cache, python_with
from capture.store.database import FILE
from tests.capture.house import CONTACT
from tests.capture.running import FORM, REPOSITORY, START, Running, fields, kept, let_in, make_root


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


@dataclass(slots=True)
class House:
    """One of ours: its folder, its database, and what came of loading it. `more` says what sets it apart."""

    root: Path
    url: str
    more: str = ""
    loads: list[Load] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Posts a second, the median of what was loaded so far."""
        return statistics.median(one.rate for one in self.loads)

    @property
    def each(self) -> float:
        """Milliseconds of CPU that one post took of the process that answers."""
        return 1000 * self.cpu / max(1, len(self.acknowledged))

    @property
    def acknowledged(self) -> list[str]:
        """The receipts of all that was thanked for."""
        return [place.rpartition("/")[2] for one in self.loads for place in one.places if place]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and end with 1 when something acknowledged is not stored."""
    given = _options(arguments)
    print(machine())
    found = Found()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="obverse-bench-") as name:
        folder = Path(name)
        with _isso(folder, given.no_isso) as isso, _houses(given, folder) as houses:
            lost = _measure(given, folder, houses, isso, found)
    if given.json:
        given.json.write_text(json.dumps({"raw": found.raw, "lines": found.lines}, indent=1), "utf-8")
    return 1 if lost else 0


@contextmanager
def _houses(given: argparse.Namespace, folder: Path) -> Iterator[list[House]]:
    """Ours, and the one with much in it when that is asked for."""
    houses = [House(folder / "ours", given.database)]
    if given.stored:
        houses.append(House(folder / "above", _second(given.database), f" above {given.stored:,}"))
    for one in houses:
        make_root(one.root)
        let_in(one.root, one.url)
    try:
        if given.stored:
            _fill(houses[1], given.stored, given.filled)
        yield houses
    finally:
        if given.stored and given.database:
            _execute(given.database, f"DROP DATABASE IF EXISTS {sa.make_url(houses[1].url).database} WITH (FORCE)")


def _second(url: str) -> str:
    """Another database of the same server."""
    if not url:
        return ""
    parsed = sa.make_url(url)
    name = f"{parsed.database}_above"
    _execute(url, f"CREATE DATABASE {name}")
    return parsed.set(database=name).render_as_string(hide_password=False)


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _fill(house: House, count: int, keeper: Path | None) -> None:
    """So many stored inquiries, out of the file that keeps them if there is one."""
    own = house.root / "var" / FILE
    if keeper and keeper.exists():
        shutil.copyfile(keeper, own)
        return
    fill(house.root, house.url, count)
    if keeper:
        with closing(sqlite3.connect(own)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(own, keeper)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.capture", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--stored", type=int, default=0)
    parser.add_argument("--filled", type=Path, help="keeps the SQLite file of --stored")
    parser.add_argument("--database", default="", help="a PostgreSQL URL; SQLite without it")
    parser.add_argument("--no-isso", action="store_true")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def _measure(given: argparse.Namespace, folder: Path, houses: list[House], isso: int | None, found: Found) -> int:
    """All in turn: how many that were acknowledged are not there."""
    theirs: list[float] = []
    _raw(folder, given.seconds, found)
    with ExitStack() as living:
        running = [(one, living.enter_context(_process(one.root, one.url))) for one in houses]
        for _, process in running:  # whatever is loaded by the first request
            load(process.port, post, connections=4, seconds=min(1.0, given.seconds))
        held = [_memory(*running[0])]
        for _ in range(given.rounds):
            for one, process in running:
                _load(given, one, process, found)
            if isso:
                peer = load(isso, comment, connections=given.connections, seconds=given.seconds)
                found.add("Isso POST /new, the same", peer, 201, 202)
                theirs.append(peer.rate)
            held.append(_memory(*running[0]))
        ours = houses[0].rate
        for one, process in running:
            _load(given, one, process, found, given.rate)
        held.append(_memory(*running[0]))
        found.note(f"memory {', '.join(held)}")
        found.note(f"CPU of a post {houses[0].each:.2f} ms, without who delivers")
        if given.stored:
            _compare([looks(process, one.root, one.url) for one, process in running], houses, found)
    _raw(folder, given.seconds, found)
    if theirs:
        found.note(f"ours / Isso: {ours / statistics.median(theirs):.1f} (target 5)")
    return sum(_lost(one, found) for one in houses)


def _load(given: argparse.Namespace, house: House, process: Running, found: Found, rate: float = 0) -> None:
    """Load one of ours, as fast as it can or at a rate."""
    began = spent(process.process.pid)
    done = load(process.port, post, connections=given.connections, seconds=given.seconds, rate=rate)
    what = f"{rate:g} a second" if rate else f"{given.connections} connections"
    found.add(f"ours, {what}{house.more}", done, 303)
    house.loads.append(done)
    house.cpu += spent(process.process.pid) - began


def _compare(looked: list[Mapping[str, float]], houses: list[House], found: Found) -> None:
    """What a post and each look costs above few and above many."""
    each = [one.each for one in houses]
    found.note(f"{'':<42}{'few':>12}{'many':>12}")
    for name, few, many in [
        ("a post, ms of CPU", *each),
        *((name, *(one[name] for one in looked)) for name in looked[0]),
    ]:
        found.note(f"{name:<42}{few:>9.1f} ms{many:>9.1f} ms")


def _lost(house: House, found: Found) -> int:
    acknowledged = house.acknowledged
    lost = len(set(acknowledged) - set(kept(house.root, house.url)))
    found.note(f"acknowledged {len(acknowledged)}, of these not stored {lost}{house.more}")
    return lost


def post(_number: int) -> Request:
    """A visitor's form, each of somebody else."""
    mine = secrets.token_hex(6)
    message = f"What does it cost? {mine} " + "word " * 60
    body = fields(email=f"{mine}@visitor.test", message=message, _ob_version=CONTACT.version)
    return Request("/_ob/f/contact", body.encode(), FORM)


def comment(number: int) -> Request:
    """A comment of the same length."""
    query = urllib.parse.urlencode({"uri": f"/{number % 50}/"})
    text = {"text": f"What does it cost? {secrets.token_hex(6)} " + "word " * 60, "author": "Ann", "title": "A page"}
    return Request(f"/new?{query}", json.dumps(text).encode(), {"Content-Type": "application/json"})


def _memory(house: House, process: Running) -> str:
    """What a process and its child hold by now: with more posts it has to come to an end of growing."""
    held = sum(map(resident, tree(process.process.pid)))
    return f"{held / 1e6:.0f} MB after {len(house.acknowledged)} posts"


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
