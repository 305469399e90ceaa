"""The benchmark and the chaos run of capture: short ones, so that the long ones can be trusted to work and to fail."""

import socketserver
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import capture
from benchmarks.chaos import Counted, chaos
from benchmarks.filling import fill
from benchmarks.loading import Request, load
from capture.store.database import FILE
from tests.capture.running import let_in, make_root


def test_the_benchmark_counts_what_it_was_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--seconds", "0.3", "--rounds", "1", "--connections", "4", "--no-isso", "--folder", str(tmp_path)]
    assert capture.main([*short, "--stored", "2000"]) == 0
    said = capsys.readouterr().out
    assert said.count("raw commits") == 2
    assert said.count("of these not stored 0") == 2
    assert "the list" in said
    assert "/healthz" in said
    assert "ours, 4 connections above 2,000" in said
    assert "errors 0" in said
    assert said.count(" MB after ") == 3


@pytest.mark.parametrize(
    ("answer", "status", "place"),
    [
        (b"HTTP/1.1 201 Created\r\nLocation: /t\r\nContent-Length: 2\r\n\r\nok", 201, "/t"),
        (b"HTTP/1.1 201 Created\r\nLocation: /t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 201, "/t"),
        (b"HTTP/1.0 201 Created\r\nLocation: /t\r\nConnection: close\r\n\r\nok", 201, "/t"),
        (b"HTTP/1.1 201 Created\r\nLocation: /t\r\nContent-Length: 9\r\nConnection: close\r\n\r\nok", 0, ""),
        (b"HTTP/1.1 20", 0, ""),
    ],
    ids=["with its length", "in chunks", "until the end", "shorter than it says", "broken off"],
)
def test_the_load_reads_an_answer_to_its_end(answer: bytes, status: int, place: str) -> None:
    class Answering(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(1 << 16):
                for at in range(0, len(answer), 30):  # it does not come in one piece
                    self.request.sendall(answer[at : at + 30])
                if b"close" in answer or not status:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        done = load(server.server_address[1], lambda _: Request("/", b"x=1", {}), connections=3, seconds=0.2)
        server.shutdown()
    assert set(done.statuses) == {status}
    assert set(done.places) == {place}
    assert len(done.took) > 3


def test_a_load_at_a_rate_counts_from_when_each_was_due() -> None:
    """So that whoever waits behind a stall has waited, too."""

    class Stalling(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(1 << 16):
                time.sleep(0.1)
                self.request.sendall(b"HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stalling) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        done = load(server.server_address[1], lambda _: Request("/", b"", {}), connections=1, seconds=0.295, rate=100)
        server.shutdown()
    assert len(done.took) == 30
    assert done.at(0.0) < 0.2 * 1000
    assert done.at(1.0) > 2 * 1000


def test_what_it_fills_a_database_with_is_whole(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    fill(root, "", 300)
    with closing(sqlite3.connect(root / "var" / FILE)) as opened:
        assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
        assert opened.execute("SELECT count(*) FROM answers").fetchone() == (300,)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_short_chaos_ends_well(tmp_path: Path, kind: str) -> None:
    counted = chaos(tmp_path, 2, kind=kind, visitors=4)
    assert counted.good, str(counted)
    assert counted.faults["kill -9"] > 0
    assert any(name.startswith("database ") for name in counted.faults)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", [2, 3])
def test_a_longer_chaos_ends_well(tmp_path: Path, kind: str, seed: int) -> None:
    counted = chaos(tmp_path, 20, kind=kind, seed=seed)
    assert counted.good, str(counted)


@pytest.mark.parametrize(
    "fault",
    [
        {"stored": 9},
        {"stored": 11, "notices": 11, "told": 11},
        {"lost": 1},
        {"duplicates": 1},
        {"told": 9},
        {"acknowledged": 0, "stored": 0, "notices": 0, "told": 0},
    ],
)
def test_chaos_that_loses_doubles_or_is_silent_is_not_good(fault: dict[str, Any]) -> None:
    well = Counted(acknowledged=10, stored=10, notices=10, told=10, mails=12)
    assert well.good
    assert not replace(well, **fault).good
