"""What the theme does in a real Chromium, on a page that has everything a writer can set down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from obverse.build import BuildOptions, build
from tests.browser.site_server import site_served

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
ARTICLE = "/articles/marketing-vs-sales/"
EVERYTHING = "/articles/everything/"
# One page with every kind of block a writer can set down.
BLOCKS = """---
title: Everything a writer can set down, in one place
description: A page that no reader sees.
date: 2026-01-05
authors: [ida-nichols, marit-vance]
tags: [leads]
---

A note[^1] and **bold**, *italic*, `code`, ++ctrl+c++, ==mark==, ~~gone~~ and
averyveryveryverylongwordthatnobodywouldeverwriteinonepiece.

## First things

- one
    - two

1. three

- [ ] open
- [x] done

Term
:   Its meaning

> Quoted words.

### Deeper

> [!NOTE]
> Said in passing.

> [!WARNING]
> Mind this.

> [!CAUTION]
> Mind this more.

## Second things

```python title="lead.py"
def rate(won: int, lost: int) -> float:  # a comment that is rather long, so that the line is wider than a phone is
    return won / (won + lost) if won else 0.0
```

| Stage | How many | How many of them, told at length | A fourth column that is wide |
|---|--:|:-:|---|
| Inquiry | 312 | twelve and a half in a hundred | words words words words |

{{ quote("We answered in an hour.", by="Ida") }}

{{ cta("Shall we talk?", to="../contact.md", label="Write to us", text="A person answers.") }}

{{ articles(tag="leads", limit=2, title="On leads") }}

## Third things

<details markdown="1">
<summary>Folded</summary>

Unfolded.

</details>

=== "One"
    First tab.

=== "Two"
    Second tab.

[^1]: With [a link](../about.md).
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The starter, and one page more, built with the default theme and served with the site's own headers."""
    root = tmp_path_factory.mktemp("starter")
    for path in sorted((REPOSITORY / "content").rglob("*")):
        target = root / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
    (root / "obverse.toml").write_bytes((REPOSITORY / "obverse.toml").read_bytes())
    (root / "content" / "articles" / "everything.md").write_text(BLOCKS, "utf-8")
    report = build(BuildOptions(root))
    assert not report.blocked, report.problems
    with site_served(root / "site") as address:
        yield address


