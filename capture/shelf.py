"""The shelf of releases: what a build wrote -> parts named by content -> the newest whole release, and every form.

A shelf is a folder (`var/releases/`) that only grows by whole files: `forms/NAME.LANG.DIGEST.json` is kept for ever,
since a page cached last year may still be sent; `parts/DIGEST` holds all else; `NUMBER-DIGEST.json` names the parts of
one release and comes last, so that a release is there as a whole or not at all, also on a shelf that is copied by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.files import put
from capture.setup import PageRow, Settings
from obverse.forms.form import Form

# Parts of older releases (but never their forms) are let go of.
KEPT = 20

_MANIFEST = re.compile(r"(?P<number>\d{6,})-(?P<digest>[0-9a-f]{32})\.json")
_SHELL_MARKS = ("%%TITLE%%", "%%MAIN%%")
_Reading = (OSError, ValueError, KeyError, TypeError, AttributeError)


class ReleaseError(Exception):
    """What a build should have written is missing or cannot be read; the sentence says which file."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One release as it stands on the shelf: its number, its digest, and its files by the names a build gave them."""

    number: int
    digest: str
    files: Mapping[str, bytes]


def take_in(source: Path, store: Path) -> None:
    """Copy the release that a build wrote to `source` onto the shelf `store`; nothing happens when it is the newest.

    Raises ReleaseError when something in it is missing or broken: the shelf stays as it was.
    """
    files = _sound(_read_folder(source))
    digest = _digest(json.dumps({name: _digest(data) for name, data in sorted(files.items())}).encode())
    newest = next(iter(_manifests(store)), None)
    if newest is not None and newest[1] == digest:
        return
    for name, data in files.items():
        put(_place(store, name, _digest(data)), data)
    number = newest[0] + 1 if newest else 1
    manifest = json.dumps({"files": {name: _digest(data) for name, data in sorted(files.items())}}, indent=1)
    put(store / f"{number:06}-{digest}.json", manifest.encode())
    _let_go(store)


def newest(store: Path) -> Parts | None:
    """The newest release that is there as a whole."""
    for number, digest, path in _manifests(store):
        with contextlib.suppress(*_Reading):
            named: Mapping[str, str] = json.loads(path.read_bytes())["files"]
            files = {name: _place(store, name, one).read_bytes() for name, one in named.items()}
            if all(_digest(files[name]) == one for name, one in named.items()):
                return Parts(number, digest, _sound(files))
    return None


def newest_number(store: Path) -> int:
    """The number of the newest release, whole or not; 0 when there is none. One look at one folder."""
    return next((number for number, _, _ in _manifests(store)), 0)


def all_forms(store: Path) -> list[Path]:
    """The file of every form ever published, the oldest first."""
    try:
        found = [
            (one.stat().st_mtime_ns, one.name) for one in os.scandir(store / "forms") if one.name.endswith(".json")
        ]
    except FileNotFoundError:
        return []
    return [store / "forms" / name for _, name in sorted(found)]


def page_row(plain: Mapping[str, Any]) -> PageRow:
    """A row of the page table; what a newer build may have added is left out."""
    known: dict[str, Any] = {name: plain[name] for name in PageRow.__dataclass_fields__ if name in plain}
    known |= {name: tuple(known[name]) for name in ("authors", "tags", "aliases") if name in known}
    return PageRow(**known)


def _read_folder(source: Path) -> dict[str, bytes]:
    try:
        found = sorted(path for path in source.rglob("*") if path.is_file() and path.suffix in (".json", ".html"))
        files = {path.relative_to(source).as_posix(): path.read_bytes() for path in found}
    except OSError as error:
        raise ReleaseError(f"the release cannot be read: {error.strerror}") from error
    return {name: data for name, data in files.items() if not name.startswith(".")}


def _sound(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files, once each is known to be what its name says."""
    if "site.json" not in files:
        raise ReleaseError("the release holds no site.json: build the site first")
    for name, data in files.items():
        try:
            _check(name, data)
        except _Reading as error:
            raise ReleaseError(f"{name} of the release cannot be read") from error
    return files


def _check(name: str, data: bytes) -> None:
    if name.startswith("shell."):
        text = data.decode()
        if any(text.count(mark) != 1 for mark in _SHELL_MARKS):
            raise ValueError(name)
        return
    plain: Any = json.loads(data)
    kind: type = list if name == "pages.json" else dict
    if not isinstance(plain, kind):
        raise TypeError(name)
    reader: Callable[[Any], object] = _READERS.get(name, Form.from_plain if name.startswith("forms/") else dict)
    reader(plain)


_READERS: dict[str, Callable[[Any], object]] = {
    "pages.json": lambda rows: [page_row(one) for one in rows],
    "site.json": Settings.from_plain,
}


def _place(store: Path, name: str, digest: str) -> Path:
    """Where a file of a release lies on the shelf."""
    if name.startswith("forms/"):
        return store / "forms" / f"{Path(name).stem}.{digest}.json"
    return store / "parts" / digest


def _manifests(store: Path) -> list[tuple[int, str, Path]]:
    """Number, digest and file of every release, the newest first."""
    try:
        names = os.listdir(store)
    except FileNotFoundError:
        return []
    found = (_MANIFEST.fullmatch(name) for name in names)
    return sorted(((int(one["number"]), one["digest"], store / one[0]) for one in found if one), reverse=True)


def _let_go(store: Path) -> None:
    """Remove releases long replaced, and the parts that none of the others names."""
    manifests = _manifests(store)
    for _, _, path in manifests[KEPT:]:
        path.unlink(missing_ok=True)
    if len(manifests) <= KEPT:
        return
    with contextlib.suppress(*_Reading):
        named = {one for _, _, path in manifests[:KEPT] for one in json.loads(path.read_bytes())["files"].values()}
        for part in os.scandir(store / "parts"):
            if part.name not in named:
                os.unlink(part.path)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
