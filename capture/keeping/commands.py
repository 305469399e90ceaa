"""Backup, restore, export and erasure at the command line: each function prints, and gives back an exit code."""

from __future__ import annotations

import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

from capture.keeping.backup import Backup, NotWhole, back_up, rotate
from capture.keeping.restore import InUse
from capture.keeping.restore import drill as drilled
from capture.keeping.restore import restore as restored
from capture.secrets import load_secrets
from capture.store.database import FILE, Unavailable
from capture.store.migrations import TooNew
from obverse.problems import Level, as_text, problem

VAR = "var"


def backup(root: Path, secrets: bool, daily: int, weekly: int) -> int:
    """Write a backup into `var/backups/`, prove it whole, and remove those that need not be kept."""
    folder = root / VAR
    known, problems = load_secrets(folder, os.environ)
    wrong = [one for one in problems if one.level is Level.ERROR]
    if wrong:  # the database may be another than the one that is looked for
        print(as_text(wrong), file=sys.stderr)
        return 1
    if min(daily, weekly) < 1:
        return _refused("at least one day and one week must be kept")
    own = not known.database
    if not (folder / FILE).is_file() and own:
        return _refused("there is nothing yet to back up: nobody has sent a form")
    try:
        path, made = back_up(folder, datetime.now(UTC), database=own, secrets=secrets)
    except (NotWhole, OSError, sqlite3.Error) as error:
        return _refused(f"no backup was made: {_why(error)}")
    gone = rotate(folder, daily=daily, weekly=weekly)
    print(f"{path.relative_to(root)}: {_told(made)}. {len(gone)} older removed.")
    if not own:
        print("The database is elsewhere and not in it: back it up with pg_dump.")
    return 0


def restore(root: Path, file: Path, drill: bool) -> int:
    """Put a backup in the place of what is in `var/`; with `drill` prove that it could be, and change nothing."""
    try:
        if drill:
            print(f"{file.name} can be restored: {_told(drilled(file, root / VAR, datetime.now(UTC)))}.")
            return 0
        made, aside = restored(file, root / VAR, datetime.now(UTC), load_secrets(root / VAR, os.environ)[0].key)
    except (NotWhole, InUse, TooNew, Unavailable, OSError, sqlite3.Error) as error:
        return _refused(f"{file.name} was not restored: {_why(error)}")
    print(f"Restored {_told(made)}. What was there is in {aside.relative_to(root)}/; it holds personal data.")
    print("What was still to be sent waits in the inbox until somebody sends it.")
    return 0


def _told(backup: Backup) -> str:
    rows = f"{backup.counts['inquiries']} inquiries, " if "inquiries" in backup.counts else ""
    return f"{rows}{len(backup.digests)} files, whole, of {backup.at:%Y-%m-%d %H:%M} UTC"


def _why(error: Exception) -> str:
    return (error.strerror or "it cannot be used") if isinstance(error, OSError) else str(error).rstrip(".")


def _refused(why: str) -> int:
    print(as_text((problem("backup", "", why, hint="what is in var/ is as it was"),)), file=sys.stderr)
    return 1
