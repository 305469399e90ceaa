"""A folder and a request -> the answer of a static site: pages, assets for ever, parts of files, or its own 404 page.

Nothing outside the folder is ever found. A file is opened once and its own stat decides, so that one which is replaced
while it is sent stays the one it was.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from capture.run.negotiation import Part, is_known, part_of, wants_gzip
from capture.run.types import is_compressible, media_type

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

# What a build writes for other hosts; no page of the site.
_NOT_PAGES = frozenset({"_headers", "_redirects"})
_FINGERPRINTED = re.compile(r"assets/(?:.+/)?[^/]+\.[0-9a-f]{10}\.[^/.]+")

_SMALL = 1 << 20  # bytes up to which a file's ETag is of its content, the same on every host; above, of its stat
_WORTH = 1 << 10  # bytes from which compressing pays
_TOO_LARGE = 8 << 20  # bytes above which a text is sent as it is rather than held in memory
_MEMORY = 48 << 20  # bytes of compressed files that are kept

# What would make one part of a path two, here or on another system.
_SPLITTING = frozenset("\0\\:" if os.name == "nt" else "\0\\")

_BARE = b"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>%s</title>\n<p>%s</p>\n"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a static site.

    `path` is decoded and begins after the site's base path; the names of `headers` are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. A `file` stands at its first byte; whoever takes the answer sends `length` bytes and closes it.

    `headers` hold everything but the site's constant ones.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    file: BinaryIO | None = None
    length: int = 0


class Static:
    """The site in `folder`, at `base_path` of its host."""

    def __init__(self, folder: Path, base_path: str = "") -> None:
        self._folder = folder
        self._base_path = base_path
        self._memory = _Memory(_MEMORY)

    def answer(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.method not in ("GET", "HEAD"):
            return _said(405, "405: this address is for reading.", ("Allow", "GET, HEAD"))
        parts = request.path.removeprefix("/").split("/")
        if not request.path.startswith("/") or not all(map(_is_plain, parts[:-1])) or parts[0] in _NOT_PAGES:
            return self._missing(request)
        name = "/".join([*parts[:-1], parts[-1] or "index.html"])
        if not _is_plain(name.rpartition("/")[2]):
            return self._missing(request)
        if parts[-1] and self._is_folder(name):
            return self._moved(parts, request.query)
        return self._file(request, name, 200) or self._missing(request)

    def is_empty(self) -> bool:
        """Whether there is no site yet."""
        try:
            with os.scandir(self._folder) as entries:
                return all(entry.name.startswith(".") for entry in entries)
        except OSError:
            return True

    def _is_folder(self, name: str) -> bool:
        return os.path.isfile(os.path.join(self._folder, name, "index.html"))

    def _moved(self, parts: list[str], query: str) -> Answer:
        place = self._base_path + "".join("/" + quote(part) for part in parts) + "/"
        place += f"?{query}" if query else ""
        return _said(301, "301: this folder's address ends with a slash.", ("Location", place))

    def _missing(self, request: Request) -> Answer:
        plain = Request(request.method, request.path, headers={**request.headers, "if-none-match": "", "range": ""})
        return self._file(plain, "404.html", 404) or _said(404, "404: there is no such page.")

    def _file(self, request: Request, name: str, status: int) -> Answer | None:
        file = _opened(self._folder, name)
        if file is None:
            return None
        keep = False
        try:
            answer = self._of(request, name, file, status)
            keep = answer.file is file
        finally:
            if not keep:
                file.close()
        return answer

    def _of(self, request: Request, name: str, file: BinaryIO, status: int) -> Answer:
        size = os.fstat(file.fileno()).st_size
        etag = self._memory.etag(file)
        kind = media_type(name)
        cached = FOR_EVER if _FINGERPRINTED.fullmatch(name) else ASK_AGAIN
        headers = [("Content-Type", kind), ("Cache-Control", cached)]
        part = _asked_part(request, etag, size) if status == 200 else None
        if is_compressible(kind) and _WORTH <= size <= _TOO_LARGE:
            headers.append(("Vary", "Accept-Encoding"))
            if part is None and wants_gzip(request.headers.get("accept-encoding", "")):
                return self._compressed(request, file, etag, headers, status)
        headers.append(("Accept-Ranges", "bytes"))
        if status == 200 and is_known(request.headers.get("if-none-match", ""), etag):
            return _unchanged(headers, etag)
        headers.append(("ETag", etag))
        if part is not None:
            return _partial(request, file, part, size, headers)
        return _whole(request, file, size, headers, status)

    def _compressed(
        self, request: Request, file: BinaryIO, etag: str, headers: list[tuple[str, str]], status: int
    ) -> Answer:
        etag = f'{etag[:-1]}-gz"'
        if status == 200 and is_known(request.headers.get("if-none-match", ""), etag):
            return _unchanged(headers, etag)
        body = self._memory.compressed(file)
        headers += [("ETag", etag), ("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))]
        return Answer(status, tuple(headers), b"" if request.method == "HEAD" else body)


class _Memory:
    """ETags and compressed files by the identity of the file they are of, the longest unused let go of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._lock = threading.Lock()
        self._etags: OrderedDict[tuple[int, ...], str] = OrderedDict()
        self._bodies: OrderedDict[tuple[int, ...], bytes] = OrderedDict()

    def etag(self, file: BinaryIO) -> str:
        """The strong ETag of an open file as it is."""
        identity = _identity(file)
        with self._lock:
            if found := self._etags.get(identity):
                self._etags.move_to_end(identity)
                return found
        made = _etag(file, identity)
        with self._lock:
            self._etags[identity] = made
            if len(self._etags) > 20_000:
                self._etags.popitem(last=False)
        return made

    def compressed(self, file: BinaryIO) -> bytes:
        """An open file's bytes, gzipped; the same bytes each time."""
        identity = _identity(file)
        with self._lock:
            if (found := self._bodies.get(identity)) is not None:
                self._bodies.move_to_end(identity)
                return found
        file.seek(0)
        made = gzip.compress(file.read(), 6, mtime=0)
        with self._lock:
            if identity not in self._bodies:
                self._bodies[identity] = made
                self._held += len(made)
            while self._held > self._most:
                _, gone = self._bodies.popitem(last=False)
                self._held -= len(gone)
        return made


