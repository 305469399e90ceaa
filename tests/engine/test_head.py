"""Head: what a page tells machines, however odd its title; under a base path and without one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from obverse.head import _document, _list, _script_safe, _string, _text
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

HTML = """\
<title>{{ head.title }}</title>
<meta name="description" content="{{ head.description }}"><meta name="robots" content="{{ head.robots }}">
<link rel="canonical" href="{{ head.canonical }}">
{% for lang, href in head.alternates %}<link rel="alternate" hreflang="{{ lang }}" href="{{ href }}">{% endfor %}
{% for type, title, href in head.feeds %}<link rel="feed" type="{{ type }}" href="{{ href }}">{% endfor %}
{% for property, content in head.open_graph %}<meta property="{{ property }}" content="{{ content }}">{% endfor %}
{% for data in head.json_ld %}<script type="application/ld+json">{{ data }}</script>{% endfor %}
{% for crumb in crumbs %}<a href="{{ crumb.url }}">{{ crumb.title }}</a>{% endfor %}
"""
NAMES = ("home", "page", "article", "list", "term", "terms", "author", "authors", "404")
THEME = {f"templates/{name}.html": HTML for name in NAMES}
SETTINGS = """\
[site]
title = "T"
tagline = "Tag"
description = "Of T"
url = "https://t.example{}"
languages = ["de"]
"""
NASTY = """</script><script>alert(1)</script> " ' & <!-- ]]> \\u2028 \\\\ {{ x }} {% y %}"""
FILES = {
    "content/index.md": "---\ntitle: Home\n---\n",
    "content/services/_index.md": "---\ntitle: Services\n---\n",
    "content/services/audit.md": "---\ntitle: Audit\n---\nFirst words.\n",
    "content/services/audit.de.md": "---\ntitle: Prüfung\n---\n",
    "content/services/only.de.md": "---\ntitle: Nur\n---\n",
    "content/authors/anna.md": "---\ntitle: Anna\n---\n",
    "content/articles/one.md": "---\ntitle: One\ndate: 2026-01-01\nupdated: 2026-02-01\nauthors: anna\ntags: A & B\n"
    "category: Cat\nimage: ../img/one.png\nimage_alt: One thing\ndescription: About one\n---\n",
    "content/img/one.png": "<svg/>",
    "content/img/share.png": "not really",
}


