"""read_sources: the disk, once. Every file the site is made of -> a path, a digest, and the stat that may stand for it.

Content digests decide; (mtime, size, inode, ctime) are only a cache of them. A file whose time is so near to the scan
that a later write could leave the same stat ("racy", as git calls it) is never trusted and is read again next time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from obverse.names import ignored, is_page
from obverse.problems import Problem, problem

# File systems stamp times as coarsely as two seconds.
RACY_NS = 2_000_000_000

# Bytes read at a time.
_PIECE = 1 << 16

SETTINGS = "obverse.toml"
HOOKS = "hooks.py"


Stamp: TypeAlias = tuple[int, int, int, int]
"""What stat() says of a file: modification time in nanoseconds, size in bytes, inode, and when the inode last changed.

The last no program can set back. It is 0 for outputs, because the rename that puts one in place changes it.
"""


class Source(NamedTuple):
    """One file the site is made of.

    `path` is its name in the site: relative to the root, forward slashes, NFC ("content/articles/a.md"); the bundled
    theme's files are "theme/...". `file` is where it really is. `digest` is that of its bytes, "" for a page nobody
    knows yet: who parses it reads it anyway. `seen` is its stat when it was scanned; `stamp` is the same, or None when
    it must not be trusted by the next build.
    """

    path: str
    file: str
    digest: str
    stamp: Stamp | None
    seen: Stamp


class Sources(NamedTuple):
    """All files of the site by path, sorted, and what could not be read.

    `changed` are the paths of those that are new, others or gone since the last build; `unsure` are the files of which
    the ledger has to keep something else than it does.
    """

    files: Mapping[str, Source]
    paths: list[str]
    problems: tuple[Problem, ...]
    changed: frozenset[str]
    unsure: tuple[Source, ...]

    def under(self, prefix: str) -> Iterator[Source]:
        """The files whose path starts with `prefix`, in order of path."""
        for number in range(bisect_left(self.paths, prefix), len(self.paths)):
            path = self.paths[number]
            if not path.startswith(prefix):
                return
            yield self.files[path]


# Of ten thousand sources each is one call of this, which a class of named values would make three.
_source = tuple.__new__

Known = Mapping[str, tuple[tuple[int, ...] | None, str]]
"""Path -> (stamp, digest), as the ledger keeps them."""


def read_sources(root: Path, theme: Path, known: Known, now_ns: int) -> Sources:
    """Scan the site at `root` and the bundled theme; digests come from `known` where the stat still vouches for them.

    `now_ns` is the file system's present time in nanoseconds since the epoch.
    """
    scan = _Scan(known, now_ns)
    for name in (SETTINGS, HOOKS):
        if (root / name).is_file():
            scan.file(name, os.fspath(root / name))
    scan.folder("content", root / "content", ())
    scan.folder("templates", root / "templates", ())
    if not _same(root / "templates", theme):
        scan.folder("theme", theme, ())
    return scan.sources()


Recorded = dict[str, tuple[tuple[int, ...] | None, str]]


def recorded(sources: Sources, known: Known, read: Mapping[str, str] | None = None) -> Recorded:
    """What the ledger keeps of all files; of those it knew as they are now, the very records it has.

    `read` has the digests, by path, of files that were not read with the others.
    """
    digests = read or {}
    fresh = {one.path: (one.stamp, one.digest or digests.get(one.path, "")) for one in sources.unsure}
    found = {**known, **{path: row for path, row in fresh.items() if row[1]}}
    for path in sources.changed - sources.files.keys():
        del found[path]
    return found


def digest_of(data: bytes) -> str:
    """The digest by which contents are told apart: BLAKE2b, 128 bits, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def stamp_of(entry: os.stat_result) -> Stamp:
    """The stamp of a stat result, without the time of its inode."""
    return entry.st_mtime_ns, entry.st_size, entry.st_ino, 0


def _full_stamp(entry: os.stat_result) -> Stamp:
    return entry.st_mtime_ns, entry.st_size, entry.st_ino, entry.st_ctime_ns


def restless(sources: Iterable[Source]) -> frozenset[str]:
    """The paths of those files that were touched since they were scanned: what was read of them may be anything."""
    return frozenset(source.path for source in sources if _stamp_now(source.file) != source.seen)


