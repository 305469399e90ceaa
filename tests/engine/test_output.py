"""All of a built site, read as a browser and a visitor would: the policy holds, and nothing unpublished is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest

from obverse.build import BuildOptions, build, site_of
from obverse.clock import Clock
from obverse.problems import as_text

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
# Some of the articles of both sites are out by then, and one of each is not.
MOMENT = Clock(datetime(2026, 12, 1, 12, tzinfo=UTC), ZoneInfo("UTC"))

# Attributes by which a page makes a browser fetch something, wherever they stand.
FETCHES = {"src", "srcset", "poster", "data", "background", "manifest", "action", "formaction", "ping", "imagesrcset"}
# What a link element does when it is not merely named.
NAMED_ONLY = {"canonical", "alternate", "author", "license", "me", "next", "prev"}


class Page(HTMLParser):
    """Everything in an HTML file that the policy forbids."""

    def __init__(self, html: str, host: str) -> None:
        super().__init__()
        self.host = host
        self.faults: list[str] = []
        self.elements = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += 1
        given = dict(attrs)
        self.faults += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/ld+json"):
            self.faults.append(f"inline <{tag}>")
        if tag in {"iframe", "object", "embed", "base"}:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            fetched = name in FETCHES or (tag == "link" and name == "href" and given.get("rel") not in NAMED_ONLY)
            fetched = fetched or (name in {"href", "xlink:href"} and tag in {"use", "image"})
            if fetched and value and not self._own(value):
                self.faults.append(f"<{tag} {name}={value}>")
            if name == "href" and re.match(r"\s*(javascript|data|vbscript):", value or "", re.IGNORECASE):
                self.faults.append(f"<{tag} {name}={value}>")

    def _own(self, value: str) -> bool:
        parts = urlsplit(value.strip())
        return parts.scheme in {"", "http", "https"} and parts.netloc in {"", self.host}


def faults(html: str) -> list[str]:
    return Page(html, "t.example").faults


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color: red">',
        "<P STYLE='x'>",
        "<script>alert(1)</script>",
        '<script type="module">1</script>',
        "<style>p{}</style>",
        '<p onclick="x">',
        '<svg onload="x"/>',
        '<img src="https://elsewhere.example/x.png">',
        '<img src="//elsewhere.example/x.png">',
        '<img src="data:image/gif;base64,x">',
        '<script src="https://elsewhere.example/x.js"></script>',
        '<link rel="stylesheet" href="https://elsewhere.example/x.css">',
        '<link rel="preconnect" href="https://elsewhere.example">',
        '<a href="javascript:x">',
        '<form action="https://elsewhere.example/">',
        '<iframe src="/x">',
        '<base href="/">',
    ],
)
def test_the_reading_bites(html: str) -> None:
    assert faults(html)


@pytest.mark.parametrize(
    "html",
    [
        '<script type="application/ld+json">{"url": "https://elsewhere.example"}</script>',
        '<script src="/assets/app.js" defer></script>',
        '<link rel="canonical" href="https://elsewhere.example/">',
        '<a href="https://elsewhere.example/">x</a>',
        '<img src="https://t.example/x.png"><img src="x.png">',
    ],
)
def test_the_reading_lets_pass_what_may_stand(html: str) -> None:
    assert faults(html) == []


@pytest.fixture(scope="module", params=["golden", "starter"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The root of a site that has been built, and its host."""
    root = tmp_path_factory.mktemp("output") / "desk"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "golden":
            shutil.copytree(GOLDEN / "site", root)
            patch.setattr("obverse.build.bundled", lambda _name: GOLDEN / "theme")
        else:
            shutil.copytree(ROOT / "content", root / "content")
            shutil.copyfile(ROOT / "obverse.toml", root / "obverse.toml")
        report = build(BuildOptions(root), MOMENT)
        assert not report.blocked, as_text(report.problems)
        yield root, "golden.example" if request.param == "golden" else "nicholswd.example"


def test_no_page_breaks_the_policy(built: tuple[Path, str]) -> None:
    root, host = built
    pages = {path: Page(path.read_text("utf-8"), host) for path in sorted((root / "site").rglob("*.html"))}
    assert sum(page.elements for page in pages.values()) > 500
    assert {str(path): page.faults for path, page in pages.items() if page.faults} == {}


def test_no_style_sheet_or_picture_fetches_from_elsewhere(built: tuple[Path, str]) -> None:
    root, _ = built
    files = [path for path in sorted((root / "site").rglob("*")) if path.suffix in {".css", ".svg"}]
    assert files
    for path in files:
        text = re.sub(r"""\bxmlns(:\w+)?\s*=\s*["'][^"']*["']""", "", path.read_text("utf-8"))
        assert not re.search(r"""(?:url\(|@import|href=|src=)\s*["']?\s*(?:https?:|//|data:)""", text), path
        if path.suffix == ".svg":
            assert not re.search(r"<script|\son\w+\s*=", text), path


def test_nothing_unpublished_is_in_the_site(built: tuple[Path, str]) -> None:
    root, _ = built
    site, _ = site_of(BuildOptions(root), MOMENT)
    assert site
    assert site.hidden, "a site without drafts shows nothing here"
    texts = {path: path.read_bytes() for path in sorted((root / "site").rglob("*")) if path.is_file()}
    for hidden in site.hidden.values():
        title = hidden.page.matter.title.encode()
        assert title
        assert [str(path) for path, data in texts.items() if title in data] == []
        folder = Path(hidden.page.name.removesuffix("/index")).name
        assert [str(path) for path in texts if folder in path.relative_to(root / "site").parts] == []
    published = {path.read_bytes() for path in sorted((root / "site").rglob("*")) if path.is_file()}
    for path in site.hidden_files:
        assert (root / "content" / path).read_bytes() not in published


def test_every_local_link_of_every_page_leads_to_a_file(built: tuple[Path, str]) -> None:
    root, _ = built
    base = "/blog" if (root / "hooks.py").exists() else ""
    checked = 0
    for path in sorted((root / "site").rglob("*.html")):
        for href in re.findall(r'(?:href|src)="(/[^"#?]*)', path.read_text("utf-8")):
            assert href.startswith(f"{base}/"), (path, href)
            target = root / "site" / unquote(href.removeprefix(base)).lstrip("/")
            checked += 1
            assert (target / "index.html" if href.endswith("/") else target).is_file(), (path, href)
    assert checked > 200
