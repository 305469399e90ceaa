"""A power cut, modelled: what was written and synced -> what a disk may hold when the power fails at a given moment.

Nothing but a sync makes anything durable: that of a file its content, that of a folder the names in it. What was
written since may be on the disk, in part, or not. So a disk is three things: what files hold (by inode), what has been
written to each since its last sync, and which names lead to which inode in folders that were synced.

SQLite writes through a table of functions; ours stand in it while a test records, for the very driver that capture
uses, with nothing to compile. Python's own files are seen by their `os.fsync`.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
import random
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Write = tuple[int, bytes | None]  # offset and bytes; None: cut off there
Image = dict[str, bytes]


@dataclass
class Disk:
    """What is durable below `root`, which itself always is, and what may be."""

    root: Path
    names: dict[int, dict[str, int]] = field(default_factory=dict)  # of a synced folder: name -> inode
    folders: set[int] = field(default_factory=set)
    synced: dict[int, bytearray] = field(default_factory=dict)
    since: dict[int, list[Write]] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None  # called before each sync, when most is at stake
    after: Callable[[], None] = lambda: None
    _lock: Any = field(default_factory=threading.RLock)

    @contextmanager
    def _syncing(self) -> Iterator[None]:
        with self._lock:
            self.before()
            yield
            self.after()

    def wrote(self, inode: int, write: Write) -> None:
        """A file was written to; nothing of it is safe."""
        with self._lock:
            self.since.setdefault(inode, []).append(write)

    def sync_file(self, inode: int, content: bytes | None = None) -> None:
        """A file was synced: it holds `content`, or else all that was written to it."""
        with self._syncing():
            file = self.synced.setdefault(inode, bytearray())
            if content is not None:
                file[:] = content
            for write in self.since.pop(inode, []):
                if content is None:
                    apply(file, write)

    def sync_folder(self, folder: Path) -> None:
        """A folder was synced: the names in it are safe, not what they name."""
        with self._syncing():
            found = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(folder)}
            self.names[folder.stat().st_ino] = {name: one.st_ino for name, one in found.items()}
            self.folders |= {one.st_ino for one in found.values() if stat.S_ISDIR(one.st_mode)}

    def image(self, luck: random.Random | None = None) -> Image:
        """What is found after a cut now, by path: without all that was not synced, or by luck with some of it."""
        with self._lock:
            return dict(self._below(self.root.stat().st_ino, "", luck))

    def _below(self, folder: int, path: str, luck: random.Random | None) -> Iterator[tuple[str, bytes]]:
        for name, inode in self.names.get(folder, {}).items():
            if inode in self.folders:
                yield from self._below(inode, f"{path}{name}/", luck)
                continue
            file = bytearray(self.synced.get(inode, b""))
            for write in self.since.get(inode, []):
                if luck and luck.random() < 0.5:
                    apply(file, write)
            yield path + name, bytes(file)


def restored(image: Image, target: Path) -> Path:
    """A folder that holds what was found."""
    for path, content in image.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)
    return target


def apply(file: bytearray, write: Write) -> None:
    """Make a file what it is after a write."""
    offset, data = write
    if data is None:
        del file[offset:]
        return
    file.extend(bytes(max(0, offset + len(data) - len(file))))
    file[offset : offset + len(data)] = data


# SQLite's tables of functions: sqlite3_vfs, and sqlite3_io_methods (https://sqlite.org/c3ref/io_methods.html).

_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)  # the name as a pointer: SQLite keeps it
_CLOSE = ctypes.CFUNCTYPE(_I, _P)
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)
_FOLDER = ctypes.CFUNCTYPE(_I, ctypes.c_char_p, ctypes.POINTER(_I))
_GET = ctypes.CFUNCTYPE(_P, _P, ctypes.c_char_p)
_SET = ctypes.CFUNCTYPE(_I, _P, ctypes.c_char_p, _P)


class _Methods(ctypes.Structure):
    _fields_ = (
        [("version", _I), ("close", _CLOSE), ("read", _P), ("write", _WRITE)]
        + [("truncate", _TRUNCATE), ("sync", _SYNC)]
        + [(f"more{number}", _P) for number in range(13)]
    )


class _File(ctypes.Structure):
    _fields_ = [("methods", ctypes.POINTER(_Methods))]


class _Vfs(ctypes.Structure):
    _fields_ = (
        [("version", _I), ("size", _I), ("longest", _I), ("next", _P), ("name", ctypes.c_char_p), ("data", _P)]
        + [("open", _P)]
        + [(f"more{number}", _P) for number in range(12)]
        + [("set", _P), ("get", _P)]
    )


@contextmanager
def recorded(disk: Disk) -> Iterator[Disk]:
    """Meanwhile every write and sync of SQLite, and every sync of Python's, is told to the disk."""
    with _python(disk), _sqlite(disk):
        yield disk