def _stamp_now(file: str) -> Stamp | None:
    try:
        return _full_stamp(os.stat(file))
    except OSError:
        return None


class _Scan:
    """One walk over the site's folders, gathering sources and problems."""

    def __init__(self, known: Known, now_ns: int) -> None:
        self.known = known
        self.trusted = now_ns - RACY_NS  # whatever is younger may change again without a new stamp
        self.found: dict[str, Source] = {}
        self.unsure: list[Source] = []
        self.problems: list[Problem] = []

    def sources(self) -> Sources:
        """All that was found, and how it differs from what was known."""
        found, known = self.found, self.known
        changed = {one.path for one in self.unsure if one.path not in known or known[one.path][1] != one.digest}
        changed |= known.keys() - found.keys()
        paths = sorted(found)
        files = {path: found[path] for path in paths}
        return Sources(files, paths, tuple(self.problems), frozenset(changed), tuple(self.unsure))

    def folder(self, path: str, folder: Path | str, above: tuple[tuple[int, int], ...]) -> None:
        """Add all files of a folder; `above` holds (device, inode) of the folders around it, to stop at loops."""
        try:
            here = os.stat(folder)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._unreadable(path, error)
            return
        identity = (here.st_dev, here.st_ino)
        if identity in above:
            self.problems.append(problem("unreadable", path, "this link leads back into a folder around it"))
            return
        prefix, within = f"{path}/", (*above, identity)
        for entry in entries:
            name = entry.name
            if ignored(name):
                continue
            if not (name.isascii() and name.isprintable()):
                name = unicodedata.normalize("NFC", name)
                if not name.isprintable() and not _speakable(name):
                    self._unspeakable(prefix, entry)
                    continue
            if not self._is_folder(entry):
                self.file(prefix + name, entry.path, entry)
            elif name != "__pycache__":
                self.folder(prefix + name, entry.path, within)

    def _unspeakable(self, prefix: str, entry: os.DirEntry[str]) -> None:
        shown = entry.name.encode("utf-8", "replace").decode()
        self.problems.append(
            problem("file-name", f"{prefix}{shown}", "a file name that is not valid text", hint="rename it")
        )

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether this is a folder; a link that leads to itself is none, and is told when it is read as a file."""
        try:
            return entry.is_dir()
        except OSError:
            return False

    def file(self, path: str, file: str, entry: os.DirEntry[str] | None = None) -> None:
        """Add one file, reading it only when its stat does not vouch for the known digest."""
        try:
            found = entry.stat() if entry else os.stat(file)
            if not stat.S_ISREG(found.st_mode):
                return
            seen = changed, _, _, touched = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)
            known = self.known.get(path)
            digest = self._digest(path, file, seen, known)
        except OSError as error:
            self._unreadable(path, error)
            return
        if path in self.found:
            self.problems.append(problem("file-name", path, "two files here have the same name in Unicode (NFC)"))
        stamp = seen if changed < self.trusted and touched < self.trusted else None
        source = self.found[path] = _source(Source, (path, file, digest, stamp, seen))
        if known is None or known[0] != stamp or known[1] != digest:
            self.unsure.append(source)

    def _digest(self, path: str, file: str, seen: Stamp, known: tuple[tuple[int, ...] | None, str] | None) -> str:
        if known is None:
            return "" if is_page(path) else _digest_of_file(file)
        return known[1] if known[0] == seen else _digest_of_file(file)

    def _unreadable(self, path: str, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        self.problems.append(problem("unreadable", path, f"cannot be read: {reason}"))


def bytes_of(file: str) -> bytes:
    """What a file holds. Raises OSError."""
    return b"".join(_pieces(file))


def _digest_of_file(file: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in _pieces(file):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(file: str) -> Iterator[bytes]:
    """A file piece by piece, without a stream around it: most are one piece, which a stream makes twice as dear."""
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    try:
        while piece := os.read(descriptor, _PIECE):
            yield piece
    finally:
        os.close(descriptor)


def _speakable(name: str) -> bool:
    """Whether a file name is valid Unicode text without control characters."""
    return not any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in name)


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
