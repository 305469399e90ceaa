"""Files that no row names, once they are old enough -> gone: left by a killed process, or by what came twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from capture.files import sync_folder
from capture.store.attachments import known
from capture.store.database import Database, Unavailable
from capture.uploads.shelf import FOLDER, old, remove

# A post is answered in seconds; what waits in a spool is marked, however long that lasts.
AGE = timedelta(days=1)


def orphans(database: Database, folder: Path, now: datetime) -> list[Path]:
    """The files of a data folder that nothing names. Raises OSError, and what reading the database raises."""
    # The folder first: a file whose mark is gone by now has its row by then.
    found = old(folder / FOLDER, (now - AGE).timestamp())
    if not found:
        return []
    with database.read() as connection:
        named = known(connection, found)
    return [path for one, paths in found.items() if one not in named for path in paths]


def sweep(database: Database, folder: Path, now: datetime) -> int:
    """Remove them; how many that were. Raises as `orphans` does."""
    gone = orphans(database, folder, now)
    for path in gone:
        path.unlink(missing_ok=True)
    if gone:
        sync_folder(folder / FOLDER)
    return len(gone)


def drop_copies(database: Database, folder: Path, ids: Iterable[str]) -> None:
    """Remove at once what came with a post that turned out to be a repeat; where it cannot be done, `sweep` does it.

    Rows are asked: a commit that seemed to fail may have been one.
    """
    came = set(ids)
    if not came:
        return
    with contextlib.suppress(Unavailable, OSError), database.read() as connection:
        remove(folder / FOLDER, came - known(connection, came))
