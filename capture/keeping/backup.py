"""A data folder in use -> one file that holds all of it, proven whole; and which of those files are kept.

The file is a tar: `spool/`, `obverse.db`, `uploads/`, `releases/`, `erasures.jsonl`, if asked `secrets.toml`, and last
`backup.json` with what each must be. The spool is read before the database and the uploads after it: what moves from
the spool into the database meanwhile is in both, and taken once; no row misses its file. A backup that was cut off has
no `backup.json`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from capture.files import sync_folder
from capture.keeping.ledger import FILE as LEDGER
from capture.secrets import FILE as SECRETS
from capture.store.database import FILE as DATABASE

FOLDER = "backups"
MANIFEST = "backup.json"
DAILY, WEEKLY = 7, 4

_STAMP = "obverse-%Y%m%dT%H%M%SZ.tar"
_FOLDERS = ("spool", "uploads", "releases")


class NotWhole(Exception):  # noqa: N818 -- it names a state
    """A backup is not what it was when it was made, or never was one. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. `counts` are rows by table, empty where the database is kept elsewhere."""

    at: datetime
    counts: Mapping[str, int]
    digests: Mapping[str, str]


def back_up(folder: Path, now: datetime, *, database: bool, secrets: bool) -> tuple[Path, Backup]:
    """Write a backup of the data folder into its `backups/`, then read it again; where it is, and what it holds.

    `database` is whether the data folder holds the database. Raises NotWhole when what was read again differs or the
    database is broken, OSError and sqlite3.Error when it cannot be made; then nothing is left behind.
    """
    kept = folder / FOLDER
    kept.mkdir(mode=0o700, exist_ok=True)
    path = kept / now.astimezone(UTC).strftime(_STAMP)
    with tempfile.TemporaryDirectory(dir=kept, prefix=".") as aside:
        part = Path(aside, path.name)
        _write(part, folder, Path(aside), now, database, secrets)
        made = unpack(part, Path(aside, "again"))
        os.replace(part, path)
    sync_folder(kept)
    return path, made


def unpack(path: Path, into: Path) -> Backup:
    """Write what a backup holds into a new folder, and prove it whole. Raises NotWhole and OSError."""
    into.mkdir(mode=0o700)
    found: dict[str, str] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                found[member.name] = _take(tar, member, into)
        backup = _read(into / MANIFEST)
    except (tarfile.TarError, EOFError) as error:
        raise NotWhole(f"it cannot be read as a backup: {error}") from None
    found.pop(MANIFEST)
    if found != backup.digests:
        raise NotWhole("a file in it is not what was put in")
    if backup.counts and counts(into / DATABASE) != backup.counts:
        raise NotWhole("the database in it has not the rows that were put in")
    return backup


def rotate(folder: Path, *, daily: int = DAILY, weekly: int = WEEKLY) -> tuple[Path, ...]:
    """Remove the backups that need not be kept; which those were."""
    dated = {one: moment for one in sorted((folder / FOLDER).glob("obverse-*.tar")) if (moment := _moment(one.name))}
    stay = keepers(dated.values(), daily, weekly)
    gone = tuple(path for path, moment in dated.items() if moment not in stay)
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def keepers(moments: Iterable[datetime], daily: int, weekly: int) -> frozenset[datetime]:
    """The last of each of the newest days that have one, and of each of the newest weeks."""
    newest = sorted(moments, reverse=True)
    days = {one.date(): one for one in reversed(newest)}
    weeks = {one.isocalendar()[:2]: one for one in reversed(newest)}
    return frozenset(sorted(days.values())[-daily:] + sorted(weeks.values())[-weekly:])


def counts(file: Path) -> dict[str, int]:
    """How many rows each table of a database file has. Raises NotWhole when it is broken."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            if (said := raw.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
                raise NotWhole(f"the database is broken: {said}")
            asked = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
            tables = [name for (name,) in raw.execute(asked).fetchall()]
            return {name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608 -- its own names
    except sqlite3.DatabaseError as error:
        raise NotWhole(f"the database is broken: {error}") from None


def _write(path: Path, folder: Path, aside: Path, now: datetime, database: bool, secrets: bool) -> None:
    digests: dict[str, str] = {}
    rows: dict[str, int] = {}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        digests |= _add_folder(tar, folder, "spool")
        if database:
            copy = aside / DATABASE
            copy_database(folder / DATABASE, copy)
            rows = counts(copy)
            digests[DATABASE] = _add(tar, copy, DATABASE)
        for name in _FOLDERS[1:]:
            digests |= _add_folder(tar, folder, name)
        if (folder / LEDGER).exists():
            digests[LEDGER] = _add(tar, folder / LEDGER, LEDGER)
        if secrets:
            digests[SECRETS] = _add(tar, folder / SECRETS, SECRETS)
        _say(tar, {"at": now.astimezone(UTC).isoformat(), "counts": rows, "digests": digests})
        tar.close()
        file.flush()
        os.fsync(file.fileno())


def copy_database(source: Path, target: Path) -> None:
    """A whole copy of a database that others write to meanwhile. Raises sqlite3.Error."""
    with (
        contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as of,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        of.backup(copy)  # in one step: in several, each commit of a visitor would start it anew
        copy.execute("PRAGMA journal_mode=DELETE").close()  # one file, without the two beside it


def _add_folder(tar: tarfile.TarFile, folder: Path, name: str) -> dict[str, str]:
    added = {}
    for path in _files(folder / name):
        inside = path.relative_to(folder).as_posix()
        with contextlib.suppress(FileNotFoundError):  # of the spool: it went into the database, which comes later
            added[inside] = _add(tar, path, inside)
    return added


def _files(folder: Path) -> Iterator[Path]:
    """Every file that was written whole."""
    return (one for one in sorted(folder.rglob("*")) if one.is_file() and not one.name.startswith("."))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> str:
    with path.open("rb") as file:
        digest = _digest(file)
        file.seek(0)
        tar.addfile(tar.gettarinfo(arcname=name, fileobj=file), file)
    return digest


def _say(tar: tarfile.TarFile, plain: Mapping[str, object]) -> None:
    body = json.dumps(plain, indent=1, sort_keys=True).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode = len(body), 0o600
    tar.addfile(member, io.BytesIO(body))


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> str:
    """Write one member. Only plain files under the names a backup has: it may come from anywhere."""
    parts = member.name.split("/")
    known = parts[0] in _FOLDERS if len(parts) > 1 else member.name in (DATABASE, SECRETS, LEDGER, MANIFEST)
    held = tar.extractfile(member) if member.isreg() else None
    if held is None or not known or any(part.startswith(".") or not part or set(part) & {"\\", ":"} for part in parts):
        raise NotWhole("there is something in it that no backup holds")
    path = into.joinpath(*parts)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held, os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        shutil.copyfileobj(held, file)
        file.seek(0)
        return _digest(file)


def _read(path: Path) -> Backup:
    try:
        plain = json.loads(path.read_bytes())
        return Backup(datetime.fromisoformat(plain["at"]), plain["counts"], plain["digests"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise NotWhole("it does not say what it holds: it was cut off, or is no backup") from None


def _digest(file: io.BufferedReader | io.BufferedRandom) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _moment(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
