"""`static/` -> addresses with the digest of the file's content in them: all of the inbox that a browser may keep."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, url_for

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
A_YEAR = "public, max-age=31536000, immutable"


@cache
def _contents() -> dict[str, tuple[str, bytes]]:
    """Published name -> media type and bytes, of every file of `static/`."""
    paths = [path for path in FOLDER.iterdir() if path.suffix in TYPES]
    return {_published(path): (TYPES[path.suffix], path.read_bytes()) for path in paths}


def _published(path: Path) -> str:
    return f"{path.stem}.{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}{path.suffix}"


@cache
def _name(name: str) -> str:
    return _published(FOLDER / name)


def asset(name: str) -> str:
    """The address of a file of `static/`."""
    return url_for("inbox.static", name=_name(name))


def register(blueprint: Blueprint) -> None:
    """Put the files at `static/`."""
    blueprint.add_url_rule("/static/<name>", "static", _serve)


def _serve(name: str) -> Response:
    """A style sheet, a script or a picture of the inbox, under a name that carries its content."""
    if name not in _contents():
        abort(404)
    media, content = _contents()[name]
    headers = {"Cache-Control": A_YEAR, "X-Content-Type-Options": "nosniff"}
    return Response(content, content_type=f"{media}; charset=utf-8", headers=headers)