@contextmanager
def _python(disk: Disk) -> Iterator[None]:
    real = os.fsync

    def fsync(given: Any) -> None:
        real(given)
        descriptor = given if isinstance(given, int) else given.fileno()
        what = os.fstat(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if stat.S_ISDIR(what.st_mode):
            disk.sync_folder(path)
        else:
            disk.sync_file(what.st_ino, path.read_bytes())

    os.fsync = fsync
    try:
        yield
    finally:
        os.fsync = real


@contextmanager
def _sqlite(disk: Disk) -> Iterator[None]:
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    kept = _Kept(disk, vfs.contents.open)
    open_before, folder_before = vfs.contents.open, _GET(vfs.contents.get)(vfs, b"openDirectory")
    open_folder = _FOLDER(lambda path, out: kept.folder(_FOLDER(folder_before), path, out))
    opened = _OPEN(kept.open)
    change = _SET(vfs.contents.set)
    vfs.contents.open = ctypes.cast(opened, _P)
    change(vfs, b"openDirectory", ctypes.cast(open_folder, _P))
    try:
        yield
    finally:
        vfs.contents.open = open_before
        change(vfs, b"openDirectory", folder_before)
        _FOREVER.append((kept, opened, open_folder))


_FOREVER: list[object] = []  # what C may still call: a file outlives the recording that it was opened in


class _Kept:
    """What stands between SQLite and its files: tables like theirs that tell of what is done."""

    def __init__(self, disk: Disk, opening: int) -> None:
        self._disk = disk
        self._opening = _OPEN(opening)
        self._inodes: dict[int, int] = {}
        self._tables: dict[int, _Methods] = {}

    def open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        result = self._opening(vfs, name, file, flags, out)
        opened = _File.from_address(file)
        if result == 0 and name and opened.methods:
            self._inodes[file] = os.stat(os.fsdecode(ctypes.string_at(name))).st_ino
            opened.methods = ctypes.pointer(self._table(opened.methods))
        return result

    def folder(self, real: Callable[[bytes, Any], int], path: bytes, out: Any) -> int:
        """SQLite opens a folder only to sync it; it is given the name of a file therein."""
        result = real(path, out)
        if result == 0:
            self._disk.sync_folder(Path(os.fsdecode(path)).parent)
        return result

    def _table(self, real: Any) -> _Methods:
        address = ctypes.addressof(real.contents)
        if address not in self._tables:
            made = _Methods.from_buffer_copy(real.contents)
            before = _Methods.from_buffer_copy(real.contents)
            made.write = _WRITE(lambda *given: self._write(before, *given))
            made.truncate = _TRUNCATE(lambda *given: self._truncate(before, *given))
            made.sync = _SYNC(lambda *given: self._sync(before, *given))
            self._tables[address] = made
            _FOREVER.append((made, before, made.write, made.truncate, made.sync))
        return self._tables[address]

    def _write(self, before: _Methods, file: int, data: int, size: int, offset: int) -> int:
        self._disk.wrote(self._inodes[file], (offset, ctypes.string_at(data, size)))
        return before.write(file, data, size, offset)

    def _truncate(self, before: _Methods, file: int, size: int) -> int:
        self._disk.wrote(self._inodes[file], (size, None))
        return before.truncate(file, size)

    def _sync(self, before: _Methods, file: int, flags: int) -> int:
        result = before.sync(file, flags)
        if result == 0:
            self._disk.sync_file(self._inodes[file])
        return result
