"""`obverse backup` and `obverse restore`: each function prints what it did, and gives back an exit code."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from capture.audit.chain import Entry
from capture.audit.kinds import actor
from capture.backup import archive, pause, rotation
from capture.backup.archive import FOLDERS, Broken, Manifest
from capture.backup.occupancy import UNFINISHED, Occupied, within
from capture.files import make_folder, put, sync_folder
from capture.keeping.contacts import erase_again
from capture.keeping.ledger import erasures, note
from capture.keeping.withdrawals import withdraw_again, withdrawals
from capture.secrets import FILE as SECRETS
from capture.secrets import key_of, load_secrets
from capture.setup import VAR
from capture.store import audit
from capture.store.database import FILE as DATABASE
from capture.store.database import BadUrl, Database, Unavailable
from capture.store.migrations import TooNew, upgrade
from obverse.problems import Problem, as_text, problem

KEPT = "backups"

# What a data folder consists of, as a restore changes it.
_PARTS = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", SECRETS, *FOLDERS)


def back_up(root: Path, target: str, days: int, *, secrets: bool) -> int:
    """Back up the house at `root` into `target`, a file or a folder ("" for `var/backups`); rotate in a folder.

    `days` is for how many days one backup each is kept, 0 for all.
    """
    folder, now = root / VAR, datetime.now(UTC)
    if not folder.is_dir():
        return _told("no-house", f"there is no {VAR}/ in {root}", "`obverse run` and `obverse users add` make it")
    place = Path(target) if target else folder / KEPT
    whole = not target or place.is_dir() or target.endswith(os.sep)
    file = place / rotation.name_at(now) if whole else place
    try:
        manifest = archive.write(folder, file, now, secrets=secrets)
        gone = rotated(place, days) if whole and days else []
    except (Broken, OSError) as error:
        return _told("backup", _sentence(error), "nothing was changed")
    _tell_made(root, manifest, now, secrets=secrets)
    removed = f"; removed {len(gone)} older" if gone else ""
    head = f"; audit {manifest.audit}" if manifest.audit else ""
    print(f"{file}: {_spoken(manifest)}, {file.stat().st_size / 1e6:.1f} MB, opened and counted{removed}{head}")
    if not manifest.rows:
        print("the database is not in it: back it up with pg_dump")
    return 0


def rotated(place: Path, days: int) -> list[Path]:
    """Remove the backups of a folder that are no longer wanted; those that were removed."""
    names = rotation.superfluous((path.name for path in rotation.backups(place)), days)
    for name in names:
        (place / name).unlink(missing_ok=True)
    return [place / name for name in names]


def drill(root: Path, file: Path) -> int:
    """Restore beside the house, to see that it can be done: nothing of the house is touched but its audit log."""
    try:
        with tempfile.TemporaryDirectory() as place, archive.opened(file, Path(place) / VAR) as manifest:
            _brought_up(Path(place) / VAR, manifest)
            made = {"made": _made(manifest)}
            _tell_house(root, Entry(datetime.now(UTC), actor(os.environ), "backup.drilled", facts=made))
            print(f"{file.name} can be restored: {_spoken(manifest)}, made at {manifest.made_at}")
    except (Broken, OSError, TooNew, Unavailable) as error:
        return _told("backup", _sentence(error), f"restore another one; {root / VAR} was not touched")
    return 0


def restore(root: Path, file: Path) -> int:
    """Put what a backup holds in place of the house's data, which is moved aside, not lost. Nobody may be at work."""
    folder, now = root / VAR, datetime.now(UTC)
    aside = folder / f"before-restore-{now:%Y%m%dT%H%M%SZ}"
    try:
        with within(folder, alone=True), tempfile.TemporaryDirectory(dir=folder, prefix=".restore.") as place:
            fresh = Path(place) / VAR
            with archive.opened(file, fresh) as manifest:
                _brought_up(fresh, manifest)
                _erased_again(folder, fresh, manifest)
                _withdrawn_again(folder, fresh, manifest)
                _restored(folder, fresh, manifest, now)
                pause.pause(folder, f"restored from {file.name}, made at {manifest.made_at}")
                _exchanged(folder, fresh, aside)
    except Occupied:
        return _told("in-use", f"somebody works in {folder}", "end `obverse run` first")
    except (Broken, OSError, TooNew, Unavailable) as error:
        return _told("backup", _sentence(error), f"restore another one; what was there is in {VAR}/ or {aside.name}/")
    print(f"restored {_spoken(manifest)}, made at {manifest.made_at}; what was there is in {VAR}/{aside.name}/")
    print("Nothing is sent until you say so, since what waited then may have been sent since: obverse outbox resume")
    return 0


