"""Every built file, read as machines read it: HTML, links, feeds, sitemap, what pages tell search engines, weights."""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from xml.etree import ElementTree as ET

import feedparser
import html5lib
import pytest

HOST = "https://nicholswd.example"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@cache
def parsed(file: Path) -> tuple[ET.Element, tuple[str, ...]]:
    """A page as an HTML parser sees it, and the parse errors in it."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"))
    tree = parser.parse(file.read_text(encoding="utf-8"))
    return tree, tuple(f"{position}: {code} {data}" for position, code, data in parser.errors)


def pages(folder: Path) -> dict[str, Path]:
    """Address path -> file, for every page."""
    return {
        "/" + file.relative_to(folder).as_posix().removesuffix("index.html"): file
        for file in sorted(folder.rglob("*.html"))
    }


def real_pages(folder: Path) -> dict[str, ET.Element]:
    """Every page but those that only lead on to another."""
    trees = {path: parsed(file)[0] for path, file in pages(folder).items()}
    return {path: tree for path, tree in trees.items() if tree.find(f".//{XHTML}meta[@http-equiv]") is None}


def metas(tree: ET.Element, key: str) -> dict[str, str]:
    """What `<meta>` elements say, by their `name` or `property`."""
    return {str(one.get(key)): one.get("content", "") for one in tree.iter(f"{XHTML}meta") if one.get(key)}


def unlisted(folder: Path) -> set[str]:
    """What search engines find by its links alone: what may not be found, and lists that nobody wrote a page for."""
    lists = re.compile(r"/(tags|categories|series|authors)/$|/(tags|categories|series)/[^/]+/$|/page/\d+/$")
    noindex = {path for path, tree in real_pages(folder).items() if metas(tree, "name").get("robots") == "noindex"}
    return noindex | {path for path in real_pages(folder) if lists.search(path)}


@pytest.fixture(params=["site", "drafted"])
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.getfixturevalue(request.param))


def test_html_has_no_parse_errors(folder: Path) -> None:
    found = {path: parsed(file)[1] for path, file in pages(folder).items()}
    assert len(found) > 30
    assert {path: errors for path, errors in found.items() if errors} == {}


def test_the_parser_sees_errors(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text("<!doctype html><title>a</title><p><table><p>b</table></b>")
    assert parsed(file)[1] != ()


def test_links_and_files_are_there(folder: Path) -> None:
    """Links, pictures, styles, scripts and anchors, from each page."""
    ids = {path: {one.get("id") for one in parsed(file)[0].iter()} for path, file in pages(folder).items()}
    followed: set[str] = set()
    dead = []
    for here, file in pages(folder).items():
        for one in parsed(file)[0].iter():
            named = one.get("href") or one.get("src")
            target = urljoin(HOST + here, named or "")
            if not named or urlsplit(target).netloc != urlsplit(HOST).netloc:
                continue
            address, anchor = urldefrag(target)
            path = unquote(urlsplit(address).path)
            followed.add(path)
            there = folder / (path.lstrip("/") + ("index.html" if path.endswith("/") else ""))
            if not there.is_file() or (anchor and path in ids and unquote(anchor) not in ids[path]):
                dead.append((here, named))
    assert len(followed) > 50
    assert dead == []


def test_nothing_is_asked_of_another_host(folder: Path) -> None:
    asked = [
        (path, value)
        for path, file in pages(folder).items()
        for one in parsed(file)[0].iter()
        for value in (one.get("src", ""), one.get("srcset", ""), one.get("action", ""))
        if value.startswith(("http:", "https:", "//", "data:"))
    ]
    assert asked == []


def test_every_page_names_an_icon(folder: Path) -> None:
    """A browser asks for /favicon.ico of a page that does not, and says in its console that there is none."""
    trees = {path: parsed(file)[0] for path, file in pages(folder).items()}
    assert [path for path, tree in trees.items() if tree.find(f".//{XHTML}link[@rel='icon']") is None] == []


def test_search_engines_are_told_what_a_page_is(folder: Path) -> None:
    faults = []
    titles: dict[str, list[str]] = {}
    for path, tree in real_pages(folder).items():
        names, properties = metas(tree, "name"), metas(tree, "property")
        title = tree.findtext(f".//{XHTML}title") or ""
        titles.setdefault(title, []).append(path)
        link = tree.find(f".//{XHTML}link[@rel='canonical']")
        canonical = "" if link is None else link.get("href", "")
        wanted = "" if path == "/404.html" else HOST + path
        if canonical != wanted:
            faults.append(f"{path}: its canonical address is {canonical!r}")
        if {"og:title", "og:type", "og:image", "og:site_name"} - properties.keys():
            faults.append(f"{path}: Open Graph lacks something: {sorted(properties)}")
        if wanted and properties.get("og:url") != wanted:
            faults.append(f"{path}: og:url")
        if not names.get("description") and path not in unlisted(folder):
            faults.append(f"{path}: no description")
    assert faults == []
    assert {title: paths for title, paths in titles.items() if len(paths) > 1} == {}


def test_structured_data_is_whole(folder: Path) -> None:
    """Every page but the 404 has schema.org data that parses, and articles say who wrote them when."""
    for path, tree in real_pages(folder).items():
        scripts = tree.iterfind(f".//{XHTML}script[@type='application/ld+json']")
        data = {one["@type"]: one for one in (json.loads(script.text or "") for script in scripts)}
        wanted = {"/": {"WebSite"}, "/404.html": set[str]()}.get(path, {"BreadcrumbList"})
        if metas(tree, "property").get("og:type") == "article":
            wanted.add("Article")
            assert {"headline", "datePublished", "author", "image", "publisher"} <= data["Article"].keys(), path
        assert data.keys() == wanted, path
        for item in data.get("BreadcrumbList", {}).get("itemListElement", ()):
            assert item["item"].startswith(HOST + "/"), path
            assert item["name"], path


def test_feeds_are_read_without_a_complaint(site: Path) -> None:
    feed = feedparser.parse((site / "feed.xml").read_bytes())
    assert not feed.bozo, feed.bozo_exception
    assert feed.feed.title == "Nichols WD"
    assert len(feed.entries) >= 5
    for entry in feed.entries:
        assert entry.title
        assert entry.id
        assert entry.updated_parsed
        assert entry.link.startswith(HOST + "/articles/")
        assert not re.search(r'(?:href|src)="/', entry.content[0].value)
    listed = json.loads((site / "feed.json").read_text(encoding="utf-8"))
    assert listed["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["url"] for item in listed["items"]] == [entry.link for entry in feed.entries]


def test_the_sitemap_names_every_page_to_be_found(site: Path) -> None:
    root = ET.fromstring((site / "sitemap.xml").read_bytes())
    assert root.tag == SITEMAP + "urlset"
    named = [str(one.text) for one in root.iter(SITEMAP + "loc")]
    assert len(named) > 20
    assert sorted(named) == sorted(HOST + path for path in real_pages(site).keys() - unlisted(site))


def test_robots_are_shown_the_sitemap(site: Path) -> None:
    lines = (site / "robots.txt").read_text(encoding="utf-8").split("\n")
    assert f"Sitemap: {HOST}/sitemap.xml" in lines
    assert any(line.startswith("User-agent: *") for line in lines)
    assert "Disallow: /" not in lines


@pytest.mark.parametrize("suffix, most", [("css", 20_000), ("js", 10_000)])
def test_styles_and_scripts_stay_light(site: Path, suffix: str, most: int) -> None:
    """All of them together, compressed, in bytes; of the scripts no page has all."""
    sizes = {file.name: len(gzip.compress(file.read_bytes(), mtime=0)) for file in site.rglob(f"*.{suffix}")}
    assert sizes
    assert sum(sizes.values()) < most, sizes
