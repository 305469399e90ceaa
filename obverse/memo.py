"""The survey memo: what a body became, kept by the digest of everything it was made from.

A pure function's cache in one SQLite file, shared by all builds of a site and safe to delete at any time. Two rows a
body, because its facts are small and wanted in every build, its parts large and wanted only when it is rendered.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

# Rows nobody asks for any more are kept while there are few: switching a branch back and forth stays fast.
SPARE = 2_000

_CHECK = 4

# Bytes. A body's parts take some 10 kB: with SQLite's own 4096 that is three pages and as many system calls.
_PAGE_SIZE = 32_768

# Each row is written once and read once, by one of several processes: what SQLite would keep of it is kept for nothing.
# What it must have at hand is the index of the keys, which come in no order: some thirty pages at ten thousand bodies.
_CACHE_PAGES = 64

# Bytes of what was put in this build that are held in memory: whoever is forked later need not ask SQLite for them.
AT_HAND = 16 << 20

Row: TypeAlias = tuple[str, str, bytes]
"""Key, part, packed value."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS memo (key TEXT NOT NULL, part TEXT NOT NULL, value BLOB NOT NULL, \
PRIMARY KEY (key, part))"


class Memo:
    """Values by (key, part). A damaged or unwritable file costs speed, never the build."""

    def __init__(self, file: Path | None) -> None:
        """Open (or begin) the memo in `file`; None keeps it in memory for this build alone."""
        self._file = file and _versioned(file)
        self._process = os.getpid()
        self._inherited: sqlite3.Connection | None = None
        self._untold: list[Row] = []
        # Where each lies in a piece of memory that no process copies: to read an object is to write into it.
        self._at_hand: dict[tuple[str, str], slice] = {}
        self._memory, self._all_at_hand = bytearray(), True
        self._connection = _open(self._file)
        self._damaged = False
        self._empty = _is_empty(self._connection)

    def get(self, key: str, part: str) -> Any | None:
        """The value kept under (key, part), or None."""
        if self._empty:
            return None
        held = self._at_hand.get((key, part))
        if held is not None:
            return marshal.loads(memoryview(self._memory)[held])  # noqa: S302 - it was never away
        self._mind_fork()
        try:
            row = self._connection.execute("SELECT value FROM memo WHERE key = ? AND part = ?", (key, part)).fetchone()
            return None if row is None else _unpacked(key, part, row[0])
        except ValueError:
            return None
        except sqlite3.Error as error:
            self._doubt(error)
            return None

    def put(self, key: str, **parts: Any) -> None:
        """Keep marshal-able values under `key`, one row a part."""
        self.keep(rows(key, **parts))

    def keep(self, made: Iterable[Row]) -> None:
        """Keep what `rows` made. A forked process keeps nothing: it has `told` the one it came from."""
        if os.getpid() != self._process:
            self._untold.extend(made)
            return
        self._empty = False
        made = list(made)
        self._hold(made)
        try:
            self._connection.executemany("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", made)
        except sqlite3.Error as error:
            self._doubt(error)

    def _hold(self, made: list[Row]) -> None:
        """Hold these rows in memory while there is room."""
        for key, part, value in made:
            start, end = len(self._memory), len(self._memory) + len(value)
            if end > AT_HAND:
                self._all_at_hand = False
            else:
                self._memory += value
                self._at_hand[key, part] = slice(start + _CHECK, end)

    def told(self) -> list[Row]:
        """What a forked process would have kept since this was asked last."""
        told, self._untold = self._untold, []
        return told

    def share(self) -> None:
        """Let processes that are forked from now on see what was put."""
        if not self._all_at_hand:
            with contextlib.suppress(sqlite3.Error):
                self._connection.commit()

    def write(self) -> None:
        """Write what was put to the file while others work, so that little is left to do in the end."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.commit()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _mind_fork(self) -> None:
        """A connection must not be used on the other side of a fork, nor be closed there."""
        if self._inherited is None and os.getpid() != self._process:
            self._inherited, self._connection = self._connection, _open(self._file)

    def save(self, bodies: int, live: Callable[[], Iterable[str]]) -> None:
        """Make what was put durable against a killed process, and let go of old rows when there are too many.

        `live` gives the keys of all the site's `bodies`.
        """
        with contextlib.suppress(sqlite3.Error):
            self._connection.commit()
            # As many rows were ever written, at most; to count them would be to read them.
            (written,) = self._connection.execute("SELECT coalesce(max(rowid), 0) FROM memo").fetchone()
            if written > 4 * bodies + SPARE:
                keys = set(live())
                (count,) = self._connection.execute("SELECT count(*) FROM memo").fetchone()
                if count > 4 * len(keys) + SPARE:
                    self._forget_all_but(keys)

    def close(self) -> None:
        """Give the file back."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        if self._damaged and self._file:
            _remove(self._file)

    def _doubt(self, error: sqlite3.Error) -> None:
        """A file that is no database any more is taken away in the end; one that is full or read only is left alone."""
        self._damaged = self._damaged or not isinstance(error, sqlite3.OperationalError)

    def _forget_all_but(self, keys: set[str]) -> None:
        self._at_hand.clear()
        self._connection.execute("CREATE TEMP TABLE live (key TEXT PRIMARY KEY)")
        self._connection.executemany("INSERT INTO live VALUES (?)", ((key,) for key in sorted(keys)))
        self._connection.execute("DELETE FROM memo WHERE key NOT IN (SELECT key FROM live)")
        self._connection.execute("DROP TABLE live")
        self._connection.commit()