class Desk:
    """Opens pages, and fails when one of them complains in its console."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address, self.complaints = browser, address, list[str]()
        self.pages: list[Page] = []

    def open(self, url: str, width: int = 1280, scheme: str = "light", script: bool = True, height: int = 800) -> Page:
        page = self.browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
        )
        self.pages.append(page)
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.address + url)
        return page


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Desk]:
    one = Desk(browser, address)
    yield one
    for page in one.pages:
        page.close()
    assert one.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(desk: Desk, scheme: str, width: int) -> None:
    found = Axe().run(desk.open(EVERYTHING, width, scheme)).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


WIDTHS = (320, 360, 600, 768, 992, 1024, 1280, 1440, 1920, 2560, 3840)


@pytest.mark.parametrize("url", [EVERYTHING, ARTICLE, "/", "/articles/"])
def test_no_width_needs_a_horizontal_scroll(desk: Desk, url: str) -> None:
    page = desk.open(url)
    wide = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        wide[width] = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert set(wide.values()) == {0}, wide


@pytest.mark.parametrize("width", [1024, 1440, 1920, 3840])
def test_lines_are_of_a_length_one_can_read(desk: Desk, width: int) -> None:
    """60 to 70 characters in a face of usual width; the widest that a system may fall back to holds fewer."""
    page = desk.open(ARTICLE, width)
    ratio = page.evaluate(
        "(() => { const text = document.querySelector('.prose > p'), style = getComputedStyle(text);"
        " return text.clientWidth / parseFloat(style.fontSize) })()"
    )
    assert 29 <= ratio <= 33


def test_contents_stand_in_the_margin_or_folded_above_the_text(desk: Desk) -> None:
    page = desk.open(ARTICLE, 1280)
    margin, folded = page.locator(".margin-contents"), page.locator(".folded-contents")
    assert (margin.is_visible(), folded.is_visible()) == (True, False)
    page.set_viewport_size({"width": 768, "height": 900})
    assert (margin.is_visible(), folded.is_visible()) == (False, True)
    assert not folded.get_by_role("link").first.is_visible()
    folded.locator("summary").click()
    assert folded.get_by_role("link").first.is_visible()


def test_the_section_being_read_is_marked(desk: Desk) -> None:
    page = desk.open(ARTICLE, 1280)
    current = page.locator(".margin-contents [aria-current]")
    assert current.count() == 0
    page.locator("#conclusion").evaluate("heading => heading.scrollIntoView()")
    current.wait_for()
    assert current.get_attribute("href") == "#conclusion"


def test_code_is_copied_with_a_press(desk: Desk) -> None:
    page = desk.open(EVERYTHING)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("def rate(won: int, lost: int)")


def test_footnotes_stand_beside_their_line_where_there_is_room(desk: Desk) -> None:
    page = desk.open(EVERYTHING, 1440)
    beside, below = page.locator(".side-note"), page.locator(".footnote")
    assert (beside.is_visible(), below.is_visible()) == (True, False)
    text, note = page.locator(".prose > p").first.bounding_box(), beside.bounding_box()
    assert text is not None
    assert note is not None
    assert note["x"] >= text["x"] + text["width"]
    assert abs(note["y"] - text["y"]) < 12
    page.set_viewport_size({"width": 900, "height": 900})
    assert (beside.is_visible(), below.is_visible()) == (False, True)


def test_without_script_footnotes_stand_below(desk: Desk) -> None:
    assert desk.open(EVERYTHING, 1440, script=False).locator(".footnote").is_visible()


def test_targets_are_large_enough_for_a_thumb(desk: Desk) -> None:
    """WCAG 2.2, 2.5.8: 24 px, but for links within a sentence."""
    page = desk.open(ARTICLE, 360)
    for where in (".menu a", ".foot-menu a", ".trail a", ".folded-contents summary", ".tags a"):
        for link in page.locator(where).all():
            box = link.bounding_box()
            assert box is not None
            assert box["height"] >= 24, where


def test_tabs_change_without_script(desk: Desk) -> None:
    page = desk.open(EVERYTHING, script=False)
    page.get_by_text("Two", exact=True).click()
    assert page.get_by_text("Second tab.").is_visible()
    assert not page.get_by_text("First tab.").is_visible()


def test_paper_carries_the_words_alone(desk: Desk) -> None:
    page = desk.open(ARTICLE)
    page.emulate_media(media="print")
    for gone in (".menu", ".margin-contents", ".afterword", ".copy"):
        assert all(not one.is_visible() for one in page.locator(gone).all())
    assert page.locator("h1").is_visible()
    assert page.locator("body").evaluate("body => getComputedStyle(body).color") == "rgb(0, 0, 0)"
    assert page.locator("html").evaluate("html => getComputedStyle(html).backgroundColor") == "rgb(255, 255, 255)"


def test_motion_is_only_for_those_who_want_it(desk: Desk) -> None:
    page = desk.open("/")
    rules = (
        "[...document.styleSheets[0].cssRules].flatMap(layer => [...layer.cssRules || []])"
        ".filter(rule => rule.cssText.includes('view-transition {') || rule.cssText.includes('@view-transition'))"
        ".map(rule => rule.conditionText || '')"
    )
    assert page.evaluate(rules) == ["(prefers-reduced-motion: no-preference)"]
    moving = "[...document.querySelectorAll('*')].some(e => getComputedStyle(e).transitionDuration !== '0s')"
    assert page.evaluate(moving) is False
