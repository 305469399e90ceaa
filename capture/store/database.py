"""A URL -> a database that writes in whole transactions, or says in one word that it cannot: `Unavailable`.

SQLite: write-ahead log, every commit synced to the disk, one writer at a time, readers never wait. PostgreSQL: given up
after seconds when the server is gone, so that a submission reaches the spool while its sender still waits.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from capture.files import make_folder

FILE = "obverse.db"
_WRITING = "obverse_writing"

# Seconds between two looks whether another process has ended its transaction, which takes a few milliseconds.
_LOOK = 0.001

# journal_mode reads the file, so it is last: the wait is set by then.
_PRAGMAS = ("foreign_keys=ON", "synchronous=FULL", "journal_mode=WAL")


class Unavailable(Exception):  # noqa: N818 -- it names a state, not a fault of the program
    """The database cannot be used now: locked for too long, full, broken or away. Tells nothing of what was stored."""


class Refused(Exception):  # noqa: N818 -- as above
    """The database refused a statement: a fault of the program. Tells the statement, never the values."""


class BadUrl(ValueError):  # noqa: N818 -- as above
    """The URL names no database that Obverse can use. The message is a sentence for the owner, without the URL."""


class Database:
    """One database, for all threads of a process."""

    def __init__(self, engine: sa.Engine, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._line = threading.Lock()
        self._writer: sa.Connection | None = None
        self._syncs = True  # whether its commits do
        self.is_postgres = engine.dialect.name == "postgresql"

    @classmethod
    def open(cls, url: str, folder: Path, *, patience: float = 5.0) -> Database:
        """The database at that URL, "" for SQLite in `folder/obverse.db`. Nothing is connected yet.

        `patience` is how many seconds a statement, a lock or a connection may take. Raises BadUrl, and Unavailable when
        the folder or the file cannot be made.
        """
        parsed = _parsed(url, folder)
        if parsed.get_backend_name() == "sqlite":
            return cls(_sqlite(parsed, patience), patience)
        return cls(_postgres(parsed, patience), patience)

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[sa.Connection]:
        """A connection in one transaction: committed, and on the disk, when the block ends; undone when it raises.

        What is not `lasting` may be undone by a power cut, and by nothing less, until something lasting is written or
        the log is folded: others need not wait for the disk then. PostgreSQL, where nobody waits, makes all of it last.
        """
        with _told(), self._turn(), self._writing(lasting) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading. What is written through it is undone."""
        with _told(), self._engine.connect() as connection:
            yield connection

    def fold(self) -> None:
        """Move SQLite's log into the database and empty it, as far as readers allow: what was erased is in neither."""
        if not self.is_postgres:
            with _told(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def fold_aside(self) -> None:
        """Sync SQLite's log, and move what it holds into the database, beside those who write and read."""
        if not self.is_postgres:
            with _told(), self._engine.connect() as connection:
                _raw(connection).execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def close(self) -> None:
        """Give back every connection. The database may be used again afterwards."""
        with contextlib.suppress(Unavailable), self._turn():
            self._give_up_writer()
        self._engine.dispose()

    @contextmanager
    def _writing(self, lasting: bool) -> Iterator[sa.Connection]:
        """The connection of who writes. SQLite's is always the same one: it has read most of what it changes."""
        if self.is_postgres:
            with self._engine.connect() as connection:
                yield connection
            return
        try:
            yield self._only_writer(lasting)
        except BaseException:
            self._give_up_writer()  # a new one knows of nothing that went wrong
            raise

    def _only_writer(self, lasting: bool) -> sa.Connection:
        if self._writer is None:
            self._writer, self._syncs = self._engine.connect().execution_options(**{_WRITING: True}), True
            # Who is refused looks again each millisecond: SQLite itself would come to wait a tenth of a second.
            _raw(self._writer).execute("PRAGMA busy_timeout=0").close()
        if self._syncs is not lasting:
            _raw(self._writer).execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}").close()
            self._syncs = lasting
        return self._writer

    def _give_up_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer:
            writer.invalidate()
            writer.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Stand in line: SQLite has one writer, and waiting here is fairer than its busy handler."""
        if self.is_postgres:
            yield
            return
        if not self._line.acquire(timeout=self._patience):
            raise Unavailable("other writers of this process took too long")
        try:
            yield
        finally:
            self._line.release()


def mark(connection: sa.Connection) -> str:
    """What stands for a value in a statement that is given to the driver as text."""
    return "?" if connection.dialect.name == "sqlite" else "%s"


def select(connection: sa.Connection, statement: str, values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """The rows that a statement of the driver's own text finds."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql(statement, tuple(values))
    with _told(statement):
        found: list[Sequence[Any]] = _raw(connection).execute(statement, values).fetchall()
        return found


