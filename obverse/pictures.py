"""Pictures: a picture file -> its size in CSS pixels, so that a page leaves room for it before it arrives."""

from __future__ import annotations

import re

from obverse.site import File

RASTER = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif")

_SVG = re.compile(rb"<svg\b[^>]*>", re.IGNORECASE)
_LENGTH = re.compile(rb"""\s(width|height)\s*=\s*["']\s*([0-9.]+)(?:px)?\s*["']""")
_VIEW_BOX = re.compile(rb"""\sviewBox\s*=\s*["'][\s,]*[-0-9.e]+[\s,]+[-0-9.e]+[\s,]+([0-9.e]+)[\s,]+([0-9.e]+)""")

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
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(274, 1) >= 5
            return (image.height, image.width) if turned else (image.width, image.height)
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return None
