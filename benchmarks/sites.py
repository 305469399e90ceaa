"""Sites: ours beside its peers, the same articles, in turn, every output looked at.

    python -m benchmarks.sites --n 1000 [--runs 5] [--peers hugo,pelican] [--only cold,body] [--json FILE]

Each command is a process of its own with a warm page cache. Memory is measured in builds of their own, since looking
costs time. Peers are installed into a cache folder (--peers-folder); what cannot be had is left out and said so.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks import corpus
from benchmarks.measuring import Cost, FailedError, environment, machine, run
from benchmarks.peering import MissingError, Tool, cache, copy_of_code, tool
from benchmarks.targets import COMMONMARK, OURS, verdict

PEERS = ("hugo", "pelican", "eleventy")
NOTES = """\
Ours also checks every link, anchor, image and heading, writes a JSON feed, per-host headers and the release for forms,
records what each page asked, and gives pictures their sizes; that is in its times.
Pelican has its cache on; Hugo and Pelican leave the page of a deleted article in the output.
Our lists are paged from the oldest article on: the first page holds up to 39, and there are fewer pages."""


@dataclass(slots=True)
class Site:
    """One generator's site: what was done to it, so that the next edit is a new one and the output can be judged."""

    tool: Tool
    folder: Path
    count: int
    edits: int = 0
    added: int = 0
    lists: int = 0
    kept: list[int] = field(default_factory=list)

    def page(self, number: int) -> str:
        """The HTML of an article; "" when there is none."""
        path = self.output / "articles" / corpus.slug(number) / "index.html"
        return path.read_text("utf-8") if path.exists() else ""

    @property
    def output(self) -> Path:
        """The folder the site is built into."""
        return self.folder / self.tool.made[0]

    def home(self) -> str:
        """The HTML of the first page."""
        return (self.output / "index.html").read_text("utf-8")

    def next(self) -> int:
        """The number of one more edit."""
        self.edits += 1
        return self.edits


Check = Callable[[], bool]


def _cold(site: Site) -> Check:
    # Moved away, not deleted: for minutes after a deletion, ext4 takes longer to find room for new files.
    attic = site.folder.parent / "attic" / f"{site.tool.name}-{site.next()}"
    attic.mkdir(parents=True)
    for name in site.tool.made:
        path = site.folder / name
        if path.exists():
            path.rename(attic / path.name)
    return lambda: bool(site.page(0)) and bool(site.page(site.count - 1))


def _nothing(site: Site) -> Check:
    return lambda: bool(site.page(0))


