"""A backup -> a data folder as it was, with nothing told twice; or the proof that it could be.

What was there is put aside, never removed. What the outbox still had to tell when the backup was made may have been
told since: it is given up, and stands in the inbox until a person sends it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from capture.files import put, sync_folder
from capture.keeping.backup import Backup, NotWhole, unpack
from capture.keeping.contacts import erase_again
from capture.keeping.ledger import erasures, note
from capture.secrets import FILE as SECRETS
from capture.secrets import load_secrets
from capture.store.database import FILE as DATABASE
from capture.store.database import Database
from capture.store.migrations import upgrade
from capture.store.moments import to_text
from capture.store.tables import outbox

PAUSED = "restored from a backup: it may have been sent already"

_SIDES = ("", "-wal", "-shm")


class InUse(Exception):  # noqa: N818 -- it names a state
    """The database is open in some process. The message is a sentence."""


def drill(path: Path, folder: Path, now: datetime) -> Backup:
    """Restore beside the data folder, open it with this program, and remove it again.

    Raises NotWhole, OSError, and what opening a database raises.
    """
    with _unpacked(path, folder, now) as (_, backup):
        return backup


def restore(path: Path, folder: Path, now: datetime, key: str) -> tuple[Backup, Path]:
    """Put a backup in the place of what the data folder holds; what it was, and where what was there lies now.

    Files of the spool, uploads and releases that are there stay. Whoever was erased is erased again; `key` is the
    site's, "" for that in the backup. Raises as `drill` does, and InUse; then nothing was changed.
    """
    with _unpacked(path, folder, now) as (unpacked, backup):
        _alone(folder / DATABASE)
        _erase_again(unpacked, folder, key)
        aside = folder / now.astimezone(UTC).strftime("before-restore-%Y%m%dT%H%M%SZ")
        aside.mkdir(mode=0o700)
        _add_files(unpacked, folder)
        if (unpacked / DATABASE).exists():
            _replace(unpacked / DATABASE, folder, aside)
        return backup, aside


@contextlib.contextmanager
def _unpacked(path: Path, folder: Path, now: datetime) -> Iterator[tuple[Path, Backup]]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".restore-") as made:
        unpacked = Path(made, "var")
        backup = unpack(path, unpacked)
        if (unpacked / DATABASE).exists():
            _open(unpacked, now)
        yield unpacked, backup


def _open(folder: Path, now: datetime) -> None:
    """Bring an unpacked database to this program's tables, and pause its outbox."""
    database = Database.open("", folder)
    try:
        upgrade(database)
        with database.write() as connection:
            waiting = outbox.c.state.in_(("waiting", "claimed"))
            given_up = {"state": "dead", "last_error": PAUSED, "done_at": to_text(now)}
            connection.execute(outbox.update().where(waiting).values(**given_up, claimed_by="", claimed_until=None))
    finally:
        database.close()
    _alone(folder / DATABASE)


def _erase_again(unpacked: Path, folder: Path, key: str) -> None:
    """Hold what was unpacked to the ledger of the data folder and its own, and keep both."""
    ledger = {*erasures(folder), *erasures(unpacked)}
    key = key or load_secrets(unpacked, {})[0].key
    if ledger and not key:
        raise NotWhole("some people are to be erased from it, and the key that tells who is not in var/secrets.toml")
    if ledger and (unpacked / DATABASE).exists():
        database = Database.open("", unpacked)
        try:
            erase_again(database, unpacked, key, ledger)
        finally:
            database.close()
        _alone(unpacked / DATABASE)
    note(folder, sorted(ledger, key=lambda one: (one.at, one.who)))


def _alone(file: Path) -> None:
    """Fold the two side files into a database. Raises InUse when any process has it open; a broken one has no use."""
    if not file.exists():
        return
    with contextlib.closing(sqlite3.connect(file, timeout=1)) as raw:
        try:
            raw.execute("PRAGMA journal_mode=DELETE").close()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InUse("the database is in use: end 'obverse run' on this folder first") from None
        except sqlite3.DatabaseError:
            return


def _add_files(unpacked: Path, folder: Path) -> None:
    for path in sorted(unpacked.rglob("*")):
        inside = path.relative_to(unpacked)
        if path.is_file() and (len(inside.parts) > 1 or path.name == SECRETS) and not (folder / inside).exists():
            put(folder / inside, path.read_bytes())


def _replace(made: Path, folder: Path, aside: Path) -> None:
    for side in _SIDES:
        with contextlib.suppress(FileNotFoundError):
            os.replace(folder / (DATABASE + side), aside / (DATABASE + side))
    with made.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(made, folder / DATABASE)
    for one in (aside, folder):
        sync_folder(one)
