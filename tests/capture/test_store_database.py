"""The database: whole transactions, and one word for everything that keeps it from its work."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.store import tables
from capture.store.database import FILE, BadUrl, Database, Refused, Unavailable
from capture.store.migrations import upgrade
from capture.store.moments import from_text, maybe_from, to_text
from capture.store.saving import save
from tests.capture.databases import Server
from tests.capture.samples import NOW, make_submission, tokens


@contextmanager
def opened(url: str, folder: Path, patience: float = 0.2) -> Iterator[Database]:
    database = Database.open(url, folder, patience=patience)
    try:
        yield database
    finally:
        database.close()


def add(database: Database, key: str, secret: str = "", then: Callable[[], object] = str) -> None:
    """One row; `then` happens in the same transaction."""
    with database.write() as connection:
        connection.execute(tables.contacts.insert().values(id=key, name=secret, created_at=to_text(NOW)))
        then()


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(tables.contacts.c.id).order_by(tables.contacts.c.id)).scalars())


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        add(database, "a", then=lambda: 1 / 0)
    add(database, "b")
    assert keys(database) == ["b"]


def test_what_is_written_while_reading_is_undone(database: Database) -> None:
    with database.read() as connection:
        connection.execute(tables.contacts.insert().values(id="a", created_at=to_text(NOW)))
    assert keys(database) == []


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as connection:
        connection.execute(tables.contacts.insert().values(id="a", created_at=to_text(NOW)))
        assert keys(database) == []
    assert keys(database) == ["a"]


def test_a_refused_statement_tells_no_values(database: Database) -> None:
    add(database, "a")
    with pytest.raises(Refused) as caught:
        add(database, "a", "ada@example.org")
    assert "INSERT INTO contacts" in str(caught.value)
    assert "ada@example.org" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_foreign_keys_are_held(database: Database) -> None:
    with pytest.raises(Refused), database.write() as connection:
        connection.execute(tables.links.insert().values(id="a", user="nobody", expires_at=to_text(NOW)))


def test_sqlite_is_set_up_to_lose_nothing(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert asked == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_sqlite_has_one_connection_that_writes(sqlite_url: str, tmp_path: Path) -> None:
    """One that finds in its memory what it wrote before; what goes wrong in a transaction ends with its connection."""
    with opened(sqlite_url, tmp_path) as database:
        first = written_by(database)
        assert written_by(database) is first
        with pytest.raises(ZeroDivisionError):
            add(database, "a", then=lambda: 1 / 0)
        assert written_by(database) is not first
        add(database, "b")
        assert keys(database) == ["b"]


def written_by(database: Database) -> object:
    with database.write() as connection:
        return connection.connection.driver_connection


def test_what_is_folded_aside_is_in_the_database_itself(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url, tmp_path) as database:
        add(database, "a", "Ann Folded")
        assert b"Ann Folded" not in (tmp_path / "var" / FILE).read_bytes()
        add(database, "b", then=database.fold_aside)  # while one writes
        assert b"Ann Folded" in (tmp_path / "var" / FILE).read_bytes()


def test_a_folder_that_is_made_for_the_file_survives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite syncs the folder of its file; the folders around it are ours to sync."""
    synced: list[int] = []
    monkeypatch.setattr("capture.files.os.fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    Database.open("", tmp_path / "site" / "var").close()
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "site").stat().st_ino]


def test_sqlite_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with opened("", tmp_path / "var") as database:
            upgrade(database)
            files = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (tmp_path / "var").iterdir()}
    finally:
        os.umask(before)
    assert files == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_a_full_disk_is_unavailable_and_passes(sqlite_database: Database) -> None:
    big = "x" * 2_000_000
    with sqlite_database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # One connection is in the pool, and the limit is the connection's.
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 10}")
    with pytest.raises(Unavailable, match="SQLITE_FULL"):
        add(sqlite_database, "a", big)
    with sqlite_database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    add(sqlite_database, "b", big)
    assert keys(sqlite_database) == ["b"]


LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
connection.close()
"""


def test_locked_by_another_process_is_unavailable_after_the_wait(sqlite_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOCKER, tmp_path / "var" / FILE]
    with opened(sqlite_url, tmp_path) as database:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as locker:
            assert locker.stdout is not None
            assert locker.stdout.readline() == "locked\n"
            started = time.perf_counter()
            with pytest.raises(Unavailable, match="SQLITE_BUSY"):
                add(database, "a")
            assert 0.2 <= time.perf_counter() - started < 5
            assert keys(database) == []  # readers go on
            locker.communicate("\n")
        add(database, "b")
        assert keys(database) == ["b"]


def test_a_writer_of_the_same_process_is_waited_for_no_longer(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url, tmp_path, patience=0.1) as database:
        with database.write(), pytest.raises(Unavailable, match="other writers"):
            add(database, "a")
        add(database, "b")
        assert keys(database) == ["b"]


def test_writers_stand_in_line(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url, tmp_path, patience=10) as database:
        threads = [threading.Thread(target=add, args=(database, f"{number:02}")) for number in range(20)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert keys(database) == [f"{number:02}" for number in range(20)]


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_file_is_unavailable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with opened("", tmp_path) as database:
        for attempt in (upgrade, keys, lambda database: add(database, "a")):
            with pytest.raises(Unavailable):
                attempt(database)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_page_that_breaks_later_is_unavailable(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "var" / FILE
    with opened(sqlite_url, tmp_path) as database:
        add(database, "a")
    with sqlite3.connect(file) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'contacts'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with file.open("r+b") as stream:
        stream.seek((root - 1) * size)
        stream.write(b"\xff" * size)
    with opened(sqlite_url, tmp_path) as database, pytest.raises(Unavailable, match="SQLITE_CORRUPT"):
        add(database, "b")


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be made"):
        Database.open("", tmp_path / "file" / "var")


def test_nobody_at_home_is_unavailable(tmp_path: Path) -> None:
    nowhere = "postgresql://somebody:secret@127.0.0.1:1/x"
    with opened(nowhere, tmp_path, patience=2) as database, pytest.raises(Unavailable) as caught:
        keys(database)
    assert "secret" not in repr(caught.value)


def test_a_connection_that_was_cut_is_replaced(postgres: Server, postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url, tmp_path, patience=5) as database:
        add(database, "a")
        name = postgres_url.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        postgres.execute(cut)
        add(database, "b")
        with pytest.raises(Unavailable):
            add(database, "c", then=lambda: postgres.execute(cut))
        assert keys(database) == ["a", "b"]


def test_a_lock_held_by_another_is_unavailable_in_time(postgres_url: str, tmp_path: Path) -> None:
    submission = make_submission(instance="one")
    with opened(postgres_url, tmp_path) as database, opened(postgres_url, tmp_path) as other:
        with database.write() as connection:
            save(connection, submission, [], tokens())
            with pytest.raises(Unavailable, match="LockNotAvailable"), other.write() as second:
                save(second, submission, [], tokens("other"))
        with other.write() as second:
            assert save(second, submission, [], tokens("other")).outcome == "replayed"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_the_scheme(postgres_url: str, tmp_path: Path, scheme: str) -> None:
    with opened(postgres_url.replace("postgresql", scheme, 1), tmp_path, patience=5) as database:
        assert database.is_postgres
        assert keys(database) == []


@pytest.mark.parametrize("url", ["mysql://a:secret@b/c", "secret", "sqlite://", "postgresql+asyncpg://secret@x/y"])
def test_a_url_of_nothing_we_know(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadUrl) as caught:
        Database.open(url, tmp_path)
    assert "secret" not in str(caught.value)


def test_postgres_without_its_driver_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(BadUrl, match="pip install 'obverse\\[postgres\\]'"):
        Database.open("postgresql://a@b/c", tmp_path)


@pytest.mark.parametrize(
    "moment, text",
    [
        (NOW, "2026-11-23T22:05:00.000000Z"),
        (datetime(2026, 11, 23, 23, 5, 0, 5, tzinfo=timezone(timedelta(hours=1))), "2026-11-23T22:05:00.000005Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_moments_are_text_that_sorts(moment: datetime, text: str) -> None:
    assert to_text(moment) == text
    assert from_text(text) == moment
    assert from_text(text).tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        to_text(datetime(2026, 11, 23))  # noqa: DTZ001 -- that is the point
    assert maybe_from(None) is None
