"""A zip's directory -> what it says is inside. Nothing is unpacked: what an archive would become is only added up.

APPNOTE.TXT 6.3.10, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# A document has dozens of entries, and each picture in it is one more; it becomes a few times what it is packed.
MOST_ENTRIES = 2000
MOST_BYTES = 500 << 20
MOST_TIMES, FROM_BYTES = 200, 20 << 20

_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END_MARK, _ENTRY_MARK = b"PK\5\6", b"PK\1\2"
_LONGEST_COMMENT = 65_535
_MOST_READ = 1 << 20  # bytes of a directory


@dataclass(frozen=True, slots=True)
class Archive:
    """What a directory says: names, the bytes that all would become, and whether the file is that archive alone.

    `cut` tells that there were more entries than are looked at.
    """

    names: frozenset[str]
    unpacked: int
    alone: bool
    cut: bool

    def is_bomb(self, size: int) -> bool:
        """Whether it would become far more than a document of `size` bytes does."""
        greedy = self.unpacked > MOST_TIMES * size and self.unpacked > FROM_BYTES
        return self.cut or greedy or self.unpacked > MOST_BYTES


def read_archive(stream: BinaryIO, size: int) -> Archive | None:
    """The archive in a stream of `size` bytes, None when it is none that can be read. Raises OSError."""
    tail_at = max(0, size - _END.size - _LONGEST_COMMENT)
    stream.seek(tail_at)
    tail = stream.read()
    place = tail.rfind(_END_MARK)
    if place < 0 or len(tail) - place < _END.size:
        return None
    _, _, _, _, count, length, start, comment = _END.unpack_from(tail, place)
    end_at = tail_at + place
    # Where something stands before an archive, its directory is not where it says.
    if start + length > end_at:
        return None
    stream.seek(end_at - length)
    entries = list(_entries(stream.read(min(length, _MOST_READ))))
    alone = start + length == end_at and end_at + _END.size + comment == size
    cut = count > MOST_ENTRIES or length > _MOST_READ
    return Archive(frozenset(name for name, _ in entries), sum(one for _, one in entries), alone, cut)


def _entries(directory: bytes) -> Iterator[tuple[str, int]]:
    """Name and unpacked size of each entry, as far as the directory can be read."""
    at = 0
    while at + _ENTRY.size <= len(directory) and directory.startswith(_ENTRY_MARK, at):
        fields = _ENTRY.unpack_from(directory, at)
        unpacked, name, extra, comment = fields[9], *fields[10:13]
        at += _ENTRY.size
        yield directory[at : at + name].decode("utf-8", "replace"), unpacked
        at += name + extra + comment
