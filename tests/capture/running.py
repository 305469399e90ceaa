"""`obverse run` as an operator starts it, in its own process, on loopback; and visitors who send its forms."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from capture.house import hex_token, utc_now
from capture.setup import Settings
from capture.store.audit import tells_upgrades
from capture.store.database import Database
from capture.store.migrations import upgrade
from capture.store.people import add_person
from capture.store.tables import receipts, submissions
from tests.capture.house import KEY, SETTINGS, write_release

REPOSITORY = Path(__file__).resolve().parents[2]
MANY = replace(SETTINGS, rate=1_000_000)  # nobody is told to wait

START = """
import json, sys
from pathlib import Path
from capture.run import RunOptions, run
given = json.loads(sys.argv[1])
for name in ("root", "site", "ledger"):
    given[name] = Path(given[name]) if given.get(name) else None
sys.exit(run(RunOptions(**{**given, "build": tuple(given.get("build", ()))})))
"""

# What a service manager does: descriptor 3 is a socket that listens, and two variables say so.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "obverse.socket"}
os.execv(sys.argv[2], sys.argv[2:])
"""

TOML = """
[site]
title = "{title}"
url = "{url}"

[capture]
from = "{sender}"
notify = ["team@house.test"]
origin = "{origin}"
proxies = {proxies}
rate = {rate}
"""


def make_root(root: Path, settings: Settings = MANY, *, smtp: str = "smtp://127.0.0.1:9", proxies: int = 0) -> Path:
    """A site that was built and set up: settings, a page, a release and secrets; its people come with `let_in`."""
    release = write_release(root / ".obverse" / "release", settings=settings)
    assert (release / "site.json").is_file()
    fields = {name: getattr(settings, name) for name in ("title", "url", "sender", "origin", "rate")}
    text = TOML.format(**fields, proxies=proxies)
    (root / "obverse.toml").write_text(text if settings.origin else text.replace('origin = ""\n', ""))
    (root / "site").mkdir()
    (root / "site" / "index.html").write_text("<!doctype html><title>Home</title>" + "<p>text</p>" * 200)
    (root / "site" / "404.html").write_text("<!doctype html><title>Not here</title>")
    (root / "var").mkdir(mode=0o700)
    secret = root / "var" / "secrets.toml"
    secret.touch(mode=0o600)
    secret.write_text(f'key = "{KEY}"\nsmtp = "{smtp}"\n')
    return root


def let_in(root: Path, url: str = "") -> None:
    """Somebody who may log in, in a migrated database."""
    with database(root, url) as opened:
        upgrade(opened, tells_upgrades(KEY, utc_now))
        with opened.write() as connection:
            add_person(connection, hex_token(), "ann@house.test", "Ann", "", utc_now())


@contextmanager
def database(root: Path, url: str = "") -> Iterator[Database]:
    """The database that a process over `root` has."""
    opened = Database.open(url, root / "var")
    try:
        yield opened
    finally:
        opened.close()


def kept(root: Path, url: str = "") -> list[str]:
    """The receipts in the database, those given for repeats too."""
    with database(root, url) as opened, opened.read() as connection:
        rows = [
            *connection.execute(sa.select(submissions.c.receipt)),
            *connection.execute(sa.select(receipts.c.receipt)),
        ]
        return [row[0] for row in rows]


def count(root: Path, table: sa.Table, url: str = "") -> int:
    with database(root, url) as opened, opened.read() as connection:
        found: int = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        return found


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def receipt(self) -> str:
        assert self.status == 303, (self.status, self.body)
        return self.headers["Location"].rpartition("/")[2]


@dataclass
class Running:
    """A running process. `told` are the lines of its log."""

    process: subprocess.Popen[str]
    port: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ask(self, path: str, method: str = "GET", body: bytes | str = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def send(self, base: str = "", form: str = "contact", head: Mapping[str, str] | None = None, **more: str) -> Answer:
        return self.ask(f"{base}/_ob/f/{form}", "POST", fields(**more), **{**FORM, **(head or {})})

    def end(self, how: int = signal.SIGTERM, seconds: float = 40) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(seconds)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.told if one["kind"] == kind]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def fields(**more: str) -> str:
    """What a visitor's browser sends for the contact form; each instance has its own key."""
    own = {"_ob_instance": secrets.token_hex(16), "_ob_page": "contact.md", "_ob_trap": ""}
    given = {"name": "Ann", "email": "ann@visitor.test", "message": "Hello", **own}
    return urllib.parse.urlencode({**given, **more})


@contextmanager
def running(
    root: Path, env: Mapping[str, str] | None = None, handed: socket.socket | None = None, **options: Any
) -> Iterator[Running]:
    """A process over `root`, listening (at the socket it is `handed`); ended at the end if a test has not ended it."""
    given = {"root": str(root), "port": 0, "site": str(root / "site"), **options}
    command = [sys.executable, "-W", "error", "-c", START, json.dumps(given)]
    if handed:
        command = [sys.executable, "-c", HAND_OVER, str(handed.fileno()), *command]
    one = Running(
        subprocess.Popen(
            command,
            pass_fds=(handed.fileno(),) if handed else (),
            cwd=REPOSITORY,
            env={**{k: v for k, v in os.environ.items() if not k.startswith("OBVERSE_")}, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    started: queue.Queue[int] = queue.Queue()
    readers = [threading.Thread(target=_read, args=(one, started)), threading.Thread(target=_complain, args=(one,))]
    for reader in readers:
        reader.start()
    try:
        one.port = started.get(timeout=40)
        assert one.port, one.errors
        yield one
    except BaseException:
        print(*one.told[-40:], *one.errors, sep="\n")
        raise
    finally:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
            try:
                one.process.wait(30)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()
        for reader in readers:
            reader.join(10)
        for stream in (one.process.stdout, one.process.stderr):
            assert stream
            stream.close()


def _read(one: Running, started: queue.Queue[int]) -> None:
    assert one.process.stdout
    for line in one.process.stdout:
        told = json.loads(line)
        one.told.append(told)
        if told["kind"] == "start":
            started.put(told["port"])
    started.put(0)


def _complain(one: Running) -> None:
    assert one.process.stderr
    one.errors.extend(one.process.stderr)
