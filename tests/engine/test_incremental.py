"""What a build writes after an edit: what shows the edit, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from obverse import ledger_file as ledgers
from obverse.build import Keep, build
from tests.engine.sites import TinySite, frozen, stats


def written(site: TinySite) -> set[str]:
    """What the next build writes; it has to be as clean as any."""
    report = site.good_build()
    site.assert_as_clean(report)
    return set(report.written)


FEEDS = {"feed.xml", "feed.json"}


SEEN = "articles/e/index.html"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny site has a great many pages."""
    monkeypatch.setattr("obverse.making.FEW", 3)


@pytest.mark.usefixtures("few")
def test_what_is_looked_at_is_made_first_and_the_rest_by_the_next_build(built: TinySite) -> None:
    built.replace("obverse.toml", 'title = "', 'title = "Other ')
    before = stats(built.out)
    part = built.good_build(first=frozenset({SEEN}))
    assert part.partial
    assert part.written == (SEEN,)
    after = stats(built.out)
    assert {path for path in after if after[path] != before.get(path)} == {SEEN, os.path.dirname(SEEN)}
    report = built.good_build()
    assert not report.partial
    assert SEEN not in report.written
    assert len(report.written) > 20
    assert report.because["about/index.html"] == "the answer to settings() changed"
    assert report.total == part.total
    built.assert_as_clean(report)


@pytest.mark.usefixtures("few")
def test_what_is_new_or_gone_waits_for_the_rest(built: TinySite) -> None:
    built.replace("obverse.toml", 'title = "', 'title = "Other ')
    built.write("content/articles/new.md", "---\ntitle: New\ndate: 2026-01-05\n---\nNew.\n")
    built.remove("content/articles/c.md")
    assert built.good_build(first=frozenset({SEEN})).partial
    assert (built.out / "articles/c/index.html").exists()
    assert not (built.out / "articles/new/index.html").exists()
    built.assert_as_clean(built.good_build())


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("first", ["404.html", "nowhere/index.html"])
def test_a_page_that_stands_as_it_is_makes_nobody_wait(built: TinySite, first: str) -> None:
    built.replace("content/articles/e.md", "title: ", "title: The ")
    report = built.good_build(first=frozenset({first}))
    assert not report.partial
    built.assert_as_clean(report)


def test_few_are_made_at_once(built: TinySite) -> None:
    built.replace("content/articles/e.md", "Epsilon body", "Another body")
    report = built.good_build(first=frozenset({SEEN}))
    assert not report.partial
    built.assert_as_clean(report)


def test_first_build_is_clean(tiny: TinySite) -> None:
    report = tiny.good_build()
    assert report.problems == ()
    assert len(report.written) == report.total
    tiny.assert_as_clean(report)


def test_nothing_to_do_touches_nothing(built: TinySite) -> None:
    before = stats(built.out)
    report = built.good_build()
    assert (report.written, report.removed) == ((), ())
    assert stats(built.out) == before


