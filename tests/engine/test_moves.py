"""Pages that move leave a redirect behind, which `content/_moves.toml` remembers."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable

import pytest

from obverse.moves import NO_MOVES, Moves, Published, as_toml, detected, read_moves
from tests.engine.sites import TinySite, stats


def _moves(site: TinySite) -> dict[str, dict[str, str]]:
    return tomllib.loads(site.read("content/_moves.toml"))


def test_a_rename_leaves_a_redirect(built: TinySite) -> None:
    built.move("content/articles/e.md", "content/articles/renamed.md")
    report = built.good_build()
    assert _moves(built) == {
        "pages": {"articles/e.md": "articles/renamed.md"},
        "urls": {"/articles/e/": "articles/renamed.md"},
    }
    assert b"url=/articles/renamed/" in (built.out / "articles/e/index.html").read_bytes()
    built.assert_as_clean(report)
    again = built.good_build()
    assert (again.written, again.removed) == ((), ())


def test_what_was_written_of_a_move_may_be_taken_back(built: TinySite) -> None:
    """As `git checkout` does: the file says again what it said before the build that saw the page move."""
    built.write("content/_moves.toml", "")
    built.good_build()
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.good_build()
    built.write("content/_moves.toml", "")
    report = built.good_build()
    assert "articles/e/index.html" in report.removed
    built.assert_as_clean(report)


def _index_becomes_a_page(site: TinySite) -> str:
    site.move("content/articles/_index.md", "content/writing.md")
    return "articles/index.html"


def _a_file_takes_the_address(site: TinySite) -> str:
    site.move("content/articles/e.md", "content/articles/renamed.md")
    site.write("content/articles/e/index.html", "<p>Something else</p>\n")
    return "articles/e/index.html"


def _a_file_lies_around_it(site: TinySite) -> str:
    site.move("content/articles/e.md", "content/articles/renamed.md")
    site.write("content/articles/e", "Something else\n")
    return "articles/e"


def _capitals_go(site: TinySite) -> str:
    site.replace("content/about.md", "url: /About/", "url: /about/")
    return "about/index.html"


def _no_page_of_its_own_for_what_is_not_there(site: TinySite) -> str:
    site.move("content/404.md", "content/lost.md")
    return "404.html"


@pytest.mark.parametrize(
    "change",
    [
        _index_becomes_a_page,
        _a_file_takes_the_address,
        _a_file_lies_around_it,
        _capitals_go,
        _no_page_of_its_own_for_what_is_not_there,
    ],
)
def test_an_address_that_was_left_is_for_whatever_needs_it_now(
    tiny: TinySite, change: Callable[[TinySite], str]
) -> None:
    tiny.replace("content/about.md", "title:", "url: /About/\ntitle:")
    tiny.write("content/404.md", "---\ntitle: Not here\n---\nThere is nothing here.\n")
    tiny.good_build()
    output = change(tiny)
    report = tiny.good_build()
    assert b"http-equiv" not in (tiny.out / output).read_bytes()
    tiny.assert_as_clean(report)


def test_an_alias_of_what_stands_there_is_not_told_to_capture(built: TinySite) -> None:
    """It would count the views of one page as those of another."""
    built.move("content/articles/_index.md", "content/writing.md")
    built.good_build()
    rows = json.loads((built.options().release_folder / "pages.json").read_bytes())
    assert [row["aliases"] for row in rows if row["url"] == "/writing/"] == [[]]


def test_the_redirect_outlives_the_memory(built: TinySite) -> None:
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.good_build()
    built.remove(".obverse")
    built.remove("site")
    built.good_build()
    assert (built.out / "articles/e/index.html").is_file()


def test_moved_twice_leads_to_where_it_is(built: TinySite) -> None:
    built.move("content/articles/e.md", "content/articles/second.md")
    built.good_build()
    built.move("content/articles/second.md", "content/articles/third.md")
    report = built.good_build()
    for old in ("e", "second"):
        assert b"url=/articles/third/" in (built.out / f"articles/{old}/index.html").read_bytes()
    built.assert_as_clean(report)


def test_a_page_that_comes_back_needs_no_redirect(built: TinySite) -> None:
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.good_build()
    built.move("content/articles/renamed.md", "content/articles/e.md")
    report = built.good_build()
    assert b"Epsilon body" in (built.out / "articles/e/index.html").read_bytes()
    assert b"url=/articles/e/" in (built.out / "articles/renamed/index.html").read_bytes()
    built.assert_as_clean(report)


def test_a_page_that_stands_has_not_moved_whoever_says_so(built: TinySite) -> None:
    built.write("content/_moves.toml", '[pages]\n"articles/a.md" = "articles/b.md"\n')
    report = built.good_build()
    assert _moves(built) == {"pages": {}, "urls": {}}
    built.assert_as_clean(report)


def test_another_slug_leaves_a_redirect(built: TinySite) -> None:
    built.replace("content/articles/e.md", "title:", "slug: other\ntitle:")
    report = built.good_build()
    assert _moves(built)["urls"] == {"/articles/e/": "articles/e.md"}
    built.assert_as_clean(report)


def test_an_article_keeps_the_id_it_was_published_under(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    built.move("content/articles/e.md", "content/articles/renamed.md")
    report = built.good_build()
    assert (built.out / "articles/renamed/index.html").read_text(encoding="utf-8") == "articles/e.md"
    built.assert_as_clean(report)


@pytest.mark.parametrize("way", [("x", "e"), ("x", "y", "e"), ("x", "y", "x"), ("x", "e", "x", "y", "x")])
def test_an_article_that_returns_is_who_it_was(built: TinySite, way: tuple[str, ...]) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    before = "e"
    for name in way:
        built.move(f"content/articles/{before}.md", f"content/articles/{name}.md")
        report = built.good_build()
        assert (built.out / f"articles/{name}/index.html").read_text(encoding="utf-8") == "articles/e.md"
        built.assert_as_clean(report)
        before = name
    for left in {"e", *way} - {before}:
        assert f"url=/articles/{before}/".encode() in (built.out / f"articles/{left}/index.html").read_bytes()


def test_an_article_is_not_who_was_here_before(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    built.move("content/articles/e.md", "content/articles/x.md")
    built.good_build()
    built.remove("content/articles/x.md")
    built.good_build()
    built.move("content/articles/b.md", "content/articles/x.md")
    report = built.good_build()
    assert (built.out / "articles/x/index.html").read_text(encoding="utf-8") == "articles/b.md"
    built.assert_as_clean(report)


def _new(site: TinySite, name: str) -> None:
    """Publish another article under a name that was another's."""
    site.write(f"content/articles/{name}.md", f"---\ntitle: New\ndate: 2026-02-02\n---\nNew words at {name}.\n")
    site.assert_as_clean(site.good_build())


