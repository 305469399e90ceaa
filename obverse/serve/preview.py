"""A URL's path -> what the preview has there: a file, a folder whose address lacks its slash, or nothing."""

from __future__ import annotations

import mimetypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

# Said here, since what the system's table says differs from machine to machine.
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


@dataclass(frozen=True, slots=True)
class File:
    """A file of the preview: its path under the preview, with forward slashes."""

    name: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A folder asked for without its slash: the address it has."""

    url: str


Found: TypeAlias = File | Moved | None


def find(out: Path, path: str) -> Found:
    """What stands at `path`, a URL's decoded path without its first slash, in the preview `out`.

    Nothing outside `out` is ever found, and nothing whose name begins with a dot.
    """
    folder = path.removesuffix("/")
    parts = folder.split("/") if folder else []
    if path == "/" or not all(_is_plain(part) for part in parts):
        return None
    target = os.path.join(out, *parts)
    if not path or path.endswith("/"):
        return _file(out, [*parts, "index.html"])
    if os.path.isfile(os.path.join(target, "index.html")):
        return Moved("/" + "/".join(quote(part) for part in parts) + "/")
    return _file(out, parts)


def is_empty(out: Path) -> bool:
    """Whether no preview has ever been built."""
    try:
        with os.scandir(out) as entries:
            return all(entry.name.startswith(".") for entry in entries)
    except OSError:
        return True


def media_type(name: str) -> str:
    """The `Content-Type` of a file by its name."""
    suffix = os.path.splitext(name)[1].lower()
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def is_page(name: str) -> bool:
    """Whether a file is an HTML document."""
    return media_type(name).startswith("text/html")


def _file(out: Path, parts: list[str]) -> File | None:
    return File("/".join(parts)) if os.path.isfile(os.path.join(out, *parts)) else None


def _is_plain(part: str) -> bool:
    return bool(part) and not part.startswith(".") and not set(part) & set("\0\\")