def insert(connection: sa.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Execute a statement of the driver's own text for each of the rows."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(statement, list(rows))
        return
    with _told(statement):
        _raw(connection).executemany(statement, rows).close()


def lock(connection: sa.Connection, *names: str) -> None:
    """Until the transaction ends, no other one passes this line with the same names.

    SQLite needs nothing: its transactions that write are alone from their first statement on.
    """
    lock_each(connection, [names])


def lock_each(connection: sa.Connection, several: Iterable[tuple[str, ...]]) -> None:
    """The same for several names at once, always in the same order: nobody waits in a ring."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"keys": sorted({_number(names) for names in several})})


_LOCK = sa.text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


def _number(names: tuple[str, ...]) -> int:
    digest = hashlib.blake2b("\0".join(names).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _parsed(url: str, folder: Path) -> sa.URL:
    if not url:
        _make_private(folder)
        return sa.URL.create("sqlite", database=str(folder / FILE))
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise BadUrl("the database URL cannot be read") from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database:
        _make_private(Path(parsed.database).parent, Path(parsed.database).name)
        return parsed
    raise BadUrl("the database URL must begin with postgresql:// (or be left out, for SQLite in the data folder)")


def _make_private(folder: Path, name: str = FILE) -> None:
    """The folder and the file, for their owner only; SQLite gives its two side files the mode of the first."""
    try:
        make_folder(folder)
        os.close(os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Unavailable(f"the database file cannot be made: {error.strerror}") from None


def _sqlite(url: sa.URL, patience: float) -> sa.Engine:
    engine = _engine(url, patience, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def _connected(raw: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions where it likes, and never before DDL: we begin them.
        raw.isolation_level = None
        for pragma in _PRAGMAS:
            _execute_when_free(raw, f"PRAGMA {pragma}", patience)

    @event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(_WRITING):
            _execute_when_free(_raw(connection), "BEGIN IMMEDIATE", patience)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _raw(connection: sa.Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection


def _execute_when_free(raw: Any, statement: str, patience: float) -> None:
    """Execute what SQLite may refuse at once while another process is at it: so it does when both begin a new log."""
    end = time.monotonic() + patience
    while not _is_executed(raw, statement, end):
        time.sleep(_LOOK)


def _is_executed(raw: Any, statement: str, end: float) -> bool:
    try:
        raw.execute(statement).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
            raise
        return False
    return True


def _postgres(url: sa.URL, patience: float) -> sa.Engine:
    seconds = max(2, int(patience))
    connecting = {"connect_timeout": seconds, "tcp_user_timeout": seconds * 1000, "keepalives_idle": 30}
    try:
        engine = _engine(url, patience, connect_args=connecting, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise BadUrl("PostgreSQL needs one more package: pip install 'obverse[postgres]'") from None

    @event.listens_for(engine, "connect")
    def _connected(raw: Any, _record: object) -> None:
        with raw.cursor() as cursor:
            # A lock is given up first, so that the message says what was waited for. Idle is who died in the middle;
            # an export to a slow line is idle for a while, too.
            for limit, wait in (
                ("lock_timeout", patience),
                ("statement_timeout", 2 * patience),
                ("idle_in_transaction_session_timeout", 60),
            ):
                cursor.execute(f"SET {limit} = {int(wait * 1000)}")
        raw.commit()

    return engine


def _engine(url: sa.URL, patience: float, **options: Any) -> sa.Engine:
    # No statement's values may reach a log through an exception's text.
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=20,
        pool_timeout=patience,
        poolclass=sa.QueuePool,
        **options,
    )


# What the two drivers call "not now", SQLAlchemy's names for it and SQLite's own.
_OPERATIONAL = (
    *(exc.OperationalError, exc.InterfaceError, exc.InternalError),
    *(sqlite3.OperationalError, sqlite3.InterfaceError, sqlite3.InternalError),
)
# A file that is no database or is broken is of the plain class, of which all others are.
_BROKEN = (exc.DatabaseError, sqlite3.DatabaseError)


@contextmanager
def _told(statement: str = "") -> Iterator[None]:
    """Raise what a database refuses as Unavailable or Refused. `statement` is given to SQLite's driver by us."""
    try:
        yield
    except exc.TimeoutError:
        raise Unavailable("all connections are in use") from None
    except (exc.DBAPIError, sqlite3.Error) as error:
        refused = getattr(error, "statement", statement)
        if not refused or isinstance(error, _OPERATIONAL) or type(error) in _BROKEN:
            raise Unavailable(_reason(error)) from None
        raise Refused(f"{_name(error)} in: {refused}") from None


def _reason(error: exc.DBAPIError | sqlite3.Error) -> str:
    # Before there is a statement there are no values either, and the server's own words help the owner.
    words = (
        str(error.orig).strip().splitlines() if isinstance(error, exc.DBAPIError) and error.statement is None else []
    )
    return f"{_name(error)}: {words[0]}" if words else _name(error)


def _name(error: exc.DBAPIError | sqlite3.Error) -> str:
    """`SQLITE_FULL`, `DiskFull 53100`, or the class of the driver's error."""
    inner = getattr(error, "orig", error)
    name = getattr(inner, "sqlite_errorname", "") or type(inner).__name__
    return f"{name} {getattr(inner, 'sqlstate', None) or ''}".strip()