def rows(key: str, **parts: Any) -> list[Row]:
    """What to keep, so that `get(key, part)` gives the value of each part: anything marshal can write."""
    return [(key, part, _packed(key, part, value)) for part, value in parts.items()]


def _packed(key: str, part: str, value: Any) -> bytes:
    """A value as bytes that begin with their checksum: marshal and SQLite would both believe a damaged disk."""
    body = marshal.dumps(value)
    return _checksum(key, part, body) + body


def _unpacked(key: str, part: str, data: bytes) -> Any:
    check, body = data[:_CHECK], data[_CHECK:]
    if check != _checksum(key, part, body):
        raise ValueError("a damaged row, or that of another key")
    return marshal.loads(body)  # noqa: S302 - checked: our own cache, on our own disk


def _checksum(key: str, part: str, body: bytes) -> bytes:
    """Of the value and of what it is kept under: a damaged index may lead to the row of another body."""
    return zlib.crc32(body, zlib.crc32(f"{key} {part} ".encode())).to_bytes(_CHECK)


@contextlib.contextmanager
def memo(file: Path | None, *, brief: bool = False) -> Iterator[Memo]:
    """The memo in `file` for the length of a `with` block; a `brief` one begins empty and leaves nothing behind."""
    if brief and file:
        _remove(_versioned(file))
    opened = Memo(file)
    try:
        yield opened
    finally:
        opened.close()
        if brief and file:
            _remove(_versioned(file))


def _open(file: Path | None) -> sqlite3.Connection:
    if file is None:
        return _prepared(sqlite3.connect(":memory:"))
    for _attempt in range(2):
        try:
            return _prepared(sqlite3.connect(file, timeout=10))
        except sqlite3.OperationalError:
            break  # a full disk, or nowhere to write: what is remembered there is worth keeping
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # what it says may quote the damage
            _remove(file)
    return _prepared(sqlite3.connect(":memory:"))


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing is remembered yet, so that nobody need ask."""
    try:
        return connection.execute("SELECT 1 FROM memo LIMIT 1").fetchone() is None
    except sqlite3.Error:
        return False


def _versioned(file: Path) -> Path:
    """The file of this Python: marshal's format belongs to one."""
    return file.with_name(f"{file.stem}-{sys.implementation.cache_tag}{file.suffix}")


def _remove(file: Path) -> None:
    """Take a database away with its log, which would else be taken for that of its successor."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            file.with_name(file.name + suffix).unlink()


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
    connection.execute(f"PRAGMA cache_size = {_CACHE_PAGES}")
    connection.execute("PRAGMA journal_mode = WAL")
    # A killed process loses nothing. A power cut may damage the file, which the checksums tell: a cache may forget.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(_SCHEMA)
    return connection