def _brought_up(folder: Path, manifest: Manifest) -> None:
    """Open the database as a start would, and bring it up to this program's tables. Raises what that raises."""
    _, problems = load_secrets(folder, {})
    if any(one.code == "config-syntax" for one in problems):
        raise Broken("the secrets in it cannot be read")
    if manifest.rows:
        with closing(Database.open("", folder)) as database:
            upgrade(database)


def _erased_again(folder: Path, fresh: Path, manifest: Manifest) -> None:
    """Erase from what was restored whoever was erased by now, and keep the ledgers of both. Raises Broken.

    With a key of its own, a backup has digests of its own: who is in either ledger by either key is erased.
    """
    ledger = sorted({*erasures(folder), *erasures(fresh)}, key=lambda one: (one.at, one.who))
    keys = {load_secrets(one, os.environ)[0].key for one in (folder, fresh)} - {""}
    if ledger and not keys:
        raise Broken(f"people are to be erased from it, and the key that tells who is not in {VAR}/{SECRETS}")
    if ledger and manifest.rows:
        with closing(Database.open("", fresh)) as database:
            for key in sorted(keys):
                erase_again(database, fresh, key, ledger)
    note(folder, ledger)


def _withdrawn_again(folder: Path, fresh: Path, manifest: Manifest) -> None:
    """What was withdrawn since the backup was made is withdrawn in what was restored. The file of it stays here."""
    noted = withdrawals(folder)
    if noted and manifest.rows:
        with closing(Database.open("", fresh)) as database:
            withdraw_again(database, noted)


def _restored(folder: Path, fresh: Path, manifest: Manifest, now: datetime) -> None:
    """The row that goes on from the backup's, and names the head of the log that it takes the place of."""
    if not manifest.rows:
        return
    key = load_secrets(fresh, os.environ)[0].key or load_secrets(folder, os.environ)[0].key
    left = ""
    if (folder / DATABASE).is_file():
        with contextlib.suppress(Broken):
            left = archive.head_in(folder / DATABASE)
    with closing(Database.open("", fresh)) as database, database.write() as connection:
        facts = {"made": _made(manifest), "head": audit.head(connection), "left": left}
        audit.append(connection, key, Entry(now, actor(os.environ), "backup.restored", facts=facts))


def _tell_made(root: Path, manifest: Manifest, now: datetime, *, secrets: bool) -> None:
    counts = {"inquiries": manifest.rows.get("inquiries", 0), "files": len(manifest.files)}
    facts = {**counts, "head": manifest.audit, "secrets": secrets}
    _tell_house(root, Entry(now, actor(os.environ), "backup.made", facts=facts))


def _tell_house(root: Path, entry: Entry) -> None:
    """Tell the audit log of a house what was done with its backups. One that has none yet is not given one."""
    folder = root / VAR
    given, _ = load_secrets(folder, os.environ)
    if not given.database and not (folder / DATABASE).is_file():
        return
    try:
        with closing(Database.open(given.database, folder)) as database, database.write() as connection:
            if audit.is_there(connection):
                audit.append(connection, key_of(folder, os.environ), entry)
    except (BadUrl, Unavailable, OSError) as error:
        print(f"the audit log could not be told of it: {error}", file=sys.stderr)


def _made(manifest: Manifest) -> str:
    """When a backup was made, as the audit log can hold it, whatever an archive says."""
    return re.sub(r"[^0-9T:+-]", "", manifest.made_at)[:40]


def _exchanged(folder: Path, fresh: Path, aside: Path) -> None:
    """Move what is there aside and what was restored to its place; without secrets of its own it keeps those there.

    A mark says that this is under way: between the moves there is no database, and a start would make an empty one.
    """
    put(folder / UNFINISHED, aside.name.encode())
    make_folder(aside)
    for name in _PARTS:
        if name == SECRETS and not (fresh / name).exists():
            continue
        if (folder / name).exists():
            os.replace(folder / name, aside / name)
    for name in _PARTS:
        if (fresh / name).exists():
            os.replace(fresh / name, folder / name)
    for one in (aside, folder):
        sync_folder(one)
    (folder / UNFINISHED).unlink()
    sync_folder(folder)


def _spoken(manifest: Manifest) -> str:
    inquiries, files = manifest.rows.get("inquiries", 0), len(manifest.files)
    return f"{inquiries} inquiries, {files} files"


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the disk'}: {(error.strerror or str(error)).lower()}"
    return str(error)


def _told(code: str, message: str, hint: str) -> int:
    found: Problem = problem(code, "", message, hint=hint)
    print(as_text((found,)), file=sys.stderr)
    return 1
