"""Shares: whose code runs while a site is built: ours, a library's, Python's, the system's.

    python -m benchmarks.shares [--n 1000] [--engine commonmark]

One process builds a corpus, first cold, then after an edit of the base template and of one body, and looks at itself
as often as the system lets it in CPU time. A moment belongs to whoever's line is at work. A line of ours that calls a
library or the system by a name in `CALLED` is theirs: what is written in C has no lines of its own. What Python does
for our lines (regular expressions, texts, `marshal`) is ours.
"""

from __future__ import annotations

import argparse
import json
import linecache
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from benchmarks import corpus
from benchmarks.measuring import environment, machine
from benchmarks.sites import SCENARIOS, Site
from benchmarks.targets import COMMONMARK

EVERY = 0.001
OURS = "Obverse"
IMPORTS = "Python: start and imports"
JINJA = "Jinja: compiled templates and runtime"
SYSTEM = "system calls: files and pipes"
OTHERS = "Python's other libraries"
MARKDOWN = "Python-Markdown"
LIBRARIES = {
    "jinja2": JINJA,
    "markdown": MARKDOWN,
    "markupsafe": JINJA,
    "pygments": "Pygments",
    "pymdownx": MARKDOWN,
    "yaml": "YAML",
}
CALLED = {
    r"\brender_markdown\(": "comrak",
    r"\bos\.(?:open|write|read|fstat|stat|mkdir|close|rename|replace|scandir|fsync)\(|\bfile\.read\(|\bopen\(": SYSTEM,
    r"\.execute(?:many)?\(|_connection\.(?:commit|close)\(": "SQLite",
    r"hashlib\.": "digests",
    r"\bescape\(|_escaped\(": JINJA,
}
_CALLED = {re.compile(pattern): name for pattern, name in CALLED.items()}


def owner(frame: FrameType) -> tuple[str, str]:
    """Who is at work in a frame, and in which module, if it is one of ours."""
    if any("importlib._bootstrap" in one.f_code.co_filename for one in _around(frame)):
        return IMPORTS, ""
    file = Path(frame.f_code.co_filename)
    if file.suffix != ".py":  # what Jinja compiled has the name of its template; what Python made itself, none
        return (JINJA if file.suffix else OTHERS), ""
    for part in file.parts:
        if part in LIBRARIES:
            return LIBRARIES[part], ""
    if "obverse" not in file.parts[-4:-1]:
        return OTHERS, ""
    line = linecache.getline(str(file), frame.f_lineno or 0)
    found = next((name for pattern, name in _CALLED.items() if pattern.search(line)), OURS)
    inside = file.parts[file.parts.index("obverse", len(file.parts) - 4) + 1 :]
    return found, "/".join(inside) if found == OURS else ""


def _around(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _watched(folder: Path) -> Counter[tuple[str, str]]:
    """Build the site in a folder and count whose moments they were."""
    counts: Counter[tuple[str, str]] = Counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        if frame:
            counts[owner(frame)] += 1

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    from obverse.build import BuildOptions, build

    report = build(BuildOptions(folder))
    signal.setitimer(signal.ITIMER_PROF, 0)
    if report.blocked:
        raise SystemExit("\n".join(str(one) for one in report.problems))
    return counts


def table(counts: dict[str, int]) -> str:
    """A line for each owner, the greatest first, then one for each module of ours that has a hundredth or more."""
    whole = sum(counts.values())
    owners: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for key, count in counts.items():
        name, _, module = key.partition("|")
        owners[name] += count
        modules[module] += count if name == OURS else 0
    rows = [f"{name:<40}{count / whole:6.1%}" for name, count in owners.most_common()]
    rows += [f"    {name:<36}{count / whole:6.1%}" for name, count in modules.most_common() if count * 100 >= whole]
    return "\n".join(rows)


def shares(folder: Path) -> dict[str, int]:
    """Whose moments the build of a site takes, in a process of its own, added up under "owner|module"."""
    command = [sys.executable, "-m", "benchmarks.shares", "--inside", str(folder)]
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        command, env=environment(PYTHONPATH=root, OBVERSE_WORKERS="1"), capture_output=True, text=True, check=True
    )
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def main(arguments: list[str]) -> int:
    """Print whose moments a cold build takes, and one after each of two edits."""
    parser = argparse.ArgumentParser(prog="benchmarks.shares", description="Whose code runs while a site is built.")
    parser.add_argument("--n", type=int, default=1000, help="how many articles")
    parser.add_argument("--engine", default="commonmark", help="the Markdown engine")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.inside:
        os.chdir(asked.inside)
        counts = _watched(Path.cwd())
        print(json.dumps({"|".join(key): count for key, count in counts.items()}))
        return 0
    from benchmarks.peering import ours

    with tempfile.TemporaryDirectory(prefix="obverse-shares-") as work:
        folder = Path(work) / "site"
        corpus.write("obverse", folder, asked.n)
        with (folder / "obverse.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[markdown]\nengine = "{asked.engine}"\n')
        shares(folder)  # so that Python and Jinja have compiled what they keep
        site = Site(ours(COMMONMARK, Path(work)), folder, asked.n)
        for scenario in ("cold", "base template", "one body"):
            check = SCENARIOS[scenario](site)
            counts = shares(folder)
            if not check():
                print(f"'{scenario}' is not to be seen in the output", file=sys.stderr)
                return 1
            print(machine())
            print(
                f"{scenario}, {asked.n} articles, engine {asked.engine}: {sum(counts.values())} moments of CPU time\n"
            )
            print(table(counts), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
