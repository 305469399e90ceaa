"""Capture: submissions through a real `obverse run`, with the disk's own commits beside them and Isso's in turn.

    python -m benchmarks.capture [--seconds 20] [--runs 3] [--stored 1000000] [--json FILE]

Each submission takes the whole path: checks, judgement, one transaction, a full sync, a 303; its notification is
delivered to a mail server that takes everything. All load stays on loopback and stops by itself. Isso is measured with
`POST /new`, its limits off. What is measured is on the disk of the folder for temporary files (TMPDIR).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import Served, load, post
from benchmarks.measuring import FailedError, environment, resident, tree
from benchmarks.peering import MissingError, cache, copy_of_code, isso

CONNECTIONS = 16
STEADY = 100.0  # submissions a second at a desk that is busier than any
_PATIENCE = 40.0

SETTINGS = """
[site]
title = "Measured"
url = "http://127.0.0.1"

[capture]
from = "desk@measured.test"
notify = ["desk@measured.test"]
rate = 100000000
"""
FORM = """---
title: Talk to us
fields:
  name: {label: Your name, required: true, max: 120}
  email: {type: email, label: E-mail, required: true}
  budget: {type: choice, label: Budget, options: {small: "under 5k", large: "over 20k"}}
  message: {label: How can we help?, rows: 6, max: 4000, required: true}
  news: {type: consent, label: Newsletter, text: I agree to receive one article a month.}
---
Thank you, {name}.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of load came to."""

    name: str
    rate: float
    median: float
    p99: float
    wrong: int


def commits(folder: Path, seconds: float) -> float:
    """Commits of one row a second that this disk does by itself, as we set SQLite up: WAL, every commit synced."""
    with contextlib.closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
        done, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            raw.execute("INSERT INTO rows (text) VALUES (?)", ("x" * 500,))
            done += 1
    return done / passed


def submission(number: int) -> bytes:
    """One visitor's post; each is another person with another text."""
    values = {
        "name": f"Ann Example {number}",
        "email": f"ann{secrets.token_hex(6)}@visitor.test",
        "budget": "small",
        "message": f"What would a site like yours cost us? We are {number} people. " * 4,
        "news": "true",
        "_ob_instance": secrets.token_hex(16),
    }
    body = urllib.parse.urlencode(values).encode()
    return post("/_ob/f/contact", body, "application/x-www-form-urlencoded", Accept="text/html")


def comment(number: int) -> bytes:
    """The same as a comment for Isso."""
    text = f"What would a site like yours cost us? We are {number} people. " * 4
    body = json.dumps(
        {"author": f"Ann {number}", "email": f"ann{number}@visitor.test", "text": text, "title": "Measured"}
    ).encode()
    return post("/new?uri=%2Fmeasured", body, "application/json")


@contextlib.contextmanager
def obverse(folder: Path, code: Path, stored: int) -> Iterator[tuple[int, int]]:
    """The port and process of a running house that has so many inquiries."""
    root = folder / "site"
    (root / "content" / "forms").mkdir(parents=True)
    (root / "obverse.toml").write_text(SETTINGS)
    (root / "content" / "index.md").write_text("---\ntitle: Home\n---\nWelcome.\n")
    (root / "content" / "forms" / "contact.md").write_text(FORM)
    variables = environment(PYTHONPATH=str(code))
    subprocess.run([sys.executable, "-m", "obverse", "build"], cwd=root, env=variables, check=True, capture_output=True)
    port = _free_port()
    with _mail_server(code) as mail:
        variables["OBVERSE_SMTP"] = f"smtp://127.0.0.1:{mail}"
        fill = [sys.executable, "-m", "benchmarks.filling", str(root / "var"), str(stored)]
        subprocess.run(fill, env=environment(), check=True)
        command = [sys.executable, "-m", "obverse", "run", "--port", str(port), "--no-build", "--quiet"]
        with _started(command, root, variables) as pid:
            _until_answered(port, "/healthz")
            yield port, pid


@contextlib.contextmanager
def comments(folder: Path, peers: Path) -> Iterator[tuple[int, int]]:
    """The port and process of a running Isso."""
    port, settings = _free_port(), folder / "isso.cfg"
    settings.write_text(
        f"[general]\ndbpath = {folder / 'comments.db'}\nhost = http://127.0.0.1/\n"
        f"[server]\nlisten = http://127.0.0.1:{port}\n[guard]\nenabled = false\n"
    )
    with _started([*isso(peers), "-c", str(settings), "run"], folder, environment()) as pid:
        _until_answered(port, "/info")
        yield port, pid


