"""Lists that keep still: a new article changes the front of a list, and its archived pages are never written again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obverse.addresses import beneath, output_path, segment, slug, with_slash
from obverse.questions import QUESTIONS, Shelf, archived_pages
from tests.engine.sites import SETTINGS, TinySite, tree

Make = Callable[..., TinySite]


def shelf(paths: list[str], per_page: int, number: int, url: str = "/a/") -> Shelf:
    """One page of a list of cards that are as good as their paths."""
    cells: Mapping[str, object] = {"list:en/articles": tuple(paths), "config:articles.per_page": per_page}
    read = {**cells, **{f"card:{path}": path for path in paths}}.__getitem__
    found: Shelf = QUESTIONS["shelf"](read, "en", "articles", number, url)
    return found


def shelves(paths: list[str], per_page: int) -> dict[int, Shelf]:
    return {number: shelf(paths, per_page, number) for number in range(archived_pages(len(paths), per_page) + 1)}


newest_first = st.integers(0, 60).map(lambda count: [f"{number}.md" for number in range(count, 0, -1)])


@given(newest_first, st.integers(1, 7))
def test_a_list_holds_every_article_once_and_in_order(paths: list[str], per_page: int) -> None:
    pages = shelves(paths, per_page)
    shown = [card for number in (0, *sorted(pages.keys() - {0}, reverse=True)) for card in pages[number].items]
    assert shown == paths


@given(newest_first, st.integers(1, 7))
def test_archived_pages_are_full_and_the_front_holds_between_one_and_two_pages(paths: list[str], per_page: int) -> None:
    pages = shelves(paths, per_page)
    assert all(len(page.items) == per_page for number, page in pages.items() if number)
    assert len(pages[0].items) < 2 * per_page
    assert len(pages[0].items) >= min(per_page, len(paths))


@given(newest_first, st.integers(1, 7))
def test_a_new_article_changes_the_front_alone_until_it_overflows(paths: list[str], per_page: int) -> None:
    before, after = shelves(paths, per_page), shelves(["new.md", *paths], per_page)
    added = after.keys() - before.keys()
    assert added <= {len(before)}
    for number, page in before.items():
        if number == 0:
            assert page != after[0]
        elif not added or number != max(before):
            assert page == after[number]
        else:
            # The newest archived page learns of its new neighbour; its articles stay.
            assert page.items == after[number].items
            assert page.older == after[number].older


@given(newest_first, st.integers(1, 7))
def test_neighbours_of_list_pages_lead_to_and_fro(paths: list[str], per_page: int) -> None:
    pages = shelves(paths, per_page)
    address = {0: "/a/", **{number: f"/a/page/{number}/" for number in pages if number}}
    by_address = {href: number for number, href in address.items()}
    for number, page in pages.items():
        if page.older:
            assert pages[by_address[page.older]].newer == address[number]
        else:
            assert number == 1 or len(pages) == 1
        if page.newer:
            assert pages[by_address[page.newer]].older == address[number]
        else:
            assert number == 0


def article(day: int) -> str:
    return f"---\ntitle: Number {day}\ndate: 2026-01-{day:02}\ntags: [red]\nauthors: [anna]\n---\nText {day}\n"


def test_on_disk_a_new_article_leaves_archived_pages_untouched(site_dir: Make) -> None:
    files = {f"content/articles/n{day}.md": article(day) for day in range(1, 8)}
    more = {"content/authors/anna.md": "---\ntitle: Anna\n---\n", "templates/author.html": '{% extends "list.html" %}'}
    site = site_dir({**files, **more, "content/about.md": "About\n"})
    site.good_build()
    for list_ in ("articles", "tags/red", "authors/anna"):
        assert sorted(path.name for path in (site.out / list_ / "page").iterdir()) == ["1", "2"]
    before = tree(site.out)
    site.write("content/articles/n8.md", article(8))
    report = site.good_build()
    # 8 of 2 a page: a third archived page, and the second now has a newer neighbour.
    assert {path for path in report.written if "/page/" in path} == {
        f"{list_}/page/{number}/index.html" for list_ in ("articles", "tags/red", "authors/anna") for number in (2, 3)
    }
    site.write("content/articles/n9.md", article(9))
    report = site.good_build()
    assert not [path for path in report.written if "/page/" in path]
    assert tree(site.out)["articles/page/1/index.html"] == before["articles/page/1/index.html"]
    site.assert_as_clean(report)


def test_a_list_of_its_own_address_has_its_pages_beneath_it(site_dir: Make) -> None:
    files = {f"content/articles/n{day}.md": article(day).replace("authors: [anna]\n", "") for day in range(1, 5)}
    section = "---\ntitle: All\nurl: /all.html\n---\n"
    site = site_dir({**files, "content/articles/_index.md": section, "content/about.md": "About\n"})
    site.good_build()
    assert "/page/1/" in site.read("site/all.html")
    assert "/all.html" in site.read("site/page/1/index.html")


@pytest.mark.parametrize(
    "url, output",
    [
        ("/", "index.html"),
        ("/a/", "a/index.html"),
        ("/a/b.html", "a/b.html"),
        ("/gr%C3%B6%C3%9Fe/", "größe/index.html"),
        ("/100%2525.pdf", "100%25.pdf"),
    ],
)
def test_a_url_is_answered_by_a_file(url: str, output: str) -> None:
    assert output_path(url) == output


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("Talk to us", "talk-to-us"),
        ("Größe & Maß", "größe-maß"),
        ("日本語", "日本語"),
        ("مقالة", "مقالة"),
        ("C++", "c"),
        ("a/b", "ab"),
        ("..", ""),
        ("!!!", ""),
        ("--a--", "a"),
        ("A\u0308", "ä"),
        ("v1.2", "v1.2"),
    ],
)
def test_a_slug_keeps_letters_and_digits_of_every_script(name: str, wanted: str) -> None:
    assert slug(name) == wanted


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1))
def test_a_slug_is_one_safe_segment_and_stays_itself(name: str) -> None:
    made = slug(name)
    assert not re.search(r"[/\\\s?#%]", made)
    assert not made.startswith(".")
    assert slug(made) == made


@pytest.mark.parametrize("name", ["!!!", "🎉", "-", "…"])
def test_a_name_without_letters_stands_for_itself(name: str) -> None:
    assert segment(name) == name


@pytest.mark.parametrize(
    "url, whole, folder",
    [("/a", "/a/", "/a/"), ("/a/", "/a/", "/a/"), ("/a/b.html", "/a/b.html", "/a/"), ("/v1.2", "/v1.2/", "/v1.2/")],
)
def test_an_address_has_a_closing_slash_unless_it_names_a_file(url: str, whole: str, folder: str) -> None:
    assert with_slash(url) == whole
    assert beneath(whole) == folder


def test_pages_named_without_a_letter_have_addresses_of_their_own(site_dir: Make) -> None:
    site = site_dir({"content/index.md": "Home\n", "content/!!!.md": "Bang\n", "content/🎉/a.md": "A\n"}, SETTINGS)
    site.replace("obverse.toml", '{page = "about.md"}, ', "")
    site.good_build()
    assert "Home" in site.read("site/index.html")
    assert "Bang" in site.read("site/!!!/index.html")
    assert (site.out / "🎉/a/index.html").is_file()


def test_what_people_wrote_replaces_what_is_generated(site_dir: Make) -> None:
    own = {
        "content/robots.txt": "User-agent: *\nDisallow: /\n",
        "content/sitemap.xml": "<urlset/>\n",
        "content/404.md": "---\ntitle: Lost\n---\nLost and found\n",
        "content/about.md": "About\n",
    }
    site = site_dir(own)
    site.good_build()
    assert site.read("site/robots.txt") == own["content/robots.txt"]
    assert site.read("site/sitemap.xml") == own["content/sitemap.xml"]
    assert not (site.out / "404").exists()
    assert (site.out / "404.html").is_file()
