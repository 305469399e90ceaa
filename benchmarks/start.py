"""Start: what a process costs before it works, beside Python's own start and the import of Jinja.

    python -m benchmarks.start [--runs 15]

The commands run in turn, each in a process of its own, on the starter as `obverse new site` makes it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring import Cost, FailedError, environment, machine, run
from benchmarks.peering import copy_of_code

_ARTICLE = "content/articles/glossary.md"
_PAGE = "site/articles/glossary/index.html"


@dataclass(slots=True)
class Case:
    """A command, what is done before each run, and what must be so afterwards."""

    name: str
    command: list[str]
    before: Callable[[], Callable[[], bool]] = lambda: lambda: True
    costs: list[Cost] = field(default_factory=list)


def _edits(site: Path) -> Callable[[], Callable[[], bool]]:
    made = iter(range(1, 1_000_000))

    def edit() -> Callable[[], bool]:
        path, words = site / _ARTICLE, f"Added as sentence number {next(made)}."
        path.write_text(f"{path.read_text('utf-8')}\n{words}\n", "utf-8")
        return lambda: words in (site / _PAGE).read_text("utf-8")

    return edit


def cases(site: Path) -> list[Case]:
    """What is measured, the cheapest first; `site` has been built."""
    python, obverse = sys.executable, [sys.executable, "-m", "obverse"]
    return [
        Case("python -c pass", [python, "-c", "pass"]),
        Case("python -c 'import jinja2'", [python, "-c", "import jinja2"]),
        Case("obverse --help", [*obverse, "--help"]),
        Case("obverse build, nothing changed", [*obverse, "build"]),
        Case("obverse build, one body", [*obverse, "build"], _edits(site)),
    ]


def measure(runs: int, work: Path) -> list[Case]:
    """All cases so many times, in turn; a first time is not counted."""
    variables, site = environment(PYTHONPATH=str(copy_of_code(work / "code"))), work / "site"
    run([sys.executable, "-m", "obverse", "new", "site", str(site)], work, variables)
    run([sys.executable, "-m", "obverse", "build"], site, variables)
    found = cases(site)
    for number in range(runs + 1):
        for case in found:
            check = case.before()
            cost = run(case.command, site, variables)
            if not check():
                raise FailedError(f"{case.name}: the edit is not to be seen")
            if number:
                case.costs.append(cost)
    return found


def table(found: list[Case]) -> str:
    """A line for each case: milliseconds on the clock and of CPU, and how much more than Python's own start."""
    bare = statistics.median(one.wall for one in found[0].costs)
    lines = []
    for case in found:
        wall, cpu = (
            statistics.median(values) for values in zip(*((one.wall, one.cpu) for one in case.costs), strict=True)
        )
        least = min(one.wall for one in case.costs)
        lines.append(
            f"{case.name:<32}{1000 * wall:>7.0f}{1000 * least:>7.0f}{1000 * cpu:>7.0f}{1000 * (wall - bare):>+8.0f}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks.start", description="What the start of a command costs.")
    parser.add_argument("--runs", type=int, default=15)
    asked = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="obverse-start-") as work:
            found = measure(asked.runs, Path(work))
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1
    print(machine())
    print("milliseconds: median, least, CPU, and above Python's own start\n")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