def test_nothing_to_do_does_not_look_at_a_page(built: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("obverse.pipeline.make_site", lambda *_: pytest.fail("there was nothing to do"))
    assert built.good_build().total > 20


def test_body_writes_its_page(built: TinySite) -> None:
    built.replace("content/about.md", "People.", "Persons.")
    assert written(built) == {"about/index.html"}


def test_body_of_the_excerpt_writes_what_shows_that_too(built: TinySite) -> None:
    built.replace("content/articles/e.md", "Epsilon body", "Another body")
    found = written(built)
    assert {"articles/e/index.html", "index.html", *FEEDS} <= found
    assert not found & {"about/index.html", "articles/a/index.html", "tags/red/index.html", "404.html"}


def test_body_past_the_excerpt_writes_its_page_and_the_feeds(built: TinySite) -> None:
    built.replace("content/articles/b.md", "The end.", "The very end.")
    assert written(built) == {"articles/b/index.html"}  # the feeds hold three, and this is not among them
    built.replace("content/articles/e.md", "Epsilon body.", "Epsilon body.\n\nMore.")
    assert written(built) == {"articles/e/index.html"} | FEEDS


def test_title_writes_what_lists_it(built: TinySite) -> None:
    built.replace("content/articles/a.md", "title: Alpha", "title: First")
    found = written(built)
    assert found >= {"articles/a/index.html", "tags/red/index.html", "authors/anna/index.html", "articles/b/index.html"}
    assert not found & {"about/index.html", "team/index.html", "services/index.html", "404.html", "robots.txt", *FEEDS}


def test_unused_template_writes_nothing(built: TinySite) -> None:
    built.write("templates/unused.html", "nobody asks for this")
    assert written(built) == set()


def test_template_writes_what_it_renders(built: TinySite) -> None:
    built.write("templates/404.html", "gone")
    assert written(built) == {"404.html"}
    built.remove("templates/404.html")
    assert written(built) == {"404.html"}


def test_included_template_writes_what_includes_it(built: TinySite) -> None:
    built.write("templates/date.html", "no date")
    found = written(built)
    assert {"about/index.html", "articles/a/index.html"} <= found
    assert not found & {"index.html", "articles/index.html", "404.html"}


def test_component_writes_its_callers(built: TinySite) -> None:
    built.write("templates/components/pic.html", '{# src = {type = "image"} #}{{ args.src }}')
    assert written(built) == {"articles/d/index.html"} | FEEDS


def test_deleted_output_comes_back(built: TinySite) -> None:
    built.remove("site/about/index.html")
    assert written(built) == {"about/index.html"}


def test_changed_output_is_written_again(built: TinySite) -> None:
    built.write("site/about/index.html", "somebody was here")
    report = built.good_build()
    assert report.because == {"about/index.html": "somebody else changed it"}
    built.assert_as_clean(report)


def test_missing_link_target_heals(built: TinySite) -> None:
    before = stats(built.out)
    built.write("content/about.md", "[later](later.md#part)\n")
    report = built.build()
    assert {one.code for one in report.problems if one.level == "error"} == {"broken-link", "broken-anchor"}
    assert stats(built.out) == before
    built.write("content/later.md", "Text.\n\n## Part\n")
    built.write("content/team.md", "---\ntitle: Team\n---\nOn its own.\n")
    assert "about/index.html" in written(built)


def test_a_missing_target_that_only_warns_heals_where_it_is_linked(built: TinySite) -> None:
    built.write("obverse.toml", built.read("obverse.toml") + '[checks]\nbroken-link = "warning"\n')
    built.replace("content/team.md", "See", "[later](later.md) See")
    assert [one.code for one in built.good_build().problems] == ["broken-link"]
    built.write("content/later.md", "---\nnoindex: true\n---\nNow it is here.\n")
    report = built.good_build()
    assert report.problems == ()
    assert set(report.written) == {"later/index.html", "team/index.html"}
    built.assert_as_clean(report)


def test_unpublished_target_heals(built: TinySite) -> None:
    built.write("content/later.md", "---\ndraft: true\n---\nText.\n")
    built.replace("content/team.md", "See", "[later](later.md) See")
    assert [one.code for one in built.good_build().problems] == ["link-unpublished"]
    built.write("content/later.md", "Text.\n")
    assert {"later/index.html", "team/index.html"} <= written(built)


def test_problems_of_what_is_not_made_again_are_told_again(built: TinySite) -> None:
    built.write("content/later.md", "---\ndraft: true\n---\n")
    built.replace("content/team.md", "See", "[later](later.md) See")
    first = built.good_build().problems
    built.replace("content/services/one.md", "First", "Other")
    assert built.good_build().problems == first
    assert built.good_build().problems == first


def test_more_words_leave_lists_alone(built: TinySite) -> None:
    built.write("content/services/one.md", built.read("content/services/one.md") + "\nMore words.\n")
    assert written(built) == {"services/one/index.html"}


def test_new_article_leaves_full_list_pages_alone(built: TinySite) -> None:
    built.write("content/articles/f.md", "---\ntitle: Zeta\ndate: 2026-02-01\n---\nZeta.\n")
    assert {"articles/page/2/index.html", "articles/e/index.html"} <= written(built)
    built.write("content/articles/g.md", "---\ntitle: Eta\ndate: 2026-02-02\n---\nEta.\n")
    found = written(built)
    assert {"articles/index.html", "articles/f/index.html", "articles/g/index.html"} <= found
    assert not found & {f"articles/page/{number}/index.html" for number in (1, 2)}
    assert not found & {"articles/a/index.html", "tags/red/index.html"}


def test_preview_has_a_memory_of_its_own(built: TinySite) -> None:
    built.write("content/secret.md", "---\ndraft: true\n---\nNot yet.\n")
    preview = built.good_build(mode="preview", drafts=True, base_url="http://127.0.0.1:8000")
    assert "secret/index.html" in preview.written
    assert not (built.out / "secret").exists()
    built.assert_as_clean(built.good_build())


def test_draft_put_back_does_not_stay(built: TinySite) -> None:
    built.replace("content/about.md", "title: About", "title: About\ndraft: true")
    built.replace("obverse.toml", '{page = "about.md"}, ', "")
    for path in ("content/index.md", "content/team.md"):
        built.write(path, "No links.\n")
    report = built.good_build()
    assert "about/index.html" in report.removed
    assert not (built.out / "about").exists()


def test_dry_build_writes_nothing(built: TinySite) -> None:
    built.replace("content/about.md", "People.", "Persons.")
    everything = stats(built.out) | stats(Path(built.root / "content"))
    assert built.good_build(dry=True).written == ("about/index.html",)
    assert stats(built.out) | stats(Path(built.root / "content")) == everything
    assert written(built) == {"about/index.html"}


def test_verify_sees_what_should_not_be(built: TinySite) -> None:
    assert not built.build(verify=True).problems
    built.write("site/extra.html", "who made this?")
    report = built.build(verify=True)
    assert [(one.code, one.path) for one in report.problems] == [("verify", "site/extra.html")]
    assert not (built.root / ".obverse/verify").exists()


def test_site_built_through_a_relative_path(built: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built.root)
    here = TinySite(Path(), {})
    report = here.good_build()
    assert report.written == ()
    assert not os.path.exists(".obverse/out-")


def test_a_process_that_keeps_the_ledger_builds_as_one_that_reads_it(tiny: TinySite) -> None:
    keep = Keep()
    build(tiny.options(), frozen(tiny.now), keep)
    for number in range(3):
        tiny.write("content/extra.md", f"---\ntitle: Two {number}\n---\nTake {number}.\n")
        report = build(tiny.options(), frozen(tiny.now), keep)
        assert not report.blocked
        tiny.assert_as_clean(report)
        assert keep.ledger(tiny.options().ledger_file) == ledgers.load(tiny.options().ledger_file)
    tiny.remove("content/extra.md")
    tiny.good_build()  # by somebody else
    tiny.assert_as_clean(build(tiny.options(), frozen(tiny.now), keep))


# Edits that leave every page where it stands, after which nothing is asked of all pages.


INSIDE = {
    "body": ("articles/b.md", "The end.", "The very end."),
    "title": ("articles/b.md", "title: Beta", "title: Zeta"),
    "title of a page": ("services/one.md", "title: One", "title: A first one"),
    "what only the sitemap shows": ("about.md", "title:", "updated: 2026-01-01\ntitle:"),
    "problem": ("about.md", "People.", "[People](nowhere.md)."),
    "home of an author": ("authors/anna.md", "title: Anna", "title: Anne"),
}
ELSEWHERE = {
    "date": ("articles/b.md", "2026-01-02", "2025-12-30"),
    "tags": ("articles/b.md", "tags: [red]", "tags: [red, green]"),
    "draft": ("articles/b.md", "title:", "draft: true\ntitle:"),
    "address": ("articles/b.md", "title:", "slug: other\ntitle:"),
    "weight": ("services/one.md", "weight: 2", "weight: 0"),
    "expires": ("articles/b.md", "title:", "expires: 2030-01-01\ntitle:"),
    "picture beside a page": ("articles/d/pic.svg", 'width="5"', 'width="7"'),
    "settings": ("../obverse.toml", 'title = "', 'title = "Other '),
}


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many times all pages were put in their places."""
    from obverse import gather

    calls, index = [], gather.index
    monkeypatch.setattr(gather, "index", lambda *given: (calls.append(1), index(*given))[1])
    return calls


LENIENT = '[checks]\nbroken-link = "warning"\n'


@pytest.mark.parametrize(("edits", "edit"), [(edits, name) for edits in (INSIDE, ELSEWHERE) for name in edits])
def test_all_pages_are_looked_at_only_when_one_may_stand_elsewhere(
    tiny: TinySite, indexed: list[int], edits: dict[str, tuple[str, str, str]], edit: str
) -> None:
    tiny.write("obverse.toml", tiny.read("obverse.toml") + LENIENT)
    # Two pages of one weight stand by their titles.
    tiny.write("content/services/four.md", "---\ntitle: Four\nweight: 2\n---\nx\n")
    tiny.good_build()
    path, old, new = edits[edit]
    tiny.replace(f"content/{path}", old, new)
    indexed.clear()
    report = tiny.good_build()
    assert bool(indexed) == (edits is ELSEWHERE)
    tiny.assert_as_clean(report)
    indexed.clear()
    tiny.replace(f"content/{path}", new, old)  # and back, from what the shortcut left behind
    tiny.assert_as_clean(tiny.good_build())


def test_a_page_that_comes_by_itself_is_seen_beside_an_edit(tiny: TinySite) -> None:
    tiny.write("content/articles/soon.md", "---\ntitle: Soon\ndate: 2026-03-14T13:00:00Z\n---\nx\n")
    tiny.good_build()
    assert not (tiny.out / "articles/soon/index.html").exists()
    tiny.later(hours=5)
    tiny.replace("content/articles/b.md", "The end.", "The very end.")
    tiny.assert_as_clean(tiny.good_build())
    assert (tiny.out / "articles/soon/index.html").exists()


def test_the_size_of_a_picture_is_found_out_once(built: TinySite, monkeypatch: pytest.MonkeyPatch) -> None:
    from obverse import rendering

    sized, size_of = [], rendering.size_of
    monkeypatch.setattr(rendering, "size_of", lambda file: (sized.append(file.path), size_of(file))[1])
    built.replace("content/articles/a.md", "First lines", "First words")
    built.good_build()
    sized.clear()
    built.replace("content/articles/a.md", "First words", "First terms")
    built.good_build()
    assert sized == []
    built.replace("content/dot.svg", 'width="3"', 'width="9"')
    built.assert_as_clean(built.good_build())
    assert "dot.svg" in sized


def test_stats_that_may_be_trusted_by_now_are_no_burden_of_later_builds(
    built: TinySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a first build all sources are young. When they are not, all have a new stamp: that makes a new base."""
    monkeypatch.setattr("obverse.ledger_file._LITTLE", 1000)
    monkeypatch.setattr("obverse.sources.RACY_NS", 0)
    file = built.options().ledger_file
    before = file.read_bytes()
    built.good_build()
    assert file.read_bytes() != before
    base = ledgers.load(file).base
    assert base
    assert base.since is None
    assert built.good_build().written == ()
