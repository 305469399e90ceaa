"""The benchmark and the chaos run of capture: short ones, so that the long ones can be trusted to work and to fail."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import capture
from benchmarks.chaos import Counted, chaos
from benchmarks.filling import fill
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
