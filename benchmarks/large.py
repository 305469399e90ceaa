"""Large: a number of articles -> what builds of so many take, beside the same at a tenth, so that one sees what grows.

    python -m benchmarks.large --n 100000 [--engine commonmark] [--work DIR] [--json FILE]

A build costs what it looks at: a cold one every article, one of an edit the stat of every file and the ledger. Both are
linear where the last two columns, the time and the CPU of an article beside those at a tenth of the size, are about 1.
What a process takes before it works, the same at every size, makes them less than 1 where little is done; on a machine
that has other work the CPU is the one that holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks import corpus
from benchmarks.measuring import Cost, FailedError, machine
from benchmarks.peering import MissingError, cache
from benchmarks.sites import Site, make, measure
from benchmarks.targets import COMMONMARK, OURS

# Scenarios of `benchmarks.sites`, each built once for its time and once for its memory: to look at that of processes so
# large holds them up.
SCENARIOS = ("cold", "nothing changed", "one body")
ENGINES = {"markdown": OURS, "commonmark": COMMONMARK}
PART = 10


@dataclass(frozen=True, slots=True)
class Size:
    """What builds of so many articles cost: seconds to write the corpus, bytes on disk, and the builds in order."""

    articles: int
    corpus: float
    sources: int
    output: int
    ledger: int
    builds: dict[str, Cost]


def weigh(name: str, count: int, work: Path) -> Size:
    """Write a corpus and build it in every way; a FailedError when an edit is not to be seen in the output."""
    began = time.perf_counter()
    (site,) = _made(name, count, work)
    wrote = time.perf_counter() - began
    builds = {
        scenario: replace(measure(site, scenario), peak=measure(site, scenario, memory=True).peak)
        for scenario in SCENARIOS
    }
    sizes = [_bytes(site.folder / part) for part in ("content", site.tool.made[0], ".obverse")]
    return Size(count, wrote, *sizes, builds)


def _made(name: str, count: int, work: Path) -> list[Site]:
    made = make([name], count, work, cache())
    if not made:
        raise MissingError(f"{name} cannot be had here")
    return made


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(small: Size, large: Size) -> str:
    """A line for each build: seconds, milliseconds an article and peak memory at both sizes, and what grew faster."""
    heads = ("articles", "seconds", "CPU s", "ms each", "peak MB", "KB each", "x time", "x CPU")
    lines = [" " * 16 + "".join(f"{head:>9}" for head in heads)]
    for scenario in small.builds:
        before, after, grown = small.builds[scenario], large.builds[scenario], large.articles / small.articles
        beside = f"{after.wall / before.wall / grown:9.2f}{after.cpu / before.cpu / grown:9.2f}"
        for size in (small, large):
            cost, count = size.builds[scenario], size.articles
            lines.append(
                f"{scenario:<16}{count:>9}{cost.wall:>9.2f}{cost.cpu:>9.2f}{1000 * cost.wall / count:>9.3f}"
                f"{cost.peak / 1e6:>9.0f}{cost.peak / 1e3 / count:>9.1f}{beside if size is large else ''}"
            )
    return "\n".join(lines)


def on_disk(size: Size) -> str:
    """A line of what lies on disk."""
    return (
        f"{size.articles} articles: corpus written in {size.corpus:.1f} s; MB: content {size.sources / 1e6:.0f}, "
        f"site {size.output / 1e6:.0f}, ledger and memo {size.ledger / 1e6:.0f}"
    )


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.large", description="Measure builds of a great many articles.")
    parser.add_argument("--n", type=int, default=100_000, help="how many articles")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="markdown", help="the Markdown engine")
    parser.add_argument("--work", type=Path, help="an empty folder to work in, kept afterwards")
    parser.add_argument("--json", type=Path, help="write all figures to this file too")
    return parser.parse_args(arguments)


def report(asked: argparse.Namespace, work: Path) -> None:
    """Measure and print as the command line asked."""
    name = ENGINES[asked.engine]
    small = weigh(name, max(1, asked.n // PART), work / "small")
    large = weigh(name, asked.n, work / "large")
    print(machine())
    print(f"engine {asked.engine}, {corpus.TITLE}: a process for each build; memory of all its processes together\n")
    print(table(small, large))
    print(f"\n{on_disk(small)}\n{on_disk(large)}")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(small), asdict(large)], indent=1), "utf-8")


def main(arguments: list[str]) -> int:
    """Measure as the command line says; exit code 1 when a build fails or does not show its edit."""
    asked = _arguments(arguments)
    try:
        if asked.work:
            asked.work.mkdir(parents=True, exist_ok=True)
            report(asked, asked.work)
        else:
            with tempfile.TemporaryDirectory(prefix="obverse-large-") as work:
                report(asked, Path(work))
    except (FailedError, MissingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