class Reader(HTMLParser):
    """Gathers the tags of a page and the texts of its scripts, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data

    def meta(self) -> dict[str | None, str | None]:
        return {row.get("property") or row.get("name"): row["content"] for tag, row in self.tags if tag == "meta"}

    def links(self, relation: str) -> list[str | None]:
        return [row["href"] for tag, row in self.tags if tag == "link" and row["rel"] == relation]

    def data(self) -> list[dict[str, Any]]:
        return [json.loads(script) for script in self.scripts]


@pytest.fixture(params=["", "/base/path"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def read(site_dir: Make, base: str) -> Callable[[str], Reader]:
    site = site_dir({**FILES, **THEME}, SETTINGS.format(base))
    site.good_build()
    return lambda output: Reader(site.read(f"site/{output}"))


def test_an_article_tells_all_there_is(read: Callable[[str], Reader], base: str) -> None:
    page, here = read("articles/one/index.html"), f"https://t.example{base}"
    assert page.links("canonical") == [f"{here}/articles/one/"]
    assert page.links("feed") == [f"{base}/feed.xml", f"{base}/feed.json"]
    assert page.meta() == {
        "description": "About one",
        "robots": "",
        "og:type": "article",
        "og:site_name": "T",
        "og:title": "One",
        "og:description": "About one",
        "og:url": f"{here}/articles/one/",
        "og:locale": "en",
        "og:image": f"{here}/img/one.png",
        "og:image:alt": "One thing",
        "article:published_time": "2026-01-01T00:00:00+00:00",
        "article:modified_time": "2026-02-01T00:00:00+00:00",
        "article:tag": "A & B",
    }
    article, crumbs = page.data()
    assert (article["@type"], article["headline"], article["mainEntityOfPage"]) == (
        "Article",
        "One",
        f"{here}/articles/one/",
    )
    assert article["author"] == [{"@type": "Person", "name": "Anna", "url": f"{here}/authors/anna/"}]
    assert article["keywords"] == ["A & B"]
    assert crumbs["@type"] == "BreadcrumbList"


def test_every_page_has_its_one_address_and_the_way_to_it(read: Callable[[str], Reader], base: str) -> None:
    here = f"https://t.example{base}"
    pages = {
        "services/audit/index.html": [("T", "/"), ("Services", "/services/"), ("Audit", "/services/audit/")],
        "services/index.html": [("T", "/"), ("Services", "/services/")],
        "de/services/audit/index.html": [("T", "/de/"), ("Services", "/services/"), ("Prüfung", "/de/services/audit/")],
        "tags/a-b/index.html": [("T", "/"), ("Tags", "/tags/"), ("A & B", "/tags/a-b/")],
        "tags/index.html": [("T", "/"), ("Tags", "/tags/")],
        "authors/anna/index.html": [("T", "/"), ("Authors", "/authors/"), ("Anna", "/authors/anna/")],
        "articles/index.html": [("T", "/"), ("Articles", "/articles/")],
    }
    for output, way in pages.items():
        page = read(output)
        assert page.links("canonical") == [here + way[-1][1]], output
        (crumbs,) = page.data()
        rows = [(row["name"], row["item"], row["position"]) for row in crumbs["itemListElement"]]
        assert rows == [(name, here + url, place) for place, (name, url) in enumerate(way, 1)], output


def test_the_home_page_is_the_site(read: Callable[[str], Reader], base: str) -> None:
    page = read("index.html")
    (site,) = page.data()
    assert (site["@type"], site["name"], site["url"]) == ("WebSite", "T", f"https://t.example{base}/")
    assert page.meta()["og:title"] == "T"
    assert page.meta()["description"] == "Of T"
    assert page.meta()["og:image"] == f"https://t.example{base}/img/share.png"


def test_the_404_page_has_no_address_and_is_not_listed(read: Callable[[str], Reader]) -> None:
    page = read("404.html")
    assert page.links("canonical") == [""]
    assert page.meta()["robots"] == "noindex"
    assert page.scripts == []


def test_alternates_name_every_language_and_each_other(read: Callable[[str], Reader], base: str) -> None:
    both = [f"https://t.example{base}/de/services/audit/", f"https://t.example{base}/services/audit/"]
    assert read("services/audit/index.html").links("alternate") == both
    assert read("de/services/audit/index.html").links("alternate") == both
    assert read("de/services/only/index.html").links("alternate") == []


@pytest.mark.parametrize(
    "written, canonical",
    [("https://elsewhere.example/x/", "https://elsewhere.example/x/"), ("/original/", "https://t.example/b/original/")],
)
def test_a_canonical_address_is_absolute(written: str, canonical: str, site_dir: Make) -> None:
    page = f"---\ntitle: A\ncanonical: {written}\nnoindex: true\n---\n"
    site = site_dir({**THEME, "content/a.md": page}, SETTINGS.format("/b"))
    site.good_build()
    found = Reader(site.read("site/a/index.html"))
    assert found.links("canonical") == [canonical]
    assert found.meta()["robots"] == "noindex"


def test_nothing_in_a_title_gets_out_of_its_place(site_dir: Make) -> None:
    nasty = json.dumps(NASTY)
    page = f"---\ntitle: {nasty}\ndescription: {nasty}\ndate: 2026-01-01\ntags: [{nasty}]\n---\n"
    settings = f"[site]\ntitle = {json.dumps(NASTY)}\nurl = 'https://t.example'\n"
    site = site_dir({**THEME, "content/articles/a.md": page, "content/index.md": ""}, settings)
    site.good_build()
    for output in ("index.html", "articles/a/index.html", "articles/index.html", "tags/index.html"):
        html = site.read(f"site/{output}")
        found = Reader(html)
        assert found.data()
        assert "<script>" not in html
        assert all(row.get("type") == "application/ld+json" for tag, row in found.tags if tag == "script")
    shown = " ".join(NASTY.encode().decode("unicode_escape").split())
    article = Reader(site.read("site/articles/a/index.html"))
    assert " ".join(article.data()[0]["headline"].split()) in {shown, " ".join(NASTY.split())}


@given(st.dictionaries(st.text(), st.text()))
@example({"</script>": "<!--<script>"})
def test_json_in_a_script_ends_nothing_and_says_the_same(data: dict[str, str]) -> None:
    text = str(_script_safe(json.dumps(data, ensure_ascii=False)))
    assert not re.search("[<>&]", text)
    assert json.loads(text) == data


@given(st.text(), st.lists(st.text(), max_size=3))
@example('"\\\x00\u2028\ud800', [""])
def test_what_is_written_as_json_is_json(text: str, some: list[str]) -> None:
    written = _document("Thing", name=_text(text), keywords=_list([_string(one) for one in some]))
    said = {"@context": "https://schema.org", "@type": "Thing", "name": text, "keywords": some}
    assert json.loads(written) == {name: value for name, value in said.items() if value}


def test_a_drawn_picture_is_not_what_networks_are_shown(site_dir: Make) -> None:
    site = site_dir({**FILES, **THEME, "content/img/drawn.svg": "<svg/>"}, SETTINGS.format(""))
    site.write("content/about.md", "---\ntitle: About\nimage: img/drawn.svg\nimage_alt: A drawing\n---\nText.\n")
    site.good_build()
    meta = Reader(site.read("site/about/index.html")).meta()
    assert meta["og:image"] == "https://t.example/img/share.png"
    assert "og:image:alt" not in meta