def _chosen(site: Site) -> int:
    return (site.count // 2 + site.next() * 7) % (site.count - 1)


def _body(site: Site) -> Check:
    number, words = _chosen(site), f"A sentence added as number {site.edits}."
    path = corpus.path_of(site.folder, number)
    path.write_text(f"{path.read_text('utf-8')}\n{words}\n", "utf-8")
    return lambda: words in site.page(number)


def _title(site: Site) -> Check:
    number, words = _chosen(site), f"Another title {site.edits}"
    path = corpus.path_of(site.folder, number)
    quoted = words if site.tool.form == "pelican" else f'"{words}"'
    text = re.sub(r"(?mi)^(title): .*$", rf"\1: {quoted}", path.read_text("utf-8"), count=1)
    path.write_text(text, "utf-8")
    return lambda: words in site.page(number) and words in site.page(number + 1)


def _template(site: Site) -> Check:
    words = f"edition {site.next()}<"
    path = site.folder / site.tool.base
    path.write_text(re.sub(r"edition \d+<", words, path.read_text("utf-8")), "utf-8")
    return lambda: all(words in text for text in (site.page(0), site.page(site.count - 1), site.home()))


def _new(site: Site) -> Check:
    site.added += 1
    number = site.count + site.added
    corpus.path_of(site.folder, number).write_text(corpus.text(site.tool.form, number, site.count), "utf-8")
    site.kept.append(number)
    return lambda: bool(site.page(number)) and corpus.slug(number) in site.home()


def _deleted(site: Site) -> Check:
    number = site.kept.pop()
    corpus.path_of(site.folder, number).unlink()
    return lambda: corpus.slug(number) not in site.home()


def _configuration(site: Site) -> Check:
    words = f"{corpus.TITLE} {site.next()}"
    path = site.folder / site.tool.settings
    path.write_text(re.sub(rf"{corpus.TITLE}( \d+)?", words, path.read_text("utf-8")), "utf-8")
    return lambda: words in site.page(0) and words in site.home()


# In this order, since what was added must be there before it can be deleted.
SCENARIOS: dict[str, Callable[[Site], Check]] = {
    "cold": _cold,
    "nothing changed": _nothing,
    "one body": _body,
    "one title": _title,
    "base template": _template,
    "one new": _new,
    "one deleted": _deleted,
    "configuration": _configuration,
}


def measure(site: Site, scenario: str, *, memory: bool = False) -> Cost:
    """Edit a site, build it, look whether the edit is in the output; a FailedError when it is not."""
    check = SCENARIOS[scenario](site)
    cost = run(site.tool.command, site.folder, environment(**site.tool.variables), memory=memory)
    pages = sum(1 for _ in site.output.rglob("*.html"))
    if scenario == "cold":
        site.lists = site.lists or pages - site.count - len(site.kept)
    # A new article may begin one more list page, or end one that leaves a file behind.
    wanted = site.count + site.lists + len(site.kept)
    if pages < wanted:
        raise FailedError(f"{site.tool.name}: {pages} pages after '{scenario}' where {wanted} were due")
    if not check():
        raise FailedError(f"{site.tool.name}: '{scenario}' is not to be seen in the output")
    return cost


Costs = dict[str, dict[str, list[Cost]]]


def make(names: list[str], count: int, work: Path, peers: Path) -> list[Site]:
    """The sites of all generators that can be had; of the others it is said why not."""
    code, sites = copy_of_code(work / "code"), []
    for name in names:
        try:
            one = tool(name, code, peers)
        except MissingError as error:
            print(f"{name} is left out: {error}")
            continue
        folder = work / name
        corpus.write(one.form, folder, count)
        if name == COMMONMARK:
            with (folder / "obverse.toml").open("a", encoding="utf-8") as settings:
                settings.write('\n[markdown]\nengine = "commonmark"\n')
        sites.append(Site(one, folder, count))
    return sites


def warmed(sites: list[Site]) -> list[Site]:
    """The sites that build, after a first build that is not counted."""
    good = []
    for site in sites:
        try:
            measure(site, "cold")
        except FailedError as error:
            print(f"{site.tool.name} is left out: {error}")
        else:
            good.append(site)
    return good


def compare(sites: list[Site], scenarios: list[str], runs: int) -> Costs:
    """Every scenario as often as asked, the generators in turn and every other time in the opposite order."""
    costs: Costs = {scenario: {site.tool.name: [] for site in sites} for scenario in scenarios}
    for number in range(runs):
        for scenario in scenarios:
            for site in sites if number % 2 == 0 else reversed(sites):
                costs[scenario][site.tool.name].append(measure(site, scenario))
    return costs


def table(costs: Costs, count: int, value: Callable[[Cost], float], digits: int) -> str:
    """A line for each scenario and generator: median, least and most, CPU, and the ratio beside its target.

    The ratio of the CPU stands beside it: on a machine that has other work it is the one that holds.
    """
    lines = []
    for scenario, by_tool in costs.items():
        medians = {name: statistics.median(map(value, some)) for name, some in by_tool.items() if some}
        cpus = {name: statistics.median(one.cpu for one in some) for name, some in by_tool.items() if some}
        for name, some in by_tool.items():
            values = [value(one) for one in some]
            peer, ratio, words = verdict(scenario, name, count, medians)
            beside = (
                f"{ratio:7.3f} of {peer:<8}(CPU {cpus[name] / cpus[peer]:.3f})  {words}" if ratio is not None else ""
            )
            middle, spread = f"{medians[name]:.{digits}f}", f"{min(values):.{digits}f}-{max(values):.{digits}f}"
            lines.append(f"{scenario:<16}{name:<20}{middle:>9}  {spread:<16}{cpus[name]:>8.2f}  {beside}".rstrip())
    return "\n".join(lines)


def _scenarios(only: str) -> list[str]:
    asked = [one.strip() for one in only.split(",") if one.strip()]
    chosen = [name for name in SCENARIOS if not asked or any(word in name for word in asked)]
    if "one deleted" in chosen and "one new" not in chosen:
        chosen.insert(chosen.index("one deleted"), "one new")
    return chosen


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.sites", description="Measure our builds beside those of peers.")
    parser.add_argument("--n", type=int, default=1000, help="how many articles")
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    parser.add_argument("--peers", default="hugo,pelican", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--ours", default=f"{OURS},{COMMONMARK}", help="our engines to measure")
    parser.add_argument("--only", default="", help="some scenarios, by a word of their names")
    parser.add_argument("--no-memory", action="store_true", help="leave the builds out that measure memory")
    parser.add_argument("--peers-folder", type=Path, default=cache(), help="where peers are installed")
    parser.add_argument("--work", type=Path, help="an empty folder to work in, kept afterwards")
    parser.add_argument("--json", type=Path, help="write all figures to this file too")
    return parser.parse_args(arguments)


def report(asked: argparse.Namespace, work: Path) -> int:
    """Measure and print as the command line asked."""
    names = [one for one in f"{asked.ours},{asked.peers}".split(",") if one]
    sites = warmed(make(names, asked.n, work, asked.peers_folder))
    scenarios = _scenarios(asked.only)
    costs = compare(sites, scenarios, asked.runs)
    print(machine())
    print(
        f"{asked.n} articles, {asked.runs} runs in turn; seconds: median, least-most, CPU; ratio of medians, target\n"
    )
    print(table(costs, asked.n, lambda cost: cost.wall, 3))
    memory: Costs = {}
    if not asked.no_memory:
        memory = {"peak memory": {site.tool.name: [measure(site, "cold", memory=True)] for site in sites}}
        print("\nMB at the worst moment of a cold build, all processes\n")
        print(table(memory, asked.n, lambda cost: cost.peak / 1e6, 0))
    print(f"\nHTML pages: {', '.join(f'{one.tool.name} {one.count + one.lists}' for one in sites)}\n{NOTES}")
    if asked.json:
        figures = {
            scenario: {name: [asdict(cost) for cost in some] for name, some in by_tool.items()}
            for scenario, by_tool in (costs | memory).items()
        }
        asked.json.write_text(json.dumps({"articles": asked.n, "costs": figures}, indent=1), "utf-8")
    return 0


def main(arguments: list[str]) -> int:
    """Measure as the command line says; exit code 1 when a build fails or does not show its edit."""
    asked = _arguments(arguments)
    try:
        if asked.work:
            asked.work.mkdir(parents=True, exist_ok=True)
            return report(asked, asked.work)
        with tempfile.TemporaryDirectory(prefix="obverse-sites-") as work:
            return report(asked, Path(work))
    except FailedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