def _opened(folder: Path, name: str) -> BinaryIO | None:
    """The regular file of that name within the folder, open; None when there is none."""
    path = os.path.join(folder, *name.split("/"))
    root = os.path.realpath(folder)
    try:
        if not os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep):
            return None
        # Without O_NONBLOCK a named pipe would hold the thread until somebody writes into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def _is_plain(part: str) -> bool:
    """Whether a part of a path is a name: not empty, hidden or a way up, and nothing another system would split."""
    return bool(part) and not part.startswith(".") and not set(part) & _SPLITTING


def _identity(file: BinaryIO) -> tuple[int, ...]:
    one = os.fstat(file.fileno())
    return (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns)


def _etag(file: BinaryIO, identity: tuple[int, ...]) -> str:
    if identity[2] > _SMALL:
        return f'"{identity[1]:x}-{identity[2]:x}-{identity[3]:x}"'
    file.seek(0)
    return f'"{hashlib.blake2b(file.read(), digest_size=12).hexdigest()}"'


def _asked_part(request: Request, etag: str, size: int) -> Part | None:
    condition = request.headers.get("if-range", "")
    if request.method != "GET" or (condition and condition.strip() != etag):
        return None
    return part_of(request.headers.get("range", ""), size)


def _unchanged(headers: list[tuple[str, str]], etag: str) -> Answer:
    kept = tuple(one for one in headers if one[0] in ("Cache-Control", "Vary"))
    return Answer(304, (*kept, ("ETag", etag)))


def _partial(request: Request, file: BinaryIO, part: Part, size: int, headers: list[tuple[str, str]]) -> Answer:
    if not part.length:
        return _said(416, "416: the file has no such part.", ("Content-Range", f"bytes */{size}"))
    last = part.start + part.length - 1
    headers.append(("Content-Range", f"bytes {part.start}-{last}/{size}"))
    file.seek(part.start)
    return _sent(request, file, part.length, headers, 206)


def _whole(request: Request, file: BinaryIO, size: int, headers: list[tuple[str, str]], status: int) -> Answer:
    file.seek(0)
    return _sent(request, file, size, headers, status)


def _sent(request: Request, file: BinaryIO, length: int, headers: list[tuple[str, str]], status: int) -> Answer:
    headers.append(("Content-Length", str(length)))
    if request.method == "HEAD":
        return Answer(status, tuple(headers))
    if length <= _SMALL:
        return Answer(status, tuple(headers), file.read(length))
    return Answer(status, tuple(headers), file=file, length=length)


def _said(status: int, text: str, *more: tuple[str, str]) -> Answer:
    body = _BARE % (str(status).encode(), text.encode())
    fixed = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", ASK_AGAIN))
    return Answer(status, (*fixed, *more, ("Content-Length", str(len(body)))), body)
