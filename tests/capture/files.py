"""Files as visitors send them, small and true to their kinds; and such as are made to fool somebody."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

PDF = b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
GIF = b"GIF89a\x02\x00\x03\x00\x80\x00\x00" + bytes(6) + b",\0\0\0\0\2\0\3\0\0\2\3\x84\x8f\5\0;"
TXT = "A plain letter, with ümlauts.\n".encode()
CSV = b"a;b\n1;2\n"
HTML = b"<!doctype html><title>x</title><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PHP = b"<?php system($_GET['c']); ?>"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def png(width: int = 2, height: int = 3) -> bytes:
    """A picture whose head says so; its pixels are never looked at."""
    head = struct.pack(">2L5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (b"IHDR", b"IDAT", b"IEND"), (head, zlib.compress(b"\0"), b"")))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))


def jpeg(width: int = 2, height: int = 3) -> bytes:
    """A picture with what a camera writes in front of its frame."""
    frame = b"\xff\xc0" + struct.pack(">HB2HB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xe1\x00\x08Exif\0\0" + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0\x12\xff\xd9"


def webp(width: int = 2, height: int = 3) -> bytes:
    """A picture without loss, by its head."""
    bits = (width - 1) | (height - 1) << 14
    body = b"WEBPVP8L" + struct.pack("<LB", 5, 0x2F) + struct.pack("<L", bits) + b"\0"
    return b"RIFF" + struct.pack("<L", len(body)) + body


def packed(entries: Mapping[str, bytes]) -> bytes:
    """A zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def docx(more: Mapping[str, bytes] | None = None) -> bytes:
    """A Word document."""
    return packed({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>", **(more or {})})


def xlsx() -> bytes:
    """An Excel sheet."""
    return packed({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
