"""Excerpts: problems -> the same with the source line each of them is about, read where they did not bring it along."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from obverse.problems import Problem


def quoted(problems: Iterable[Problem], root: Path, theme: Path) -> tuple[Problem, ...]:
    """The problems with the source line each of them is about, where they did not bring it along."""
    return tuple(
        replace(one, excerpt=_line_of(_file_of(one.path, root, theme), one.line))
        if one.line and not one.excerpt and one.code not in _NEVER_QUOTED
        else one
        for one in problems
    )


# The line would print a secret into logs and overlays.
_NEVER_QUOTED = frozenset({"secret"})


def _file_of(path: str, root: Path, theme: Path) -> Path:
    """The file a problem's path names; those of `theme`, the bundled one, are "theme/..."."""
    folder, _, name = path.partition("/")
    return theme / name if folder == "theme" else root / path


def _line_of(file: Path, line: int) -> str:
    try:
        with open(file, encoding="utf-8-sig", errors="replace", newline=None) as stream:
            return next(itertools.islice(stream, line - 1, None), "").rstrip("\n")
    except OSError:
        return ""
