"""Power cuts, modelled: what a disk surely has at a moment is what was synced by then, and nothing else.

SQLite's writes and syncs are seen by stepping between it and the operating system: the library that Python's own
module uses has a table of functions for each open file (https://www.sqlite.org/vfs.html), in which ours stand before
the real ones. Nothing has to be compiled, and the code that is tested is the code that runs.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

_POINTER = ctypes.c_void_p
# The name as a pointer: SQLite keeps it, and a Python text's is gone by the time its shared memory is named after it.
_OPEN = ctypes.CFUNCTYPE(
    ctypes.c_int, _POINTER, _POINTER, ctypes.POINTER(_POINTER), ctypes.c_int, ctypes.POINTER(ctypes.c_int)
)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int)

# sqlite3_io_methods: a version, then pointers to functions; where those that change a file stand among them.
_METHODS = _POINTER * 19
_AT_WRITE, _AT_TRUNCATE, _AT_SYNC = 3, 4, 5


class _Vfs(ctypes.Structure):
    """The beginning of sqlite3_vfs."""

    _fields_ = (
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", _POINTER),
        ("zName", ctypes.c_char_p),
        ("pAppData", _POINTER),
        ("xOpen", _POINTER),
        ("xDelete", _POINTER),
    )


@dataclass
class Disk:
    """What SQLite did to its files, in order.

    ("write", path, offset, bytes), ("truncate", path, size), ("sync", path), ("delete", path, whether that was synced).
    `before` is what they held when it began. The first sync of a log or journal that was made is one of its folder too.
    """

    before: dict[str, bytes]
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def after(self, moment: int, chance: Random | None = None) -> dict[str, bytes]:
        """What each file surely holds when the power goes after so many steps.

        With `chance`, some of what was not synced has reached the disk nevertheless, in no order.
        """
        now = {path: bytearray(data) for path, data in self.before.items()}
        sure = dict(self.before)
        loose: list[tuple[Any, ...]] = []
        gone: set[str] = set()
        for kind, path, *more in self.done[:moment]:
            if kind == "sync":
                if path not in sure:
                    sure = {one: data for one, data in sure.items() if one not in gone}
                    gone.clear()
                sure[path] = bytes(now.setdefault(path, bytearray()))
                loose = [one for one in loose if one[1] != path]
            elif kind == "delete":
                now.pop(path, None)
                loose = [one for one in loose if one[1] != path]
                gone.add(path)
                if more[0]:
                    sure.pop(path, None)
            else:
                gone.discard(path)
                _apply(now.setdefault(path, bytearray()), (kind, path, *more))
                loose.append((kind, path, *more))
        found = {path: bytearray(data) for path, data in sure.items()}
        if chance:
            for step in chance.sample(loose, chance.randint(0, len(loose))):
                _apply(found.setdefault(step[1], bytearray()), step)
        return {path: bytes(data) for path, data in found.items()}


def _apply(data: bytearray, step: tuple[Any, ...]) -> None:
    if step[0] == "truncate":
        del data[step[2] :]
        return
    _, _, offset, written = step
    data.extend(b"\0" * (offset - len(data)))
    data[offset : offset + len(written)] = written


@contextmanager
def recorded(folder: Path) -> Iterator[Disk]:
    """A record of all that SQLite does to the files of a folder which it opens from now on."""
    disk = Disk({str(path): path.read_bytes() for path in folder.iterdir() if path.is_file()})
    library = _library()
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None).contents
    real = vfs.xOpen, vfs.xDelete
    ours = _OPEN(_opening(_OPEN(real[0]), disk)), _DELETE(_deleting(_DELETE(real[1]), disk))
    _KEPT.append(ours)
    vfs.xOpen, vfs.xDelete = (ctypes.cast(one, _POINTER).value for one in ours)
    try:
        yield disk
    finally:
        vfs.xOpen, vfs.xDelete = real


_KEPT: list[Any] = []  # files may stay open, and then their functions have to stay, too


def _library() -> ctypes.CDLL:
    """The SQLite that Python's module runs: a library of its own, or in the module itself."""
    for name in (_sqlite3.__file__, "libsqlite3.so.0", "libsqlite3.dylib"):
        try:
            library = ctypes.CDLL(name)
            library.sqlite3_vfs_find  # noqa: B018 -- asked for, to see whether it is there
        except (OSError, AttributeError):
            continue
        return library
    pytest.fail("the SQLite of this Python cannot be looked into")


def _opening(real: Any, disk: Disk) -> Any:
    def opening(vfs: int, name: int | None, file: Any, flags: int, given: Any) -> int:
        code: int = real(vfs, name, file, flags, given)
        if code == 0 and name and file[0]:
            watched = _METHODS(*_METHODS.from_address(file[0]))
            _watch(watched, os.fsdecode(ctypes.string_at(name)), disk)
            _KEPT.append(watched)
            file[0] = ctypes.addressof(watched)
        return code

    return opening


def _deleting(real: Any, disk: Disk) -> Any:
    def deleting(vfs: int, name: bytes, synced: int) -> int:
        code = int(real(vfs, name, synced))
        if code == 0:
            disk.done.append(("delete", os.fsdecode(name), bool(synced)))
        return code

    return deleting


def _watch(methods: Any, path: str, disk: Disk) -> None:
    write, truncate, sync = (
        kind(methods[at]) for kind, at in ((_WRITE, _AT_WRITE), (_TRUNCATE, _AT_TRUNCATE), (_SYNC, _AT_SYNC))
    )

    def writes(file: int, data: int, size: int, offset: int) -> int:
        disk.done.append(("write", path, offset, ctypes.string_at(data, size)))
        return int(write(file, data, size, offset))

    def truncates(file: int, size: int) -> int:
        disk.done.append(("truncate", path, size))
        return int(truncate(file, size))

    def syncs(file: int, flags: int) -> int:
        code = int(sync(file, flags))
        disk.done.append(("sync", path))
        return code

    ours = (_WRITE(writes), _TRUNCATE(truncates), _SYNC(syncs))
    _KEPT.append(ours)
    for at, one in zip((_AT_WRITE, _AT_TRUNCATE, _AT_SYNC), ours, strict=True):
        methods[at] = ctypes.cast(one, _POINTER).value


# Files that Python writes: an entry of a folder is on the disk when the folder was synced, its bytes when the file was.


@dataclass
class Folders:
    """What was synced of a folder and of all below it."""

    top: Path
    bytes_of: dict[int, bytes] = field(default_factory=dict)  # by inode
    entries_of: dict[int, dict[str, int]] = field(default_factory=dict)  # of a folder, by inode: name -> inode

    def note(self, path: Path) -> None:
        """A file or a folder was synced."""
        inode = path.stat().st_ino
        if path.is_dir():
            self.entries_of[inode] = {entry.name: entry.inode() for entry in os.scandir(path)}
        else:
            self.bytes_of[inode] = path.read_bytes()

    def put_back(self, into: Path) -> Path:
        """The folder as it is after a power cut."""
        self._put(self.top.stat().st_ino, into)
        return into

    def _put(self, folder: int, into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        for name, inode in self.entries_of.get(folder, {}).items():
            if inode in self.entries_of:
                self._put(inode, into / name)
            else:
                (into / name).write_bytes(self.bytes_of.get(inode, b""))


@contextmanager
def synced(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folders]:
    """A record of what Python syncs below a folder; what is there already is on the disk."""
    folders = Folders(top)
    for path in (top, *top.rglob("*")):
        folders.note(path)
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        folders.note(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield folders
