"""Links: every form of a destination, asked of a small site in two languages under a base path."""

from __future__ import annotations

import re
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from obverse import survey
from obverse.facts import Place
from obverse.links import ALLOWED_SCHEMES, Target, target
from obverse.problems import as_text
from obverse.resolve import Spot
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

SETTINGS = '[site]\ntitle = "T"\nurl = "https://t.example/blog"\nlanguages = ["de"]\n'
PAGE = "---\ntitle: A page\n---\n"
FILES = {
    "content/index.md": PAGE,
    "content/about.md": PAGE + "## Team\n\n## Größe\n\n## 尺寸\n",
    "content/about.de.md": PAGE + "## Gruppe\n",
    "content/only.md": PAGE,
    "content/waiting.md": PAGE,
    "content/waiting.de.md": "---\ntitle: Wartet\ndraft: true\n---\n",
    "content/notes/index.md": PAGE,
    "content/notes/plan.pdf": "%PDF",
    "content/services/_index.md": PAGE,
    "content/services/audit.md": "---\ntitle: Audit\nslug: the-audit\naliases: [/old audit/, /former]\n---\n## Steps\n",
    "content/files/Größe & Preis.pdf": "%PDF",
    "content/files/100%.pdf": "%PDF",
    "content/files/what?.pdf": "%PDF",
    "content/it's.md": PAGE,
    "content/draft.md": "---\ntitle: D\ndraft: true\n---\n",
    "content/later.md": "---\ntitle: L\ndate: 2030-01-01\n---\n",
    "content/past.md": "---\ntitle: P\nexpires: 2020-01-01\n---\n",
    "content/articles/one.md": "---\ntitle: One\ndate: 2026-01-01\ntags: [red]\n---\n",
}


@pytest.fixture
def asked(site_dir: Make) -> Callable[[str, str], tuple[str, str]]:
    """Where a destination in a page leads: its href, and the code of the problem if there is one."""
    site = site_dir(FILES, SETTINGS)

    def ask(destination: str, origin: str = "asking.md") -> tuple[str, str]:
        site.write(
            f"content/{origin}", f'---\ntitle: Asking\n---\n## Here\n\n<a class="x" href="{destination}">x</a>\n'
        )
        report = site.build(drafts=False)
        codes = [one.code for one in report.problems if one.path == f"content/{origin}"]
        if report.blocked:
            return "", codes[0]
        name = origin.removesuffix(".md")
        folder = f"de/{name.removesuffix('.de')}" if name.endswith(".de") else name
        html = site.read(f"site/{folder}/index.html")
        found = re.search(r'<a class="x" href="([^"]*)"', html)
        assert found
        return found[1], codes[0] if codes else ""

    return ask


@pytest.mark.parametrize(
    "destination, href",
    [
        ("about.md", "/blog/about/"),
        ("./about.md", "/blog/about/"),
        ("services/../about.md", "/blog/about/"),
        ("/about.md", "/blog/about/"),
        ("about", "/blog/about/"),
        ("/about", "/blog/about/"),
        ("/about/", "/blog/about/"),
        ("/about/index.html", "/blog/about/"),
        ("about.md#team", "/blog/about/#team"),
        ("about.md#größe", "/blog/about/#größe"),
        ("about.md#gr%C3%B6%C3%9Fe", "/blog/about/#gr%C3%B6%C3%9Fe"),
        ("about.md#尺寸", "/blog/about/#尺寸"),
        ("about.md?from=here", "/blog/about/?from=here"),
        ("about.md?a=1&amp;b=2#team", "/blog/about/?a=1&amp;b=2#team"),
        ("about.md#top", "/blog/about/#top"),
        ("about.md#", "/blog/about/#"),
        ("about.de.md#gruppe", "/blog/de/about/#gruppe"),
        ("#here", "#here"),
        ("#", "#"),
        ("?q=1", "?q=1"),
        ("index.md", "/blog/"),
        ("/", "/blog/"),
        (".", "/blog/"),
        ("notes/", "/blog/notes/"),
        ("notes/index.md", "/blog/notes/"),
        ("notes/plan.pdf", "/blog/notes/plan.pdf"),
        ("services/", "/blog/services/"),
        ("services/_index.md", "/blog/services/"),
        ("services/audit.md#steps", "/blog/services/the-audit/#steps"),
        ("/services/the-audit/#steps", "/blog/services/the-audit/#steps"),
        ("/old%20audit/", "/blog/old%20audit/"),
        ("/former/", "/blog/former/"),
        ("/former", "/blog/former/"),
        ("files/Größe%20&amp;%20Preis.pdf", "/blog/files/Gr%C3%B6%C3%9Fe%20&amp;%20Preis.pdf"),
        ("files/Größe & Preis.pdf#page=2", "/blog/files/Gr%C3%B6%C3%9Fe%20&amp;%20Preis.pdf#page=2"),
        ("files/100%25.pdf", "/blog/files/100%25.pdf"),
        ("files/100%.pdf", "/blog/files/100%25.pdf"),
        ("files/what%3F.pdf", "/blog/files/what%3F.pdf"),
        ("/feed.xml", "/blog/feed.xml"),
        ("/tags/red/", "/blog/tags/red/"),
        ("/articles/", "/blog/articles/"),
        ("https://elsewhere.example/a?b#c", "https://elsewhere.example/a?b#c"),
        ("//elsewhere.example/a", "//elsewhere.example/a"),
        ("mailto:a@t.example", "mailto:a@t.example"),
        ("tel:+49301234", "tel:+49301234"),
        ("HTTPS://elsewhere.example/", "HTTPS://elsewhere.example/"),
    ],
)
def test_a_link_leads_where_it_should(destination: str, href: str, asked: Callable[..., tuple[str, str]]) -> None:
    assert asked(destination) == (href, "")


