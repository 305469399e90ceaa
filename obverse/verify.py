"""Verify: two output folders -> a problem for every file in which they differ."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from obverse.problems import Problem, problem


def differences(out: Path, clean: Path) -> Iterator[Problem]:
    """What an incremental build left in `out` that a clean one made otherwise in `clean`; but for hidden files."""
    mine, theirs = _files_in(out), _files_in(clean)
    hint = "please report this; `obverse build` after deleting .obverse/ mends it"
    for path in sorted(mine | theirs):
        if path not in theirs:
            yield problem("verify", f"{out.name}/{path}", "a clean build would not make this file", hint=hint)
        elif path not in mine:
            yield problem("verify", f"{out.name}/{path}", "a clean build would make this file", hint=hint)
        elif (out / path).read_bytes() != (clean / path).read_bytes():
            yield problem("verify", f"{out.name}/{path}", "a clean build makes other bytes", hint=hint)


def _files_in(folder: Path) -> set[str]:
    found = set()
    for inner, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = os.path.relpath(inner, folder)
        found |= {os.path.normpath(os.path.join(relative, name)) for name in files if not name.startswith(".")}
    return {path.replace(os.sep, "/") for path in found}
