"""Which consents were withdrawn, and when -> a file by which they are withdrawn again in a backup that is restored.

A line of JSON a withdrawal, written before the database is: `at`, and the `id` of the asking, which names nobody. It
lies beside the database, since a restored database knows only what it knew.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from capture.files import append, lines_of
from capture.store import consents
from capture.store.database import Database
from capture.store.moments import from_text, to_text

FILE = "withdrawals.jsonl"


def note(folder: Path, id: str, at: datetime) -> None:
    """Write one down, to the disk. Raises OSError."""
    append(folder / FILE, [json.dumps({"at": to_text(at), "id": id})])


def withdrawals(folder: Path) -> list[tuple[str, datetime]]:
    """The ids and times in the file of a data folder, in its order. Raises OSError."""
    return [one for line in lines_of(folder / FILE) if (one := _read(line))]


def withdraw_again(database: Database, noted: list[tuple[str, datetime]]) -> None:
    """Withdraw what was asked until each of these times. Raises what writing to the database raises."""
    with database.write() as connection:
        for one, at in noted:
            consents.withdraw(connection, one, at, until=at)


def _read(line: bytes) -> tuple[str, datetime] | None:
    try:
        plain = json.loads(line)
        return str(plain["id"]), from_text(plain["at"])
    except (ValueError, KeyError, TypeError):
        return None