def _move(site: TinySite, old: str, new: str) -> None:
    site.move(f"content/articles/{old}.md", f"content/articles/{new}.md")
    site.assert_as_clean(site.good_build())


def _who(site: TinySite, *names: str) -> list[str]:
    return [(site.out / f"articles/{name}/index.html").read_text(encoding="utf-8") for name in names]


def test_who_comes_to_a_place_that_was_left_is_somebody_else(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    _move(built, "e", "x")
    _new(built, "e")
    assert _who(built, "x", "e") == ["articles/e.md", "articles/e.md~2"]
    assert _moves(built) == {
        "pages": {},
        "urls": {"/articles/e/": "articles/x.md"},
        "ids": {"articles/e.md": "articles/e.md~2", "articles/x.md": "articles/e.md"},
    }
    _move(built, "e", "y")
    _move(built, "x", "z")
    assert _who(built, "z", "y") == ["articles/e.md", "articles/e.md~2"]
    _new(built, "e")
    assert _who(built, "z", "y", "e") == ["articles/e.md", "articles/e.md~2", "articles/e.md~3"]
    _new(built, "x")
    assert _who(built, "z", "y", "e", "x") == ["articles/e.md", "articles/e.md~2", "articles/e.md~3", "articles/x.md"]


def test_who_comes_to_a_place_in_between_is_somebody_else(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    _move(built, "e", "x")
    _move(built, "x", "y")
    _new(built, "x")
    assert _who(built, "y", "x") == ["articles/e.md", "articles/x.md"]
    assert _moves(built)["pages"] == {"articles/e.md": "articles/y.md"}
    _move(built, "y", "e")
    assert _who(built, "e", "x") == ["articles/e.md", "articles/x.md"]


def test_what_an_article_was_first_outlives_the_memory(built: TinySite) -> None:
    """As where every build is the first one of a fresh checkout."""
    built.write("templates/article.html", "{{ page.id }}")
    _move(built, "e", "x")
    built.remove(".obverse")
    built.remove("site")
    _new(built, "e")
    assert _who(built, "x", "e") == ["articles/e.md", "articles/e.md~2"]


def test_an_article_that_comes_back_after_all_is_who_it_was(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    _move(built, "e", "x")
    built.remove("content/articles/x.md")
    built.good_build()
    _new(built, "e")
    assert _who(built, "e") == ["articles/e.md"]


def test_translations_that_move_are_one_article_still(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    built.replace("obverse.toml", "[site]", '[site]\nlanguages = ["de"]')
    built.write("content/articles/e.de.md", "---\ntitle: E\ndate: 2026-01-05\n---\nDeutsche Worte.\n")
    built.good_build()
    for old, new in (("e", "x"), ("e.de", "x.de")):
        _move(built, old, new)
    german = (built.out / "de/articles/x/index.html").read_text(encoding="utf-8")
    assert [*_who(built, "x"), german] == ["articles/e.md", "articles/e.md"]
    _new(built, "e.de")
    _new(built, "e")
    german = (built.out / "de/articles/e/index.html").read_text(encoding="utf-8")
    assert [*_who(built, "x", "e"), german] == ["articles/e.md", "articles/e.md~2", "articles/e.md~2"]


def test_who_a_page_is_does_not_hang_on_the_order_of_lines(built: TinySite) -> None:
    built.write("templates/article.html", "{{ page.id }}")
    built.write("content/_moves.toml", '[pages]\n"z.md" = "articles/b.md"\n"k.md" = "articles/b.md"\n')
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.assert_as_clean(built.good_build())


def test_a_deleted_page_has_not_moved(built: TinySite) -> None:
    built.remove("content/articles/e.md")
    built.write("content/articles/new.md", "---\ntitle: New\ndate: 2026-02-02\n---\nOther words.\n")
    built.good_build()
    assert not (built.root / "content/_moves.toml").exists()


def test_an_address_that_was_left_is_suggested_to_nobody(built: TinySite) -> None:
    """Else a blocked build, which writes no moves, would tell otherwise than one that never knew the page."""
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.write("content/a.md", "---\ntitle: A\n---\n[e](/articles/e.md)\n")
    report = built.build()
    assert report.blocked
    built.assert_as_clean(report)


def test_two_pages_with_one_body_are_not_guessed_between(built: TinySite) -> None:
    text = built.read("content/articles/e.md")
    built.remove("content/articles/e.md")
    built.write("content/articles/f.md", text)
    built.write("content/articles/g.md", text)
    built.good_build()
    assert not (built.root / "content/_moves.toml").exists()


def test_previews_remember_no_moves(built: TinySite) -> None:
    built.good_build(mode="preview", drafts=True)
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.good_build(mode="preview", drafts=True)
    assert not (built.root / "content/_moves.toml").exists()


def test_a_blocked_build_writes_no_moves(built: TinySite) -> None:
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.write("content/broken.md", "[x](no.md)\n")
    before = stats(built.root / "content")
    assert built.build().blocked
    assert stats(built.root / "content") == before


def test_a_blocked_build_does_not_tell_of_links_that_will_lead_on_once_it_goes_through(built: TinySite) -> None:
    built.move("content/articles/e.md", "content/articles/renamed.md")
    built.write("content/a.md", "---\ntitle: A\n---\n[old](/articles/e/) [none](no.md)\n")
    report = built.build()
    assert [one.message for one in report.problems] == ["'no.md' leads nowhere"]
    built.assert_as_clean(report)
    built.replace("content/a.md", " [none](no.md)", "")
    assert built.good_build().problems == ()


@pytest.mark.parametrize("text", ["[pages", "[pages]\na = 1\n", "[other]\n", "pages = 3\n", "[ids]\na = 1\n"])
def test_moves_that_cannot_be_read_block(built: TinySite, text: str) -> None:
    built.write("content/_moves.toml", text)
    report = built.build()
    assert report.blocked
    assert {one.code for one in report.problems} == {"moves"}
    assert built.read("content/_moves.toml") == text


def test_what_is_written_is_read(tmp_path: object) -> None:
    moves = Moves({'odd "name" \\ é\x7f\t.md': "b.md"}, {"/é/": "b.md"}, {"b.md": "c.md"})
    read, problems = read_moves(as_toml(moves))
    assert problems == ()
    assert read == moves


def test_circles_end() -> None:
    moves = Moves({"a.md": "b.md", "b.md": "a.md"}, {"/x/": "a.md"})
    assert read_moves(as_toml(moves))[0].urls["/x/"] in {"a.md", "b.md"}
    assert set(moves.first_paths()) == {"a.md", "b.md"}


def test_two_pages_that_change_places() -> None:
    before = [Published("a.md", "/a/", "1"), Published("b.md", "/b/", "2")]
    now = [Published("a.md", "/a/", "2"), Published("b.md", "/b/", "1")]
    assert detected(before, now, NO_MOVES, frozenset({"a.md", "b.md"}), str) == NO_MOVES
