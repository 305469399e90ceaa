"""The parts of a multipart body, as they arrive -> texts, and files on the disk that are known by their content.

Nothing is held in memory but texts. Each file is written under a random id, hashed and counted on its way; of one that
is longer than any field takes, the rest is counted and not kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from capture.files import make_folder
from capture.store.texts import storable
from capture.uploads.shelf import discard, part_of
from capture.uploads.sniffing import Found, sniff
from obverse.forms.form import Form
from obverse.forms.kinds import SentFile

LONGEST_NAME = 255


class Unreadable(Exception):  # noqa: N818 -- it names a state of the body
    """The body is not what its type says."""


class TooMuch(Exception):  # noqa: N818 -- as above
    """The body is longer, or has more parts, than is read."""


@dataclass(frozen=True, slots=True)
class Room:
    """The most that any version of a form takes: bytes of a file, number of files, bytes of all; and where to.

    `token` gives the ids, 32 random hexadecimal digits each.
    """

    folder: Path
    token: Callable[[], str]
    each: int
    count: int
    total: int

    @classmethod
    def of(cls, forms: Iterable[Form], folder: Path, token: Callable[[], str]) -> Room | None:
        """The room for these versions of a form, None when none of them takes files."""
        fields = [form.files for form in forms if form.files]
        if not fields:
            return None
        each = max(one.max_size for some in fields for one in some)
        count = max(sum(one.max_files for one in some) for some in fields)
        return cls(
            folder, token, each, count, max(sum(one.max_size * one.max_files for one in some) for some in fields)
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived, for a field: what the checks are told of it, and its SHA-256.

    `id` is "" when it is not on the disk.
    """

    id: str
    field: str
    file: SentFile
    sha256: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What a body brought. `strays` tells that there were files where none are taken; `full` that one found no room."""

    texts: tuple[tuple[str, str], ...]
    uploads: tuple[Upload, ...] = ()
    strays: bool = False
    full: bool = False


def read_parts(chunks: Iterable[bytes], boundary: bytes, room: Room | None, *, most: int, longest: int) -> Parts:
    """The parts of a body: at most `most` of them, the texts together at most `longest` bytes.

    Raises Unreadable and TooMuch, and then leaves no file behind.
    """
    intake = _Intake(room, longest)
    try:
        decoder = MultipartDecoder(boundary, longest, max_parts=most)
        for event in _events(decoder, chunks):
            intake.take(event)
        return intake.parts()
    except BaseException as error:
        intake.abandon()
        if isinstance(error, RequestEntityTooLarge):
            raise TooMuch from None
        if isinstance(error, (ValueError, TypeError, LookupError, AttributeError, HTTPException)):
            raise Unreadable from None
        raise


def _events(decoder: MultipartDecoder, chunks: Iterable[bytes]) -> Iterator[Field | File | Data]:
    for chunk in _ended(chunks):
        decoder.receive_data(chunk)
        while not isinstance(event := decoder.next_event(), (NeedData, Epilogue)):
            if isinstance(event, (Field, File, Data)):
                yield event


def _ended(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


class _Intake:
    """A body on its way: the part that is arriving, and what has arrived."""

    def __init__(self, room: Room | None, longest: int) -> None:
        self._room, self._left = room, longest
        self._texts: list[tuple[str, str]] = []
        self._uploads: list[Upload] = []
        self._part: _Text | _Arriving | _Stray | None = None
        self._strays = self._full = False

    def take(self, event: Field | File | Data) -> None:
        """The next thing that arrived. Raises TooMuch."""
        if isinstance(event, Data):
            self._more(event)
        elif isinstance(event, Field):
            self._part = _Text(str(event.name or ""))
        elif self._room is None:
            self._part = _Stray(bool(event.filename))
        else:
            kept = len(self._uploads) < self._room.count
            self._part = _Arriving(str(event.name or ""), str(event.filename or ""), self._room, keep=kept)

    def _more(self, event: Data) -> None:
        part = self._part
        if isinstance(part, _Text):
            self._left -= len(event.data)
            if self._left < 0:
                raise TooMuch
        if part is not None:
            part.write(event.data)
            if not event.more_data:
                self._done(part)

    def _done(self, part: _Text | _Arriving | _Stray) -> None:
        self._part = None
        if isinstance(part, _Text):
            self._texts.append((part.name, part.text()))
        elif isinstance(part, _Stray):
            self._strays = self._strays or part.is_file
        elif part.is_file:
            self._uploads.append(part.upload())
            self._full = self._full or part.full

    def parts(self) -> Parts:
        """All that has arrived."""
        return Parts(tuple(self._texts), tuple(self._uploads), self._strays, self._full)

    def abandon(self) -> None:
        """Leave nothing behind."""
        if isinstance(self._part, _Arriving):
            self._part.close()
        if self._room:
            arriving = [self._part.id] if isinstance(self._part, _Arriving) and self._part.id else []
            discard(self._room.folder, [*(one.id for one in self._uploads if one.id), *arriving])


class _Text:
    """A part that is a text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    def text(self) -> str:
        return self._data.decode("utf-8", "replace")


class _Stray:
    """A part that is a file where none is taken. Of a field that nobody filled in, browsers send an empty one."""

    def __init__(self, named: bool) -> None:
        self.is_file = named

    def write(self, data: bytes) -> None:
        self.is_file = self.is_file or bool(data)


class _Arriving:
    """A part that is a file: written from its first byte on, as far as there is room."""

    def __init__(self, field: str, name: str, room: Room, *, keep: bool) -> None:
        self.id, self.full = "", False
        self._field, self._name, self._room, self._keep = field, name, room, keep
        self._size, self._hash = 0, hashlib.sha256()
        self._file: BinaryIO | None = None

    @property
    def is_file(self) -> bool:
        """Whether somebody chose one."""
        return bool(self._name or self._size)

    def write(self, data: bytes) -> None:
        self._size += len(data)
        self._keep = self._keep and self._size <= self._room.each
        if not self._keep:
            self._drop()
        elif data:
            self._hash.update(data)
            self._write(data)

    def _write(self, data: bytes) -> None:
        try:
            if self._file is None:
                self._open()
            self._file.write(data)  # type: ignore[union-attr]  # opened above
        except OSError:
            # The texts are still to come: who sent them is to be told with all of them in hand.
            self.full, self._keep = True, False
            self._drop()

    def _open(self) -> None:
        make_folder(self._room.folder)
        self.id = self._room.token()
        descriptor = os.open(part_of(self._room.folder, self.id), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w+b")

    def _drop(self) -> None:
        self.close()
        if self.id:
            discard(self._room.folder, [self.id])
            self.id = ""

    def close(self) -> None:
        """Close the file, so that it can go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def upload(self) -> Upload:
        """What arrived."""
        found = self._found()
        self.close()
        file = SentFile(storable(self._name)[:LONGEST_NAME], self._size, found.kinds, found.doubts)
        return Upload(self.id, self._field, file, self._hash.hexdigest() if self.id else "")

    def _found(self) -> Found:
        if self._file is None:
            return Found()
        try:
            self._file.flush()
            return sniff(self._file, self._size)
        except OSError:
            self.full, self._keep = True, False
            self._drop()
            return Found()
