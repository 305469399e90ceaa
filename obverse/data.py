"""Data files: `content/_data/team.toml` (or .json, .yaml, .csv) -> plain values for templates."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from obverse.problems import Problem, problem
from obverse.sources import Source

FOLDER = "content/_data/"
SUFFIXES = (".toml", ".json", ".yaml", ".yml", ".csv")


def data_sources(sources: Iterable[Source]) -> tuple[dict[str, Source], list[Problem]]:
    """The data files by name ("team", "prices/2026"), and those whose name is taken or whose kind is not known."""
    found: dict[str, Source] = {}
    problems = []
    for source in sources:
        path = Path(source.path.removeprefix(FOLDER))
        name = path.with_suffix("").as_posix()
        if path.suffix not in SUFFIXES:
            hint = "data files end in " + ", ".join(SUFFIXES)
            problems.append(problem("data", source.path, "not a kind of data file", hint=hint))
        elif name in found:
            problems.append(problem("data", source.path, f"{found[name].path} has the same name"))
        else:
            found[name] = source
    return found, problems


def read_data(source: Source) -> tuple[Any, Problem | None]:
    """The values of a data file, or None and what is wrong with it. A CSV is a list of mappings by its header."""
    try:
        text = Path(source.file).read_text(encoding="utf-8-sig")
        return _READERS[Path(source.path).suffix](text), None
    except Exception as error:  # noqa: BLE001 - each of four parsers has its own errors
        line = getattr(error, "lineno", 0) or _yaml_line(error) or _told_line(error)
        said = str(getattr(error, "problem", None) or error).split("\n", 1)[0]
        return None, problem("data", source.path, f"cannot be read: {said}", line=line)


def _yaml_line(error: Exception) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 0


def _told_line(error: Exception) -> int:
    """The line that a message speaks of, as those of TOML do."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else 0


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


def _csv(text: str) -> list[dict[str, str]]:
    import csv

    return list(csv.DictReader(io.StringIO(text, newline="")))


_READERS: dict[str, Callable[[str], Any]] = {
    ".toml": _toml,
    ".json": json.loads,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".csv": _csv,
}
