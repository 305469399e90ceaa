"""The head of a picture -> its width and height. No picture of a visitor's is ever decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

Size = tuple[int, int]

# Pixels of one side and of a picture: the largest cameras of telephones stay below, and so do most panoramas.
MOST_SIDE, MOST_PIXELS = 20_000, 250_000_000

_MOST_SEGMENTS = 500


def dimensions(kind: str, stream: BinaryIO) -> Size | None:
    """Width and height by the picture's own head, None when it does not say. Raises OSError."""
    stream.seek(0)
    try:
        return _READERS[kind](stream)
    except (struct.error, IndexError):
        return None


def is_bomb(size: Size) -> bool:
    """Whether a program that opens it may need more memory than a desk has."""
    return max(size) > MOST_SIDE or size[0] * size[1] > MOST_PIXELS


def _png(stream: BinaryIO) -> Size | None:
    head = stream.read(24)
    return struct.unpack(">2L", head[16:24]) if head[12:16] == b"IHDR" else None


def _gif(stream: BinaryIO) -> Size | None:
    return struct.unpack("<2H", stream.read(10)[6:10])


def _jpeg(stream: BinaryIO) -> Size | None:
    """By the first frame header; what stands before it is stepped over (ITU-T T.81, B.1.1)."""
    stream.seek(2)
    for _ in range(_MOST_SEGMENTS):
        mark = stream.read(2)
        if mark == b"\xff\xff":  # a fill byte
            stream.seek(-1, 1)
            continue
        if len(mark) < 2 or mark[0] != 0xFF or mark[1] == 0xDA:
            return None
        (length,) = struct.unpack(">H", stream.read(2))
        if 0xC0 <= mark[1] <= 0xCF and mark[1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">2H", stream.read(5)[1:])
            return width, height
        stream.seek(length - 2, 1)
    return None


def _webp(stream: BinaryIO) -> Size | None:
    head = stream.read(30)
    kind = head[12:16]
    if kind == b"VP8X":
        wide, high = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return wide, high
    if kind == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<2H", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


_READERS: dict[str, Callable[[BinaryIO], Size | None]] = {"png": _png, "gif": _gif, "jpeg": _jpeg, "webp": _webp}