@pytest.mark.parametrize(
    "destination, code",
    [
        ("abuot.md", "broken-link"),
        ("/abuot/", "broken-link"),
        ("../about.md", "broken-link"),
        ("../../../etc/passwd", "broken-link"),
        ("%2e%2e/about.md", "broken-link"),
        ("about.md/team", "broken-link"),
        ("services/the-audit/", "broken-link"),
        ("_data/x.toml", "broken-link"),
        ("about.md#tem", "broken-anchor"),
        ("#there", "broken-anchor"),
        ("/about/#nope", "broken-anchor"),
        ("about.de.md#team", "broken-anchor"),
        ("ftp://t.example/", "link-scheme"),
        ("file:///etc/passwd", "link-scheme"),
        ("javascript:alert(1)", "inline-script"),
        ("java\tscript:alert(1)", "inline-script"),
        ("vbscript:x", "inline-script"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(
    destination: str, code: str, asked: Callable[..., tuple[str, str]]
) -> None:
    assert asked(destination) == ("", code)


@pytest.mark.parametrize("page", ["draft.md", "later.md", "past.md", "/draft/", "draft"])
def test_a_link_to_what_is_not_out_warns(page: str, asked: Callable[..., tuple[str, str]]) -> None:
    href, code = asked(page)
    assert (href, code) == ("#", "link-unpublished")


@pytest.mark.parametrize(
    "destination, href",
    [
        ("about.md", "/blog/de/about/"),
        ("about.md#gruppe", "/blog/de/about/#gruppe"),
        ("about.de.md", "/blog/de/about/"),
        ("/about/", "/blog/de/about/"),
        ("only.md", "/blog/only/"),
        ("waiting.md", "/blog/waiting/"),
        ("notes/plan.pdf", "/blog/notes/plan.pdf"),
    ],
)
def test_a_german_page_leads_to_german_pages_where_there_are_some(
    destination: str, href: str, asked: Callable[..., tuple[str, str]]
) -> None:
    assert asked(destination, "asking.de.md") == (href, "")


def test_a_link_is_relative_to_its_file_not_to_its_address(asked: Callable[..., tuple[str, str]]) -> None:
    assert asked("audit.md", "services/asking.md") == ("/blog/services/the-audit/", "")
    assert asked("../about.md", "services/asking.md") == ("/blog/about/", "")
    assert asked("./", "services/asking.md") == ("/blog/services/", "")
    assert asked("../", "services/asking.md") == ("/blog/", "")


def test_a_hint_names_the_file_as_the_writer_would(site_dir: Make) -> None:
    text = PAGE + "[a](its.md) and [b](../abut.md)\n"
    site = site_dir({**FILES, "content/services/asking.md": text, "content/services/it's.md": PAGE}, SETTINGS)
    told = as_text(site.build().problems)
    assert "did you mean 'it's.md'?" in told
    assert "did you mean '../about.md'?" in told


def test_a_link_heals_when_its_page_appears(site_dir: Make) -> None:
    site = site_dir({"content/a.md": PAGE + "[b](b.md#later)\n"}, SETTINGS + '[checks]\nbroken-link = "warning"\n')
    assert [one.code for one in site.good_build().problems] == ["broken-link"]
    site.write("content/b.md", PAGE + "## Later\n")
    report = site.good_build()
    assert report.problems == ()
    assert "a/index.html" in report.written
    assert 'href="/blog/b/#later"' in site.read("site/a/index.html")


def test_the_schemes_that_may_be_linked_cannot_run_anything() -> None:
    assert not ALLOWED_SCHEMES & {
        "javascript",
        "vbscript",
        "data",
        "file",
        "blob",
        "about",
        "filesystem",
        "view-source",
    }


def unknown(name: str) -> object:
    """A site with nothing in it but its settings."""
    kinds = {"config:base_path": "", "config:site.language": "en", "urls:": (), "names:": ()}
    return kinds.get(name)


@pytest.mark.parametrize("destination", ["", " ", "\n"])
def test_an_empty_link_leads_nowhere(destination: str) -> None:
    assert target(unknown, "a.md", destination).code == "broken-link"


@pytest.mark.parametrize("name", [*sorted(ALLOWED_SCHEMES), "HTTP", "Mailto"])
def test_an_allowed_scheme_is_kept_as_written(name: str) -> None:
    assert target(unknown, "a.md", f"{name}:x") == Target(f"{name}:x")


def test_a_blank_around_a_destination_is_nobodys_wish() -> None:
    assert target(unknown, "a.md", "  https://elsewhere.example/ ") == Target("https://elsewhere.example/")


def test_where_a_mistake_is_written_is_remembered_with_the_body(
    site_dir: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front matter grows, the body does not: its places move with it and are not looked for again."""
    look = Mock(wraps=survey.places)
    monkeypatch.setattr(survey, "places", look)
    site = site_dir({**FILES, "content/a.md": PAGE + "Text\n\n[b](b.md)\n"}, SETTINGS)
    [before] = site.build().problems
    site.replace("content/a.md", "title:", "description: About it.\ntitle:")
    [after] = site.build().problems
    assert (before.line + 1, before.excerpt) == (after.line, after.excerpt)
    assert (after.line, after.column) == (site.read("content/a.md").count("\n"), 5)
    look.assert_called_once()


def test_a_slot_that_is_not_in_the_file_any_more_has_no_line() -> None:
    spot = Spot("a.md", draft=False, places=lambda: (Place(3, 1, "[a](b.md)"),))
    found = Target("", "broken-link", "there is no 'b.md'")
    assert [spot.problem(found, slot).line for slot in (0, 1)] == [3, 0]
