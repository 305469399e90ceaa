"""The data folder -> one archive, whole and on the disk, or none; and an archive -> what it holds, checked.

An archive is a gzipped tar of the database's copy, the releases, the spool, the uploads, the ledger of erasures and,
unless left out, the secrets; the first member says what is in it. The copy of the database is made by SQLite's own
online backup, which takes a moment between two commits while the house goes on working
(https://www.sqlite.org/backup.html).
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
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from capture.files import make_folder, sync_folder
from capture.keeping.ledger import FILE as LEDGER
from capture.secrets import FILE as SECRETS
from capture.store.database import FILE as DATABASE
from capture.uploads.shelf import FOLDER as UPLOADS

FORMAT = 1
MANIFEST = "manifest.json"
FOLDERS = ("releases", "spool", UPLOADS)

# Pages that are copied at a time; writers pass between two lots.
_PAGES = 1000


class Broken(Exception):  # noqa: N818 -- it says what the archive is
    """An archive that does not hold what it should. The message is a sentence for the owner."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds: when it was made, each file's SHA-256, and how many rows each table has.

    `rows` is empty where the database is not one file of the data folder. `audit` is the head of the audit log,
    "" where there is none.
    """

    format: int
    made_at: str
    files: Mapping[str, str]
    rows: Mapping[str, int]
    audit: str = ""


def write(folder: Path, target: Path, now: datetime, *, secrets: bool = True) -> Manifest:
    """Back up the data folder into the file `target`, and prove that it can be read. Raises Broken and OSError.

    Nobody has to stop for it. Where there is no SQLite database in the folder, all else is backed up.
    """
    make_folder(target.parent)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".backup.") as place:
            copy = Path(place) / DATABASE
            rows = copied(folder / DATABASE, copy) if (folder / DATABASE).is_file() else {}
            found = dict(_files(folder, secrets=secrets)) | ({DATABASE: copy} if rows else {})
            found |= dict(_set_aside(folder / UPLOADS, Path(place) / UPLOADS))
            manifest = _packed(part, found, rows, now, head_in(copy) if rows else "")
            with opened(part, Path(place) / "proof"):
                os.replace(part, target)
        sync_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def copied(database: Path, copy: Path) -> dict[str, int]:
    """Copy a database that is in use, and count the copy's rows. Raises Broken when the copy is not sound."""
    try:
        with closing(sqlite3.connect(database, timeout=30)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, pages=_PAGES, sleep=0.005)
        copy.chmod(0o600)
        return counted(copy)
    except sqlite3.Error as error:
        raise Broken(f"the database cannot be copied: {error}") from None


def head_in(database: Path) -> str:
    """The head of the audit log in a database that nobody works with, "" where there is none. Raises Broken."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
                return ""
            last = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise Broken(f"the database cannot be read: {error}") from None
    return f"{last[0]}:{last[1]}" if last else ""


def counted(database: Path) -> dict[str, int]:
    """How many rows each table of a database has that nobody works with. Raises Broken when it is not sound."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok" or connection.execute("PRAGMA foreign_key_check").fetchone():
                raise Broken(f"the database is not sound: {str(said).splitlines()[0]}")
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
            tables = [name for (name,) in names if not name.startswith("sqlite_")]
            # Names of our own tables, out of the file itself.
            return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608
    except sqlite3.Error as error:
        raise Broken(f"the database cannot be read: {error}") from None


@contextlib.contextmanager
def opened(archive: Path, place: Path) -> Iterator[Manifest]:
    """What an archive holds, unpacked into the folder `place`, each file as it was and the database sound.

    Raises Broken.
    """
    place.mkdir(parents=True, mode=0o700)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            manifest = _manifest(tar)
            for member in tar:
                if member.name in manifest.files:  # nothing else is unpacked, wherever it says that it belongs
                    _unpack(tar, member, place)
    except (OSError, EOFError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise Broken(f"{archive.name} cannot be read: {type(error).__name__}") from None
    for name, digest in manifest.files.items():
        if not (place / name).is_file() or _digest(place / name) != digest:
            raise Broken(f"{name} is not in {archive.name} as it was")
    if manifest.rows and counted(place / DATABASE) != manifest.rows:
        raise Broken(f"the database in {archive.name} has not as many rows as it had")
    yield manifest


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    name = PurePosixPath(member.name)
    source = tar.extractfile(member) if member.isreg() else None
    if source is None or name.is_absolute() or ".." in name.parts:
        raise ValueError(member.name)
    target = place / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        shutil.copyfileobj(source, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _manifest(tar: tarfile.TarFile) -> Manifest:
    member = tar.extractfile(MANIFEST)
    made = Manifest(**json.loads(member.read())) if member else None
    if made is None or made.format != FORMAT:
        raise ValueError(MANIFEST)
    return made


def _files(folder: Path, *, secrets: bool) -> Iterator[tuple[str, Path]]:
    """The files beside the database by their names in the archive."""
    for name in (LEDGER, SECRETS) if secrets else (LEDGER,):
        if (folder / name).is_file():
            yield name, folder / name
    for top in FOLDERS:
        if top != UPLOADS:
            yield from ((f"{top}/{name}", path) for name, path in _within(folder / top))


def _within(top: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(top.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(top).as_posix(), path


def _set_aside(uploads: Path, place: Path) -> Iterator[tuple[str, Path]]:
    """The uploads under second names of our own: they are too large for memory, and may be erased meanwhile.

    A second name costs nothing; where the disk is another one, it is a copy.
    """
    for name, path in _within(uploads):
        second = place / name
        second.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            try:
                os.link(path, second)
            except FileNotFoundError:
                raise
            except OSError:
                shutil.copyfile(path, second)
            yield f"{UPLOADS}/{name}", second


def _packed(part: Path, found: Mapping[str, Path], rows: Mapping[str, int], now: datetime, head: str) -> Manifest:
    """Write the archive. What is gone by now (out of the spool, into the database) is left out."""
    contents = {}
    for name, path in found.items():
        with contextlib.suppress(FileNotFoundError):
            contents[name] = path if name == DATABASE or name.startswith(f"{UPLOADS}/") else path.read_bytes()
    digests = {
        name: _digest(one) if isinstance(one, Path) else hashlib.sha256(one).hexdigest()
        for name, one in contents.items()
    }
    manifest = Manifest(FORMAT, now.isoformat(timespec="seconds"), digests, dict(rows), head)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
            _add(tar, MANIFEST, json.dumps(asdict(manifest), indent=1).encode(), now)
            for name, one in contents.items():
                if isinstance(one, Path):
                    tar.add(one, name, recursive=False)
                else:
                    _add(tar, name, one, now)
        stream.flush()
        os.fsync(stream.fileno())
    return manifest


def _add(tar: tarfile.TarFile, name: str, data: bytes, now: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(data), int(now.timestamp()), 0o600
    tar.addfile(member, io.BytesIO(data))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
