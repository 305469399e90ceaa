"""Pictures: a picture file -> its size in CSS pixels, so that a page leaves room for it before it arrives."""

from __future__ import annotations

import os
import re
import struct
import zlib

from obverse.site import File

RASTER = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif")

_SVG = re.compile(rb"<svg\b[^>]*>", re.IGNORECASE)
_LENGTH = re.compile(rb"""\s(width|height)\s*=\s*["']\s*([0-9.]+)(?:px)?\s*["']""")
_VIEW_BOX = re.compile(rb"""\sviewBox\s*=\s*["'][\s,]*[-0-9.e]+[\s,]+[-0-9.e]+[\s,]+([0-9.e]+)[\s,]+([0-9.e]+)""")

_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
# The signature and the start of the first chunk, width and height, what else that holds, its checksum.
_HEADER, _CHUNK = struct.Struct(">16sII5sI"), struct.Struct(">I4s")
# What may stand before the pixels and says nothing of how they are turned: EXIF, and text that holds it, do.
_PLAIN_CHUNKS = frozenset((b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs", b"tIME"))
_MOST_PIXELS = 50_000_000

# The root element of an SVG stands near its start.
_SVG_HEAD = 8192


def size_of(file: File) -> tuple[int, int] | None:
    """(width, height) of a picture as it is shown, or None when the file does not say or cannot be read."""
    name = file.path.lower()
    try:
        if name.endswith(".svg"):
            return _svg_size(file.file)
        return _raster_size(file.file) if name.endswith(RASTER) else None
    except (OSError, ValueError):
        return None


def _svg_size(path: str) -> tuple[int, int] | None:
    with open(path, "rb") as stream:
        root = _SVG.search(stream.read(_SVG_HEAD))
    if root is None:
        return None
    lengths = {name: float(value) for name, value in _LENGTH.findall(root.group())}
    if len(lengths) == 2:
        return round(lengths[b"width"]), round(lengths[b"height"])
    box = _VIEW_BOX.search(root.group())
    return (round(float(box[1])), round(float(box[2]))) if box else None


def _raster_size(path: str) -> tuple[int, int] | None:
    """Only the header is read. A camera's orientation (EXIF tag 274, values 5 to 8) turns the picture on its side."""
    return _plain_png_size(path) or _size_by_pillow(path)


def _plain_png_size(path: str) -> tuple[int, int] | None:
    """The size of a PNG whose first chunks leave no doubt (PNG 3, 11.2.1); None where Pillow has to look.

    Most are such, and to load Pillow for them takes longer than to look at a great many.
    """
    with open(path, "rb") as stream:
        head = stream.read(_HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(_PNG):
            return None
        _, width, height, _, check = _HEADER.unpack(head)
        if check != zlib.crc32(head[12:29]) or not 0 < width * height <= _MOST_PIXELS:
            return None
        while chunk := stream.read(_CHUNK.size):
            length, kind = _CHUNK.unpack(chunk) if len(chunk) == _CHUNK.size else (0, b"")
            if kind == b"IDAT":
                return width, height
            if kind not in _PLAIN_CHUNKS:
                return None
            stream.seek(length + 4, os.SEEK_CUR)
    return None


def _size_by_pillow(path: str) -> tuple[int, int] | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(274, 1) >= 5
            return (image.height, image.width) if turned else (image.width, image.height)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError):  # so Pillow calls a damaged chunk
        return None
