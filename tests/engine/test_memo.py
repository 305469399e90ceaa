"""The memo costs time when it is gone, damaged or read only, and never a word of any page."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from obverse import memo as memos
from obverse.memo import Memo, memo
from tests.engine.sites import TinySite


def _file(folder: Path) -> Path:
    (found,) = folder.glob("memo*.db")
    return found


def test_what_is_put_is_got_by_the_next(tmp_path: Path) -> None:
    with memo(tmp_path / "memo.db") as one:
        one.put("key", facts=("a", 1), parts=("b",))
        one.save(1, lambda: ["key"])
    with memo(tmp_path / "memo.db") as two:
        assert two.get("key", "facts") == ("a", 1)
        assert two.get("key", "parts") == ("b",)
        assert two.get("key", "none") is None


@pytest.mark.parametrize("place", range(40))
def test_any_damaged_row_is_forgotten(tmp_path: Path, place: int) -> None:
    with memo(tmp_path / "memo.db") as one:
        one.put("key", facts=("some text that would be believed", 1))
        one.save(1, lambda: ["key"])
    with sqlite3.connect(_file(tmp_path)) as connection:
        (value,) = connection.execute("SELECT value FROM memo").fetchone()
        damaged = value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
        connection.execute("UPDATE memo SET value = ?", (damaged,))
    connection.close()
    with memo(tmp_path / "memo.db") as two:
        assert two.get("key", "facts") is None


@pytest.mark.parametrize("data", [b"", b"no database at all, though as long as one might be" * 100])
def test_a_file_that_is_no_database_is_replaced(tmp_path: Path, data: bytes) -> None:
    with memo(tmp_path / "memo.db"):
        pass
    _file(tmp_path).write_bytes(data)
    with memo(tmp_path / "memo.db") as one:
        one.put("key", facts=1)
        one.save(1, lambda: ["key"])
    with memo(tmp_path / "memo.db") as two:
        assert two.get("key", "facts") == 1


def test_a_body_whose_parts_were_forgotten_is_surveyed_again(built: TinySite) -> None:
    with sqlite3.connect(_file(built.root / ".obverse")) as connection:
        assert connection.execute("DELETE FROM memo WHERE part = 'parts'").rowcount > 5
    connection.close()
    built.replace("obverse.toml", 'title = "Tiny"', 'title = "Larger"')
    built.assert_as_clean(built.good_build())


def test_a_memo_that_takes_nothing_costs_no_word(tiny: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memo, "put", lambda *_, **__: None)
    assert tiny.good_build().problems == ()
    assert b"Welcome to" in (tiny.out / "index.html").read_bytes()


FORKED = """
import os, sys
from pathlib import Path
from obverse import memo as memos
memos.AT_HAND = int(sys.argv[2])
with memos.memo(Path(sys.argv[1])) as one:
    for number in range(20):
        one.put(str(number), facts=number, parts="x" * number)
    one.share()
    child = os.fork()
    if not child:
        found = [(one.get(str(number), "facts"), one.get(str(number), "parts")) for number in range(20)]
        os._exit(0 if found == [(number, "x" * number) for number in range(20)] else 1)
    assert os.waitpid(child, 0)[1] == 0
    one.write()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("room", [0, 200, memos.AT_HAND])
def test_a_forked_process_finds_what_was_put(tmp_path: Path, room: int) -> None:
    command = [sys.executable, "-c", FORKED, str(tmp_path / "memo.db"), str(room)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    with memo(tmp_path / "memo.db") as two:
        assert two.get("19", "facts") == 19


def test_old_rows_go_when_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memos, "SPARE", 3)
    with memo(tmp_path / "memo.db") as one:
        for number in range(20):
            one.put(str(number), facts=number)
        one.save(1, lambda: ["7"])
        assert one.get("7", "facts") == 7
        assert one.get("8", "facts") is None


def test_a_memo_whose_damage_is_no_text_is_begun_anew(tmp_path: Path) -> None:
    """SQLite tells of a schema that makes no sense by quoting it."""
    with memo(tmp_path / "memo.db") as one:
        one.put("a", facts=1)
    [file] = tmp_path.glob("memo*.db")
    data = file.read_bytes()
    assert b"CREATE TABLE memo" in data
    file.write_bytes(data.replace(b"CREATE TABLE memo", b"CREATE \xb1ABLE memo"))
    with memo(tmp_path / "memo.db") as one:
        assert one.get("a", "facts") is None
        one.put("a", facts=2)
        assert one.get("a", "facts") == 2