@contextlib.contextmanager
def _mail_server(code: Path) -> Iterator[int]:
    """A mail server that takes everything and keeps nothing."""
    port = _free_port()
    sink = f"import aiosmtpd.main as m; m.main(['-n', '-l', '127.0.0.1:{port}', '-c', 'aiosmtpd.handlers.Sink'])"
    with _started([sys.executable, "-c", sink], code, environment()):
        yield port


@contextlib.contextmanager
def _started(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[int]:
    with (folder / "said.txt").open("ab") as said:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=said, stderr=said)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_answered(port: int, path: str) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
            return
        time.sleep(0.1)
    raise FailedError(f"nothing answered at port {port}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def stored(root: Path) -> int:
    """How many submissions a house has."""
    with contextlib.closing(sqlite3.connect(root / "var" / "obverse.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM submissions").fetchone()
        return int(count)


def row(name: str, runs: list[Served]) -> Row:
    """The medians over all runs of a load."""
    middle = statistics.median
    rates, medians, tails = zip(*((one.rate, one.median, one.quantile(0.99)) for one in runs), strict=True)
    return Row(name, middle(rates), middle(medians), middle(tails), sum(len(one.wrong) for one in runs))


def measure(wish: argparse.Namespace, work: Path) -> dict[str, Any]:
    """All loads in turn. Raises FailedError when an answer was not kept."""
    code = copy_of_code(work / "code")
    ours: list[Served] = []
    steady: list[Served] = []
    theirs: list[Served] = []
    raw: list[float] = []
    with contextlib.ExitStack() as stack:
        port, pid = stack.enter_context(obverse(work, code, wish.stored))
        before = stored(work / "site")
        try:
            (work / "isso").mkdir()
            other = stack.enter_context(comments(work / "isso", wish.peers_folder))[0]
        except MissingError as error:
            print(f"isso is left out: {error}", file=sys.stderr)
            other = 0
        load(port, submission, 303, connections=CONNECTIONS, seconds=2)  # warm
        memory = [_memory(pid)]
        for _ in range(wish.runs):
            raw.append(commits(Path(tempfile.mkdtemp(dir=work)), 2))
            ours.append(load(port, submission, 303, connections=CONNECTIONS, seconds=wish.seconds))
            if other:
                theirs.append(load(other, comment, 201, connections=CONNECTIONS, seconds=wish.seconds))
            steady.append(load(port, submission, 303, connections=4 * CONNECTIONS, seconds=wish.seconds, rate=STEADY))
            memory.append(_memory(pid))
        acknowledged = sum(len(one.seconds) for one in (*ours, *steady))
        if (kept := stored(work / "site") - before) < acknowledged:
            raise FailedError(f"{acknowledged} were acknowledged and {kept} are stored")
    rows = [row(f"{CONNECTIONS} connections", ours), row(f"{STEADY:.0f} a second", steady)]
    rows += [row(f"isso, {CONNECTIONS} connections", theirs)] if theirs else []
    return {"commits": statistics.median(raw), "rows": rows, "memory": memory, "stored": wish.stored}


def _memory(pid: int) -> float:
    return sum(resident(one) for one in tree(pid)) / 1e6


def told(found: dict[str, Any]) -> str:
    """The table."""
    lines = [f"{found['stored']} inquiries stored before; {os.cpu_count()} processors", ""]
    lines.append(f"{'':28}{'a second':>10}{'median ms':>12}{'p99 ms':>10}{'wrong':>8}")
    lines.append(f"{'commits of the disk alone':28}{found['commits']:10.0f}")
    lines += [f"{one.name:28}{one.rate:10.0f}{one.median:12.1f}{one.p99:10.1f}{one.wrong:8}" for one in found["rows"]]
    if len(found["rows"]) > 2 and found["rows"][2].rate:
        lines += ["", f"{found['rows'][0].rate / found['rows'][2].rate:.1f} times what Isso takes (at least 5 wanted)"]
    lines.append(f"memory of the process, MB: {', '.join(f'{one:.0f}' for one in found['memory'])}")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table; exit code 1 when something acknowledged was not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="how long each load goes on")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured, in turn")
    parser.add_argument("--stored", type=int, default=0, help="how many inquiries are there before")
    parser.add_argument("--peers-folder", type=Path, default=cache(), help="where peers are installed")
    parser.add_argument("--json", type=Path, help="write all figures to this file too")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = measure(wish, Path(folder))
        except FailedError as error:
            sys.exit(str(error))
    print(told(found))
    if wish.json:
        rows = [{name: getattr(one, name) for name in Row.__slots__} for one in found["rows"]]
        wish.json.write_text(json.dumps({**found, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
