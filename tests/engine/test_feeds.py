"""Feeds, sitemap, robots: well-formed whatever people write, absolute everywhere, and only what is out."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime

import feedparser
import pytest

from obverse.bundled import bundled
from tests.engine.sites import TinySite

Make = Callable[..., TinySite]

NAMES = ("atom.xml", "sitemap.xml", "robots.txt")
REAL = {f"templates/{name}": bundled(f"templates/{name}").read_text(encoding="utf-8") for name in NAMES}
SETTINGS = """\
[site]
title = 'T & <Co>'
description = "All & <more> of it"
url = "https://t.example/base"
languages = ["de"]
[articles]
feed_items = 2
"""
ODD = "Odd & <b>bold</b> ]]> \\U0001F389"


def article(title: str, date: str, body: str = "Text\n", more: str = "") -> str:
    return f'---\ntitle: "{title}"\ndate: {date}\n{more}---\n{body}'


# The schema refuses control characters; a hook may still bring some along.
HOOK = """\
import dataclasses


def page(page):
    if page.name != "articles/odd":
        return page
    matter = dataclasses.replace(page.matter, title=page.matter.title + "\\x07\\ufffe", description="\\x0bOdd")
    return dataclasses.replace(page, matter=matter)
"""
FILES = {
    **REAL,
    "hooks.py": HOOK,
    "content/authors/anna.md": "---\ntitle: Anna & <Co>\n---\n",
    "content/about.md": "## Team\n",
    "content/img/a.svg": "<svg/>",
    "content/articles/odd.md": article(ODD, "2026-03-01", "A \x0b\x07 [link](../about.md#team) ![x](../img/a.svg)\n"),
    "content/articles/plain.md": article(
        "Plain",
        "2026-02-01",
        '<video poster="../img/a.svg" src="../img/a.svg"></video> `]]>` [mail](mailto:a@t.example) [up](/about/)\n',
        "updated: 2026-02-02T10:00:00+02:00\nauthors: [anna]\n",
    ),
    "content/articles/old.md": article("Old", "2026-01-01"),
    "content/articles/neu.de.md": article("Neu", "2026-01-01"),
    "content/articles/draft.md": article("SECRET", "2026-01-01", more="draft: true\n"),
    "content/articles/later.md": article("SECRET", "2030-01-01"),
    "content/hidden.md": "---\nnoindex: true\n---\n",
    "content/404.md": "Lost\n",
}


@pytest.fixture
def site(site_dir: Make) -> TinySite:
    made = site_dir(FILES, SETTINGS)
    made.good_build()
    return made


def test_the_atom_feed_parses_and_holds_the_newest(site: TinySite) -> None:
    feed = feedparser.parse((site.out / "feed.xml").read_bytes())
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.version == "atom10"
    assert feed.feed.title in {"T & <Co>", "T &amp; &lt;Co&gt;"}
    assert [entry.link for entry in feed.entries] == [
        "https://t.example/base/articles/odd/",
        "https://t.example/base/articles/plain/",
    ]
    assert feed.entries[1].updated == "2026-02-02T10:00:00+02:00"
    assert feed.entries[1].published == "2026-02-01T00:00:00+00:00"
    assert feed.feed.updated == "2026-03-01T00:00:00+00:00"
    assert [link.href for link in feed.feed.links if link.rel == "self"] == ["https://t.example/base/feed.xml"]
    assert len({entry.id for entry in feed.entries}) == len(feed.entries)


def test_the_json_feed_is_what_the_standard_wants(site: TinySite) -> None:
    feed = json.loads(site.read("site/feed.json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "https://t.example/base/feed.json"
    assert feed["home_page_url"] == "https://t.example/base/"
    for item in feed["items"]:
        assert item.keys() >= {"id", "url", "title", "content_html", "date_published"}
        assert item["url"].startswith("https://t.example/base/articles/")
        datetime.fromisoformat(item["date_published"])
    assert feed["items"][1]["authors"] == [{"name": "Anna & <Co>"}]


@pytest.mark.parametrize("output", ["feed.xml", "feed.json", "sitemap.xml", "de/feed.xml", "de/feed.json"])
def test_no_output_for_machines_holds_what_xml_cannot_carry(output: str, site: TinySite) -> None:
    text = site.read(f"site/{output}")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text)
    assert "SECRET" not in text
    if output.endswith(".xml"):
        ET.fromstring(text)  # it is our own


def test_addresses_in_a_feeds_content_are_absolute(site: TinySite) -> None:
    for content in (item["content_html"] for item in json.loads(site.read("site/feed.json"))["items"]):
        found = re.findall(r'(?:href|src|poster)="([^"]*)"', content)
        assert found
        assert all(re.match("https://t.example/base/|mailto:", address) for address in found), found


def test_a_language_has_a_feed_of_its_own(site: TinySite) -> None:
    german = feedparser.parse((site.out / "de/feed.xml").read_bytes())
    assert [entry.title for entry in german.entries] == ["Neu"]
    assert german.feed.link == "https://t.example/base/de/"
    assert json.loads(site.read("site/de/feed.json"))["language"] == "de"


def test_a_site_without_articles_has_no_feed(site_dir: Make) -> None:
    site = site_dir({"content/about.md": "About\n"}, SETTINGS)
    site.good_build()
    assert not (site.out / "feed.xml").exists()
    assert "feed.xml" not in site.read("site/about/index.html")


def test_the_sitemap_lists_what_may_be_found(site: TinySite) -> None:
    spaces = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    root = ET.fromstring(site.read("site/sitemap.xml"))
    addresses = [one.text or "" for one in root.findall("s:url/s:loc", spaces)]
    assert addresses == sorted(addresses)
    assert set(addresses) >= {"https://t.example/base/about/", "https://t.example/base/de/articles/neu/"}
    assert not [one for one in addresses if "hidden" in one or "404" in one or "later" in one or "draft" in one]
    for moment in root.findall("s:url/s:lastmod", spaces):
        assert datetime.fromisoformat(moment.text or "").tzinfo


def test_robots_name_the_sitemap(site: TinySite) -> None:
    lines = site.read("site/robots.txt").splitlines()
    assert lines[0] == "User-agent: *"
    assert "Sitemap: https://t.example/base/sitemap.xml" in lines


def test_headers_keep_the_policy_under_the_base_path(site: TinySite) -> None:
    lines = site.read("site/_headers").splitlines()
    assert lines[0] == "/base/*"
    assert any(line.startswith("  Content-Security-Policy: default-src 'none';") for line in lines)
    at = lines.index("/base/assets/*")
    assert lines[at + 1] == "  Cache-Control: public, max-age=31536000, immutable"


def test_every_address_a_page_links_begins_with_the_base_path(site: TinySite) -> None:
    found = []
    for page in sorted(site.out.rglob("*.html")):
        found += re.findall(r'(?:href|src)="(/[^"]*)"', page.read_text(encoding="utf-8"))
    assert found
    assert [one for one in found if not one.startswith("/base/")] == []


def test_a_build_for_another_address_changes_every_absolute_one(site: TinySite) -> None:
    site.good_build(base_url="http://localhost:8000")
    for output in ("feed.xml", "feed.json", "sitemap.xml", "robots.txt", "about/index.html"):
        assert "t.example/base" not in site.read(f"site/{output}"), output
