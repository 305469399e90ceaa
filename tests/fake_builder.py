"""A builder small enough to see through, for the tests of serving: each content/NAME.md becomes NAME/index.html.

A line that begins with "!" is obeyed: `!error` and `!warning` are problems at that line, `!crash` raises, `!die` ends
the process, `!slow` takes a while, `!part` makes what is looked at before the rest, `!due SECONDS` makes the site due,
`!print` prints.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from obverse.clock import NEVER
from obverse.problems import Level, Problem

SLOW = 0.3
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{name}</title>{css}</head>
<body><main><h1>{name}</h1>{body}</main></body>
</html>
"""


@dataclass(frozen=True)
class BuildOptions:
    root: Path
    out: Path
    mode: str
    drafts: bool
    base_url: str
    first: frozenset[str]


@dataclass(frozen=True)
class Report:
    problems: tuple[Problem, ...]
    written: tuple[str, ...]
    removed: tuple[str, ...]
    total: int
    blocked: bool
    next_due: datetime
    seconds: float
    partial: bool = False


class Keep:
    """What is kept between builds: here, nothing."""


def build(options: BuildOptions, keep: Keep) -> Report:
    assert isinstance(keep, Keep)
    began = time.monotonic()
    problems: list[Problem] = []
    due = NEVER
    outputs = {"404.html": page("not here", "", options)}
    for path in sorted((options.root / "content").rglob("*.*")):
        name = path.relative_to(options.root / "content")
        if path.suffix != ".md":
            outputs[name.as_posix()] = path.read_bytes()
            continue
        text = path.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            due = min(due, obey(line, number, f"content/{name.as_posix()}", problems))
        target = name.with_suffix("") / "index.html" if name.stem != "index" else name.with_suffix(".html")
        outputs[target.as_posix()] = page(name.stem, f"<p>{text}</p>", options)
    css = stylesheet(options)
    if css:
        outputs[css] = (options.root / "templates" / "app.css").read_bytes()
    blocked = any(one.level is Level.ERROR for one in problems)
    partial = bool(options.first) and b"!part" in b"".join(outputs.values())
    outputs = {name: data for name, data in outputs.items() if name in options.first} if partial else outputs
    written, removed = ((), ()) if blocked else commit(options.out, outputs, partial=partial)
    return Report(tuple(problems), written, removed, len(outputs), blocked, due, time.monotonic() - began, partial)


def obey(line: str, number: int, path: str, problems: list[Problem]) -> datetime:
    if line.startswith(("!error", "!warning")):
        level = Level.ERROR if line.startswith("!error") else Level.WARNING
        problems.append(Problem("broken", path, f"this is <b>wrong</b>: {line[1:]}", number, 2, line, "mend it", level))
    elif line.startswith("!crash"):
        raise RuntimeError("no more")
    elif line.startswith("!die"):
        os._exit(3)
    elif line.startswith("!slow"):
        time.sleep(SLOW)
    elif line.startswith("!print"):
        print("a hook talks")
    elif line.startswith("!due"):
        return datetime.now(UTC) + timedelta(seconds=float(line.split()[1]))
    return NEVER


def page(name: str, body: str, options: BuildOptions) -> bytes:
    css = stylesheet(options)
    link = f'<link rel="stylesheet" href="/{css}">' if css else ""
    return PAGE.format(name=name, css=link, body=body).encode()


def stylesheet(options: BuildOptions) -> str:
    source = options.root / "templates" / "app.css"
    return f"assets/app.{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}.css" if source.exists() else ""


def commit(out: Path, outputs: dict[str, bytes], *, partial: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    written = []
    for name, data in outputs.items():
        target = out / name
        if not target.exists() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = target.with_name("." + target.name)
            staged.write_bytes(data)
            staged.replace(target)
            written.append(name)
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    removed = [] if partial else sorted(there - outputs.keys())
    for name in removed:
        (out / name).unlink()
    return tuple(written), tuple(removed)
