"""Versions: one short text that changes whenever this program, its libraries or Python do.

It is made of stats, not of metadata: asking for every library's version costs more than a build with nothing to do.
An installation changes its folder's time, an edit of our own code a file's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from obverse import __version__
from obverse.sources import HOOKS, Sources, digest_of


def rules(sources: Sources) -> str:
    """What every output depends on besides the site: this program, its libraries, Python, and the site's hooks."""
    hooks = sources.files.get(HOOKS)
    return f"{versions_stamp()} {hooks.digest if hooks else ''}"


def versions_stamp() -> str:
    """The stamp of this program and everything it may import."""
    package = Path(__file__).resolve().parent
    own = sorted(_own_files(package))
    libraries = sorted((place, _time(place)) for place in sys.path if place.endswith("-packages"))
    return digest_of(repr((__version__, sys.version, own, libraries)).encode())


def _own_files(package: Path) -> list[tuple[str, int, int]]:
    found = []
    for folder, _, files in os.walk(package):
        if "_bundled" in folder or folder.endswith("__pycache__"):
            continue
        for name in files:
            if name.endswith(".py"):
                entry = os.stat(os.path.join(folder, name))
                found.append((os.path.join(folder, name), entry.st_mtime_ns, entry.st_size))
    return found


def _time(place: str) -> int:
    try:
        return os.stat(place).st_mtime_ns
    except OSError:
        return 0
