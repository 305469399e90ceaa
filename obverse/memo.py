"""The survey memo: what a body became, kept by the digest of everything it was made from.

A pure function's cache in one SQLite file, shared by all builds of a site and safe to delete at any time. Two rows a
body, because its facts are small and wanted in every build, its parts large and wanted only when it is rendered.
"""

from __future__ import annotations

import contextlib
import marshal
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# Rows nobody asks for any more are kept while there are few: switching a branch back and forth stays fast.
SPARE = 2_000

_SCHEMA = "CREATE TABLE IF NOT EXISTS memo (key TEXT NOT NULL, part TEXT NOT NULL, value BLOB NOT NULL, \
PRIMARY KEY (key, part))"


class Memo:
    """Values by (key, part). A damaged or unwritable file costs speed, never the build."""

    def __init__(self, file: Path | None) -> None:
        """Open (or begin) the memo in `file`; None keeps it in memory for this build alone."""
        self._connection = _open(file)

    def get(self, key: str, part: str) -> Any | None:
        """The value kept under (key, part), or None."""
        try:
            row = self._connection.execute("SELECT value FROM memo WHERE key = ? AND part = ?", (key, part)).fetchone()
            return None if row is None else marshal.loads(row[0])  # noqa: S302 - our own cache, on our own disk
        except (sqlite3.Error, ValueError, EOFError, TypeError):
            return None

    def put(self, key: str, **parts: Any) -> None:
        """Keep marshal-able values under `key`, one row a part."""
        rows = [(key, part, marshal.dumps(value)) for part, value in parts.items()]
        with contextlib.suppress(sqlite3.Error):
            self._connection.executemany("INSERT OR REPLACE INTO memo VALUES (?, ?, ?)", rows)

    def save(self, live: Iterable[str]) -> None:
        """Make what was put durable against a killed process, and let go of old rows when there are too many."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.commit()
            (count,) = self._connection.execute("SELECT count(*) FROM memo").fetchone()
            keys = set(live)
            if count > 4 * len(keys) + SPARE:
                self._forget_all_but(keys)

    def close(self) -> None:
        """Give the file back."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _forget_all_but(self, keys: set[str]) -> None:
        self._connection.execute("CREATE TEMP TABLE live (key TEXT PRIMARY KEY)")
        self._connection.executemany("INSERT INTO live VALUES (?)", ((key,) for key in sorted(keys)))
        self._connection.execute("DELETE FROM memo WHERE key NOT IN (SELECT key FROM live)")
        self._connection.execute("DROP TABLE live")
        self._connection.commit()


@contextlib.contextmanager
def memo(file: Path | None) -> Iterator[Memo]:
    """The memo in `file` for the length of a `with` block."""
    opened = Memo(file)
    try:
        yield opened
    finally:
        opened.close()


def _open(file: Path | None) -> sqlite3.Connection:
    if file is None:
        return _prepared(sqlite3.connect(":memory:"))
    # marshal's format belongs to one Python; another Python gets a file of its own.
    versioned = file.with_name(f"{file.stem}-{sys.implementation.cache_tag}{file.suffix}")
    for _attempt in range(2):
        try:
            return _prepared(sqlite3.connect(versioned, timeout=10))
        except sqlite3.DatabaseError:
            with contextlib.suppress(OSError):
                versioned.unlink()
    return _prepared(sqlite3.connect(":memory:"))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(_SCHEMA)
    return connection
