"""Addresses: content paths -> URLs -> output files. Pure text in, pure text out.

A URL here is site-local: it begins with "/", is percent-encoded (RFC 3986) and does not carry the base path. Folders
end in "/" and are written as `index.html`.
"""

from __future__ import annotations

import functools
import posixpath
import re
import unicodedata
from urllib.parse import quote, unquote

# What RFC 3986 lets stand in a path segment, besides letters and digits.
_SAFE = "/-._~!$&'()*+,;=:@"

_PLAIN = re.compile(r"[A-Za-z0-9/._-]*")

_NOT_IN_SLUG = re.compile(r"[^\w.-]+|_(?=_)")
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}\Z")
_DASHES = re.compile(r"[-\s]+")


@functools.lru_cache(10_000)
def slug(text: str) -> str:
    """A path segment made of a name: lower case, letters and digits of every script, hyphens for spaces; may be ""."""
    plain = _DASHES.sub("-", unicodedata.normalize("NFC", text).strip().lower())
    return _DASHES.sub("-", _NOT_IN_SLUG.sub("", plain)).strip("-.")


def segment(name: str) -> str:
    """A file's or folder's name as a path segment: its slug, or the name itself when no slug can be made of it."""
    return slug(name) or name


def encoded(path: str) -> str:
    """A plain path as the path of a URL."""
    return path if _PLAIN.fullmatch(path) else quote(unicodedata.normalize("NFC", path), safe=_SAFE)


def decoded(url: str) -> str:
    """The plain path of a URL's path (NFC)."""
    if "%" not in url and url.isascii():
        return url
    return unicodedata.normalize("NFC", unquote(url))


def beneath(url: str) -> str:
    """The folder of what belongs to the page at a URL: "/a/" -> "/a/", "/a/b.html" -> "/a/"."""
    return url[: url.rindex("/") + 1]


def with_slash(url: str) -> str:
    """The URL of a page whose address was written "/a" as "/a/"; one that names a file ("/a.html") stays as it is."""
    return url if url.endswith("/") or _FILE.search(url) else f"{url}/"


def output_path(url: str) -> str:
    """The file under the output folder that answers for a site-local URL: "/a/" -> "a/index.html"."""
    path = (url if url.isascii() and "%" not in url else decoded(url)).lstrip("/")
    return path + "index.html" if path == "" or path.endswith("/") else path


def joined(folder: str, relative: str) -> str | None:
    """A path relative to a content folder as a content path; None when it leaves `content/`. "/x" is from the top."""
    path = relative[1:] if relative.startswith("/") else f"{folder}/{relative}" if folder else relative
    if path and "/." not in path and "//" not in path and path[0] not in "./" and path[-1] != "/":
        return path  # as nearly all are: nothing to tidy
    clean = posixpath.normpath(path) if path else ""
    if clean in {".", ""}:
        return ""
    return None if clean == ".." or clean.startswith("../") else clean.lstrip("/")


def folder_of(path: str) -> str:
    """The folder a content path lies in ("" at the top)."""
    return path.rpartition("/")[0]
