"""A file's name -> its media type, the same on every machine; and which types are worth compressing."""

from __future__ import annotations

import mimetypes
import os

# Said here, since what the system's table says differs from machine to machine. The preview's table is the same.
TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".gif": "image/gif",
    ".gz": "application/gzip",
    ".htm": "text/html; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml; charset=utf-8",
    ".zip": "application/zip",
}

# What is text, or as good as: the rest is compressed in itself.
_LARGE = frozenset({"application/json", "application/manifest+json", "application/wasm", "application/xml"})


def media_type(name: str) -> str:
    """The `Content-Type` of a file by its name."""
    suffix = os.path.splitext(name)[1].lower()
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def is_compressible(kind: str) -> bool:
    """Whether a file of that `Content-Type` gets smaller by gzip."""
    bare = kind.partition(";")[0]
    return bare.startswith("text/") or bare in _LARGE or bare.endswith(("+xml", "+json"))
