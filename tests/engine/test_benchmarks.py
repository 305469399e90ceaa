import hashlib
import json
from pathlib import Path

import pytest

from benchmarks import corpus, large, peering, shares, sites
from benchmarks.measuring import Cost, tree
from benchmarks.targets import COMMONMARK, OURS, TARGETS, verdict
from obverse.build import build
from obverse.options import BuildOptions


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def test_who_ends_while_looked_at_has_no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "glob", gone)
    assert list(tree(7)) == [7]


@pytest.mark.parametrize("tool", ["obverse", "hugo", "pelican"])
def test_the_same_corpus_is_written_twice(tool: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        corpus.write(tool, tmp_path / name, 5)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert len(list((tmp_path / "one/content/articles").glob("*-0*.md"))) == 5


def test_names_and_titles_of_articles_are_all_different() -> None:
    assert len({corpus.slug(number) for number in range(3000)}) == 3000
    assert len({corpus.title(number) for number in range(3000)}) == 3000


def test_articles_are_as_long_and_as_varied_as_said() -> None:
    some = [corpus.article(number, 400, corpus.slug) for number in range(400)]
    assert all(600 <= len(one.body.split()) <= 1700 for one in some)
    for mark, share in (("```", 0.27), ("| ---", 0.34), ("[^one]:", 0.26), ("![", 0.30)):
        assert sum(mark in one.body for one in some) / 400 == pytest.approx(share, abs=0.07)


def test_a_corpus_has_no_problem_and_every_edit_shows(tmp_path: Path) -> None:
    corpus.write("obverse", tmp_path, 12)
    code = Path(corpus.__file__).parents[1]
    site = sites.Site(peering.tool(OURS, code, tmp_path), tmp_path, 12)
    for scenario, edit in sites.SCENARIOS.items():
        check = edit(site)
        assert build(BuildOptions(tmp_path)).problems == (), scenario
        assert check(), scenario


def test_an_edit_that_was_not_built_does_not_pass(tmp_path: Path) -> None:
    corpus.write("obverse", tmp_path, 12)
    site = sites.Site(peering.tool(OURS, tmp_path, tmp_path), tmp_path, 12)
    build(BuildOptions(tmp_path))
    for scenario in ("one body", "one title", "base template", "one new", "configuration"):
        assert not sites.SCENARIOS[scenario](site)(), scenario


def test_a_ratio_is_judged_by_its_target() -> None:
    assert verdict("cold", OURS, 1000, {OURS: 3.0, "hugo": 1.0, "pelican": 12.0}) == ("pelican", 0.25, "<= 0.3 ok")
    assert verdict("cold", COMMONMARK, 10000, {COMMONMARK: 4.0, "hugo": 4.0}) == ("hugo", 1.0, "<= 0.75 MISSED")
    assert verdict("one new", OURS, 1000, {OURS: 1.0, "hugo": 4.0}) == ("hugo", 0.25, "")
    assert verdict("cold", OURS, 1000, {OURS: 1.0, "hugo": 4.0}) == ("pelican", None, "")
    assert verdict("cold", "hugo", 1000, {"hugo": 4.0}) == ("hugo", None, "")
    assert TARGETS["one body", OURS].ratio == {1000: 0.12, 10000: 0.035}


def test_the_table_prints_medians_spread_and_ratio() -> None:
    costs = {"one body": {OURS: [Cost(1, 2), Cost(3, 4), Cost(8, 3)], "hugo": [Cost(30, 1)]}}
    first, second = sites.table(costs, 1000, lambda cost: cost.wall, 1).splitlines()
    wanted = f"one body {OURS} 3.0 1.0-8.0 3.00 0.100 of hugo (CPU 3.000) <= 0.12 ok"
    assert first.split() == wanted.split()
    assert second.split() == ["one", "body", "hugo", "30.0", "30.0-30.0", "1.00"]


def test_what_grows_faster_than_the_articles_is_seen() -> None:
    small = large.Size(100, 1.0, 10**6, 10**7, 10**5, {"cold": Cost(2, 4, 10**7), "one body": Cost(1, 1, 10**7)})
    big = large.Size(1000, 9.0, 10**7, 10**8, 10**6, {"cold": Cost(20, 41, 5 * 10**7), "one body": Cost(30, 1, 10**8)})
    rows = [line.split() for line in large.table(small, big).splitlines()[1:]]
    assert rows[0] == "cold 100 2.00 4.00 20.000 10 100.0".split()
    assert rows[1] == "cold 1000 20.00 41.00 20.000 50 50.0 1.00 1.02".split()
    assert rows[3] == "one body 1000 30.00 1.00 30.000 100 100.0 3.00 0.10".split()
    assert large.on_disk(big).endswith("MB: content 10, site 100, ledger and memo 1")


def test_builds_of_a_great_many_are_measured_in_every_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert large.main(["--n", "20", "--work", str(tmp_path / "work"), "--json", str(tmp_path / "out.json")]) == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()[4:10:2]] == list(large.SCENARIOS)
    few, many = json.loads((tmp_path / "out.json").read_text())
    assert (few["articles"], many["articles"]) == (2, 20)
    assert all(cost["peak"] and cost["wall"] for cost in many["builds"].values())


def test_a_moment_belongs_to_whoever_is_at_work(tmp_path: Path) -> None:
    corpus.write("obverse", tmp_path, 40)
    counts = shares.shares(tmp_path)
    owners = {key.partition("|")[0] for key in counts}
    assert {shares.OURS, shares.IMPORTS} <= owners
    rows = shares.table({"Obverse|a.py": 60, "Obverse|b/c.py": 1, "comrak|": 139})
    assert rows.splitlines() == [
        f"{'comrak':<40} 69.5%",
        f"{'Obverse':<40} 30.5%",
        f"    {'a.py':<36} 30.0%",
    ]
