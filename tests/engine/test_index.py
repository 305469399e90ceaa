"""Index: who is out, in which order, under which terms, beside whom; and what two pages cannot both have."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obverse.build import site_of
from obverse.placing import _shortened
from obverse.problems import as_text
from obverse.site import Site
from tests.engine.sites import TinySite, frozen

Make = Callable[..., TinySite]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example/b"\nlanguages = ["de", "zh"]\n'


def placed(site: TinySite, **changes: object) -> Site:
    found, _ = site_of(site.options(**changes), frozen(site.now))
    assert found
    return found


def article(date: str, **keys: str) -> str:
    lines = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return f"---\ntitle: T\ndate: {date}\n{lines}---\nText\n"


def test_articles_stand_newest_first_and_equal_dates_by_path(site_dir: Make) -> None:
    dates = {"b": "2026-01-02", "a": "2026-01-02", "c": "2026-01-03", "d": "2025-12-31"}
    site = site_dir({f"content/articles/{name}.md": article(date) for name, date in dates.items()}, SETTINGS)
    assert placed(site).lists["en/articles"] == tuple(f"articles/{name}.md" for name in "cabd")


def test_a_moment_counts_not_the_way_it_is_written(site_dir: Make) -> None:
    moments = {"late": "2026-01-01T20:00:00-10:00", "early": "2026-01-02T05:00:00Z"}
    site = site_dir({f"content/articles/{name}.md": article(date) for name, date in moments.items()}, SETTINGS)
    assert placed(site).lists["en/articles"] == ("articles/late.md", "articles/early.md")


def test_neighbours_stay_within_their_section_and_language(site_dir: Make) -> None:
    files = {
        "content/articles/a.md": article("2026-01-01"),
        "content/articles/a.de.md": article("2026-01-02"),
        "content/articles/sub/b.md": article("2026-01-03"),
        "content/news/c.md": article("2026-01-04"),
        "content/articles/d.md": article("2026-01-05"),
        "content/articles/draft.md": article("2026-01-04", draft="true"),
    }
    near = placed(site_dir(files, SETTINGS + '[articles]\nsections = ["articles", "news"]\n')).neighbours
    assert near == {
        "articles/d.md": ("", "articles/sub/b.md"),
        "articles/sub/b.md": ("articles/d.md", "articles/a.md"),
        "articles/a.md": ("articles/sub/b.md", ""),
        "articles/a.de.md": ("", ""),
        "news/c.md": ("", ""),
    }


def test_terms_are_counted_by_language_and_named_as_most_spell_them(site_dir: Make) -> None:
    files = {
        "content/articles/a.md": article("2026-01-01", tags="[CRM, Über]"),
        "content/articles/b.md": article("2026-01-02", tags="[crm]", category="News"),
        "content/articles/c.md": article("2026-01-03", tags="[crm]", series="One"),
        "content/articles/d.de.md": article("2026-01-03", tags="[CRM]"),
        "content/articles/draft.md": article("2026-01-03", tags="[secret]", draft="true"),
        "content/page.md": "---\ntags: [untold]\n---\n",
    }
    site = placed(site_dir(files, SETTINGS))
    assert [(term.name, count) for term, count in site.terms["en/tags"]] == [("crm", 3), ("Über", 1)]
    assert [(term.name, count) for term, count in site.terms["de/tags"]] == [("CRM", 1)]
    assert [term.url for term, _ in site.terms["en/tags"]] == ["/b/tags/crm/", "/b/tags/%C3%BCber/"]
    assert site.terms["de/tags"][0][0].url == "/b/de/tags/crm/"
    assert site.lists["en/categories=news"] == ("articles/b.md",)
    assert site.lists["en/series=one"] == ("articles/c.md",)


def test_what_is_out_and_when_that_changes(site_dir: Make) -> None:
    files = {
        "content/out.md": "Out\n",
        "content/draft.md": "---\ndraft: true\n---\n",
        "content/later.md": "---\ndate: 2026-04-01\n---\n",
        "content/soon.md": "---\ndate: 2026-03-20\n---\n",
        "content/leaving.md": "---\nexpires: 2026-03-25\n---\n",
        "content/past.md": "---\nexpires: 2026-03-14T12:00:00Z\n---\n",
        "content/now.md": "---\ndate: 2026-03-14T12:00:00Z\n---\n",
    }
    site = site_dir(files, SETTINGS)
    found = placed(site)
    assert set(found.entries) == {"out.md", "leaving.md", "now.md"}
    states = {"draft.md": "draft", "later.md": "scheduled", "soon.md": "scheduled", "past.md": "expired"}
    assert {path: one.state for path, one in found.hidden.items()} == states
    assert found.next_due.isoformat() == "2026-03-20T00:00:00+00:00"
    assert set(placed(site, drafts=True).hidden) == {"past.md"}
    site.later(days=7)
    assert placed(site).next_due.isoformat() == "2026-03-25T00:00:00+00:00"


@pytest.mark.parametrize("other", ["de", "zh"])
def test_a_bundle_of_two_languages_keeps_its_files_with_the_sites_own(other: str, site_dir: Make) -> None:
    files = {"content/x/index.md": "X\n", f"content/x/index.{other}.md": "X\n", "content/x/a.svg": "<svg/>"}
    site = site_dir(files, SETTINGS)
    assert placed(site).files["x/a.svg"].url == "/b/x/a.svg"
    site.write("content/x/index.md", "---\ndraft: true\n---\n")
    assert placed(site).hidden_files == {"x/a.svg"}


def test_the_files_of_a_bundle_go_where_its_page_goes(site_dir: Make) -> None:
    page = "---\ndate: 2026-01-01\nslug: other\n---\n"
    files = {
        "content/articles/x/index.md": page,
        "content/articles/x/img/a b.svg": "<svg/>",
        "content/y/index.md": "---\nurl: /deep/y.html\n---\n",
        "content/y/b.svg": "<svg/>",
        "content/z/index.md": "---\nurl: /zed\n---\n",
        "content/z/c.svg": "<svg/>",
    }
    found = placed(site_dir(files, SETTINGS))
    assert {path: file.url for path, file in found.files.items()} == {
        "articles/x/img/a b.svg": "/b/articles/other/img/a%20b.svg",
        "y/b.svg": "/b/deep/b.svg",
        "z/c.svg": "/b/zed/c.svg",
    }
    assert found.entries["z/index.md"].card.url == "/b/zed/"


def test_private_files_are_nobodys_business(site_dir: Make) -> None:
    paths = ["_x.txt", "_y/x.txt", "a/_b/x.txt", "forms/x.txt", "authors/x.txt", "_data/x.toml", "x.txt~", "a/b~/x.txt"]
    site = site_dir({f"content/{path}": "SECRET = 1" for path in paths}, SETTINGS)
    site.write("content/.hidden/x.txt", "SECRET")
    site.write("content/open/forms/x.txt", "fine")
    assert set(placed(site).files) == {"open/forms/x.txt"}


def test_translations_know_each_other_and_only_configured_languages_count(site_dir: Make) -> None:
    files = {"content/a.md": "A\n", "content/a.de.md": "A\n", "content/a.fr.md": "A\n", "content/b.de.md": "B\n"}
    found = placed(site_dir(files, SETTINGS))
    assert found.translations == {"a": ("a.de.md", "a.md")}
    urls = {path: entry.card.url for path, entry in found.entries.items()}
    assert urls == {"a.md": "/b/a/", "a.de.md": "/b/de/a/", "a.fr.md": "/b/a.fr/", "b.de.md": "/b/de/b/"}


@pytest.mark.parametrize(
    "files, told",
    [
        ({"content/a.md": "", "content/A.md": ""}, "content/A.md and content/a.md would both be /a/"),
        ({"content/a.md": "", "content/a/index.md": ""}, "content/a.md and content/a/index.md would both be /a/"),
        ({"content/x y.md": "", "content/x-y.md": ""}, "would both be /x-y/"),
        ({"content/de/a.md": "", "content/a.de.md": ""}, "would both be /de/a/"),
        ({"content/i/A.png": "", "content/i/a.png": ""}, "content/i/A.png and content/i/a.png would both be /i/a.png"),
        ({"content/a.md": "---\naliases: [/b/]\n---\n", "content/b.md": ""}, "would both be /b/"),
        ({"content/a.md": "---\naliases: [/b]\n---\n", "content/b.md": ""}, "would both be /b/"),
        ({"content/a.md": "---\naliases: [/B/]\n---\n", "content/b.md": ""}, "would both be /B/"),
        ({"content/a.md": "---\naliases: [/x/]\n---\n", "content/b.md": "---\naliases: /x\n---\n"}, "answer for /x"),
        ({"content/a.md": "---\nurl: /feed.xml\n---\n", "content/articles/b.md": article("2026-01-01")}, "/feed.xml"),
        (
            {"content/a.md": "---\nurl: /tags/\n---\n", "content/articles/b.md": article("2026-01-01", tags="x")},
            "/tags/",
        ),
        ({"content/a.md": "---\nurl: /f.html\n---\n", "content/F.html/x.txt": ""}, "needs a folder"),
    ],
)
def test_two_sources_for_one_address_block(files: dict[str, str], told: str, site_dir: Make) -> None:
    report = site_dir(files, SETTINGS).build()
    assert report.blocked
    assert {one.code for one in report.problems} == {"url-collision"}
    assert told in as_text(report.problems)


def test_a_page_written_at_an_address_that_moved_away_takes_it_back(site_dir: Make) -> None:
    """Rename a page, then write a new one under the old name: nobody has to mend _moves.toml first."""
    site = site_dir({"content/a.md": "---\ntitle: First\n---\nThe first text\n"}, SETTINGS)
    site.good_build()
    site.move("content/a.md", "content/b.md")
    site.good_build()
    assert "url=/b/b/" in site.read("site/a/index.html")
    site.write("content/a.md", "---\ntitle: Second\n---\nThe second text\n")
    report = site.good_build()
    assert "The second text" in site.read("site/a/index.html")
    site.assert_as_clean(report)


def test_an_old_address_follows_a_page_that_moves_twice(site_dir: Make) -> None:
    site = site_dir({"content/a.md": "---\ntitle: First\n---\nThe first text\n"}, SETTINGS)
    site.good_build()
    for old, new in [("a", "b"), ("b", "c")]:
        site.move(f"content/{old}.md", f"content/{new}.md")
        site.good_build()
    assert "url=/b/c/" in site.read("site/a/index.html")
    assert "url=/b/c/" in site.read("site/b/index.html")
    assert placed(site).entries["c.md"].card.id == "a.md"


@pytest.mark.parametrize(
    "url",
    [
        "a/",
        "//host.example/",
        "/../x/",
        "/%2e%2e/x/",
        "/a/%2E%2E/%2e%2e/%2e%2e/x/",
        "https://x.example/",
        "/a?b",
        "/a\\\\b",
    ],
)
def test_a_move_cannot_leave_the_site(url: str, site_dir: Make) -> None:
    site = site_dir({"content/a.md": "A\n", "content/_moves.toml": f'[urls]\n"{url}" = "a.md"\n'}, SETTINGS)
    report = site.build()
    assert report.blocked
    assert [one.code for one in report.problems] == ["moves"]
    assert sorted(path.name for path in site.root.parent.iterdir()) == ["desk"]


def test_aliases_lead_on_from_wherever_they_are_written(site_dir: Make) -> None:
    text = "---\naliases: [/old/, /older, 'größer/', /page.php, /two%20words/]\n---\n"
    site = site_dir({"content/a.md": text}, SETTINGS)
    site.good_build()
    for output in ("old/index.html", "older/index.html", "größer/index.html", "page.php", "two words/index.html"):
        assert "url=/b/a/" in site.read(f"site/{output}")


def test_related_articles_share_terms_and_newer_ones_come_first(site_dir: Make) -> None:
    files = {
        "content/articles/a.md": article("2026-01-01", tags="[x, y]", category="K"),
        "content/articles/b.md": article("2026-01-02", tags="[x]"),
        "content/articles/c.md": article("2026-01-03", tags="[y]"),
        "content/articles/d.md": article("2025-01-01", tags="[x, y]"),
        "content/articles/e.md": article("2026-02-01", tags="[z]"),
    }
    template = "{% for one in view.related(page, limit=3) %}{{ one.path }} {% endfor %}"
    site = site_dir({**files, "templates/article.html": template}, SETTINGS)
    site.good_build()
    assert site.read("site/articles/a/index.html").split() == ["articles/d.md", "articles/c.md", "articles/b.md"]
    assert site.read("site/articles/e/index.html").split() == []


def test_an_author_has_a_page_with_all_that_is_theirs(site_dir: Make) -> None:
    files = {
        "content/authors/anna.md": "---\ntitle: Anna\n---\nBio\n",
        "content/articles/a.md": article("2026-01-01", authors="[anna]"),
        "content/articles/b.md": article("2026-01-02", authors="[anna]"),
        "content/articles/c.md": article("2026-01-03"),
        "templates/author.html": "{{ author.title }}:{% for one in list['items'] %} {{ one.path }}{% endfor %}",
        "templates/authors.html": "{% for one in list['items'] %}{{ one.title }}{% endfor %}",
    }
    site = site_dir(files, SETTINGS)
    site.good_build()
    assert site.read("site/authors/anna/index.html") == "Anna: articles/b.md articles/a.md"
    assert site.read("site/authors/index.html") == "Anna"


def test_menus_leave_out_what_is_not_out_and_speak_the_pages_language(site_dir: Make) -> None:
    pages = '{page = "a.md"}, {page = "draft.md"}, {url = "/a/", label = "Again"}'
    menu = f'[menus]\nmain = [{pages}, {{url = "https://x.example/", label = "X"}}]\n'
    shown = "{{ one.label }}={{ one.url }}={{ one.current }} "
    files = {
        "content/a.md": "---\ntitle: Ay\n---\n",
        "content/a.de.md": "---\ntitle: Ah\n---\n",
        "content/draft.md": "---\ndraft: true\n---\n",
        "templates/page.html": "{% for one in view.menu('main') %}" + shown + "{% endfor %}",
    }
    site = site_dir(files, SETTINGS + menu)
    site.good_build()
    english = ["Ay=/b/a/=True", "Again=/b/a/=True", "X=https://x.example/=False"]
    german = ["Ah=/b/de/a/=True", "Again=/b/a/=False", "X=https://x.example/=False"]
    assert site.read("site/a/index.html").split() == english
    assert site.read("site/de/a/index.html").split() == german


def test_an_alias_that_is_the_pages_own_address_says_nothing_new(site_dir: Make) -> None:
    site = site_dir({"content/a.md": "---\naliases: [/a/, /a, /b/]\n---\n"}, SETTINGS)
    assert set(placed(site).redirects) == {"/b/"}
    site.good_build()


def test_an_address_of_a_translation_may_name_its_language(site_dir: Make) -> None:
    files = {"content/a.de.md": "---\nurl: /de/impressum/\n---\n", "content/b.de.md": "---\nurl: /recht/\n---\n"}
    cards = {path: entry.card.url for path, entry in placed(site_dir(files, SETTINGS)).entries.items()}
    assert cards == {"a.de.md": "/b/de/impressum/", "b.de.md": "/b/de/recht/"}


def test_a_language_named_twice_is_one_language(site_dir: Make) -> None:
    settings = SETTINGS.replace('["de", "zh"]', '["en", "de", "de"]')
    site_dir({"content/articles/a.md": article("2026-01-01", tags="x")}, settings).good_build()


def test_a_feed_of_ones_own_replaces_the_generated_one(site_dir: Make) -> None:
    site = site_dir({"content/articles/a.md": article("2026-01-01"), "content/feed.xml": "<mine/>"}, SETTINGS)
    site.good_build()
    assert site.read("site/feed.xml") == "<mine/>"
    assert "articles/a" in site.read("site/feed.json")


@pytest.mark.parametrize("name", ["ö" * 150, "日" * 90, "x" * 256])
def test_an_address_too_long_for_a_file_is_found_before_anything_is_written(name: str, site_dir: Make) -> None:
    """The commit must never begin what it cannot end: the next build would meet the same disk."""
    site = site_dir({"content/articles/a.md": article("2026-01-01", tags="[x]")}, SETTINGS)
    site.good_build()
    site.replace("content/articles/a.md", "[x]", f"[{name}]")
    report = site.build()
    assert [(one.code, one.path, one.line) for one in report.problems] == [("unsafe-url", "content/articles/a.md", 4)]
    site.replace("content/articles/a.md", name, "x")
    assert site.good_build().written == ()


def _single_blanks(words: list[str]) -> str:
    return " ".join(" ".join(words).split())


@given(
    st.lists(st.text("ab-—, \u00e9", max_size=9), max_size=60).map(_single_blanks), st.sampled_from([4, 10, 160, 300])
)
def test_a_shortened_text_is_cut_where_the_library_cuts_it(text: str, length: int) -> None:
    assert _shortened(text, length) == textwrap.shorten(text, length, placeholder=" …")
