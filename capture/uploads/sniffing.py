"""The content of a file -> the kinds that it fits, and what about it a person should look at.

What its sender says of it counts for nothing here. A kind fits when the file begins as that kind does and has what each
of the kind has; nothing is decoded or unpacked. What a program may be fooled by is a doubt, not a refusal.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from capture.uploads.archives import read_archive
from capture.uploads.pictures import dimensions, is_bomb

# The doubts, which are reasons to hold: it becomes far more than it is; it carries programs; it is two things at once.
BOMB, ACTIVE, MIXED = "file-bomb", "file-active", "file-mixed"

_CHUNK = 256 * 1024
_HEAD, _TAIL = 1024, 2048


@dataclass(frozen=True, slots=True)
class Found:
    """The kinds (names of `obverse.forms.kinds`) that a content fits, and doubts about it."""

    kinds: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()


def sniff(stream: BinaryIO, size: int) -> Found:
    """What the `size` bytes of a stream are. Raises OSError."""
    stream.seek(0)
    head = stream.read(_HEAD)
    if head.startswith(b"%PDF-"):
        return _pdf(stream, size, head)
    if head.startswith(b"PK\3\4"):
        return _document(stream, size)
    picture = next((kind for kind, begins in _PICTURES.items() if begins.match(head)), "")
    if picture:
        return _picture(picture, stream, size, head)
    return Found(frozenset({"txt", "csv"})) if _is_text(stream, head) else Found()


# --- documents ---

_WANTED = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
_TYPES = "[Content_Types].xml"


def _document(stream: BinaryIO, size: int) -> Found:
    """A Word or Excel document: a zip, told by what is in its directory."""
    archive = read_archive(stream, size)
    kinds = {kind for kind, name in _WANTED.items() if archive and {name, _TYPES} <= archive.names}
    if archive is None or not kinds:
        return Found()
    # Two kinds of document in one zip open as whichever program comes first.
    doubts = {
        BOMB: archive.is_bomb(size),
        ACTIVE: any(_RUNS.search(name) for name in archive.names),
        MIXED: not archive.alone or len(kinds) > 1,
    }
    return Found(frozenset(kinds), _true(doubts))


_RUNS = re.compile(r"vbaproject|activex|\.(exe|js|vbs)$", re.IGNORECASE)


def _pdf(stream: BinaryIO, size: int, head: bytes) -> Found:
    tail = _tail(stream, size)
    doubts = {
        ACTIVE: _holds(stream, _PDF_RUNS),
        MIXED: b"%%EOF" not in tail or b"PK\5\6" in tail or bool(_MARKUP.search(head)),
    }
    return Found(frozenset({"pdf"}), _true(doubts))


# --- pictures ---

_PICTURES = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpeg": re.compile(rb"\xff\xd8\xff"),
    "gif": re.compile(rb"GIF8[79]a"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


def _picture(kind: str, stream: BinaryIO, size: int, head: bytes) -> Found:
    measured = dimensions(kind, stream)
    if measured is None or not all(measured):
        return Found()
    tail = _tail(stream, size)
    doubts = {
        BOMB: is_bomb(measured),
        MIXED: not _ends(kind, head, tail, size) or b"PK\5\6" in tail or b"%PDF-" in head or _holds(stream, _CODE),
    }
    return Found(frozenset({kind}), _true(doubts))


def _ends(kind: str, head: bytes, tail: bytes, size: int) -> bool:
    """Whether the picture is all of the file. Telephones append films to their JPEGs, so that these may go on."""
    if kind == "png":
        return tail.endswith(b"IEND\xaeB`\x82")
    if kind == "gif":
        return tail.rstrip(b"\0").endswith(b";")
    if kind == "webp":
        return 0 <= size - 8 - int.from_bytes(head[4:8], "little") <= 1
    return True


# --- texts ---

_BOM = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\f\r\x1b")) + b"\x7f"


def _is_text(stream: BinaryIO, head: bytes) -> bool:
    """Whether it is text, in any alphabet, that no browser would take for a page."""
    wide = _BOM.get(head[:2])
    plain = head.decode(wide, "replace").encode("utf-8", "replace") if wide else head
    if not head or _PAGE.match(plain.lstrip(b"\xef\xbb\xbf \t\r\n\f")):
        return False
    return all(not chunk.translate(None, _OTHERS) for chunk in _narrow(stream, wide))


_OTHERS = bytes(set(range(256)) - set(_CONTROLS))


def _narrow(stream: BinaryIO, wide: str | None) -> Iterator[bytes]:
    """The chunks; of a text in two bytes a character as one in UTF-8. What cannot be read becomes a control."""
    if not wide:
        yield from _chunks(stream)
        return
    decoder = codecs.getincrementaldecoder(wide)("replace")
    for chunk in _chunks(stream):
        yield decoder.decode(chunk).replace("\ufffd", "\0").encode()
    yield decoder.decode(b"", final=True).replace("\ufffd", "\0").encode()


# What makes a browser or a server take a file for a page or a program (https://mimesniff.spec.whatwg.org/#rules).
_PAGE = re.compile(
    rb"<(!doctype|html|head|script|iframe|body|svg|\?xml|\?php|!--|div|table|style|title|a |b>|br|p>|h1)", re.IGNORECASE
)
_MARKUP = re.compile(rb"<(script|html|svg|\?php)", re.IGNORECASE)
_CODE = re.compile(rb"<(script|\?php)", re.IGNORECASE)
_PDF_RUNS = re.compile(rb"/(JavaScript|Launch)\b")


def _holds(stream: BinaryIO, wanted: re.Pattern[bytes]) -> bool:
    """Whether it stands anywhere in the stream."""
    before = b""
    for chunk in _chunks(stream):
        if wanted.search(before + chunk):
            return True
        before = chunk[-16:]
    return False


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        yield chunk


def _tail(stream: BinaryIO, size: int) -> bytes:
    stream.seek(max(0, size - _TAIL))
    return stream.read()


def _true(doubts: dict[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, true in doubts.items() if true)
