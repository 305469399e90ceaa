"""The layout, measured: 320 px to 4K, magnified, in print, without motion, in forced colours, and while it loads."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.kinds import settle, watched
from tests.browser.site_server import LATE

pytestmark = pytest.mark.browser

WIDTHS = (320, 640, 768, 1280, 3840)  # every other one on the page of all blocks: test_theme_pages

# What sticks out of the window sideways, unless it scrolls inside something; and text cut off in a box.
OVERFLOW = """() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push(`the page is ${root.scrollWidth} wide`);
  for (const one of document.querySelectorAll("body *")) {
    if (!one.checkVisibility({visibilityProperty: true})) continue;
    if (one.closest(".unseen, .form-trap, svg, .table, pre, .skip")) continue;
    const box = one.getBoundingClientRect();
    if (box.width && (box.right > innerWidth + 1 || box.left < -1)) faults.push(`out: ${one.outerHTML.slice(0, 80)}`);
    const style = getComputedStyle(one);
    if (style.overflowX === "hidden" && one.scrollWidth > one.clientWidth + 1 && one.localName !== "img")
      faults.push(`cut: ${one.outerHTML.slice(0, 80)}`);
  }
  return faults.slice(0, 5);
}"""

# WCAG 2.2, 2.5.8: 24 by 24 CSS pixels, but for links in a sentence, or where a circle of
# 24 around the target meets no other.
TARGETS = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({visibilityProperty: true}))
    .filter((one) => !one.closest(".skip"));
  const inSentence = (one) => getComputedStyle(one).display === "inline" && one.parentElement
    && [...one.parentElement.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim().length > 1);
  const boxes = all.map((one) => one.getBoundingClientRect());
  const small = (box) => box.width < 24 || box.height < 24;
  const near = (i, j) => {
    const x = (boxes[i].left + boxes[i].right) / 2, y = (boxes[i].top + boxes[i].bottom) / 2;
    const box = boxes[j];
    if (small(box)) return Math.hypot(x - (box.left + box.right) / 2, y - (box.top + box.bottom) / 2) < 24;
    const within = (value, low, high) => Math.max(low, Math.min(value, high));
    return Math.hypot(x - within(x, box.left, box.right), y - within(y, box.top, box.bottom)) < 12;
  };
  return all.filter((one, i) => small(boxes[i]) && !inSentence(one) && boxes.some((_, j) => i !== j && near(i, j)))
    .map((one) => `${one.outerHTML.slice(0, 90)} of ${one.offsetWidth} by ${one.offsetHeight}`);
}"""

# Characters in each full line of the paragraphs of an article: all but the last lines.
MEASURE = """() => {
  const lines = [];
  for (const paragraph of document.querySelectorAll("article .prose > p")) {
    const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    const counts = new Map();
    const range = document.createRange();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (let i = 0; i < node.length; i++) {
        range.setStart(node, i);
        range.setEnd(node, i + 1);
        const box = range.getBoundingClientRect();
        const line = Math.round(box.bottom / 12);
        counts.set(line, (counts.get(line) || 0) + 1);
      }
    }
    lines.push(...[...counts.values()].slice(0, -1));
  }
  return lines.sort((a, b) => a - b);
}"""

SHOWN = """(selector) => [...document.querySelectorAll(selector)]
  .filter((one) => one.checkVisibility()).map((one) => one.outerHTML.slice(0, 80))"""

BORDER = """(one) => {
  const style = getComputedStyle(one);
  return [style.borderTopStyle, style.borderTopWidth, style.borderTopColor];
}"""

MOVING = """() => [...document.querySelectorAll("*")].filter((one) => {
  const style = getComputedStyle(one);
  return style.animationName !== "none" || style.transitionDuration.split(",").some((time) => parseFloat(time) > 0)
    || style.scrollBehavior === "smooth";
}).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield page
    page.close()


def test_nothing_sticks_out_at_any_width(page: Page, doors: dict[str, str]) -> None:
    """640 and 320 px are also a desk of 1280 px at 200 % and 400 % (WCAG 1.4.10)."""
    found = {}
    for kind, url in doors.items():
        page.goto(url)
        settle(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found[f"{kind} at {width}"] = page.evaluate(OVERFLOW)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_larger_text_loses_nothing(browser: Browser, doors: dict[str, str]) -> None:
    """Text alone at 200 % (WCAG 1.4.4), as a reader sets it in the browser, on half a desk."""
    found = {}
    page = browser.new_page(viewport={"width": 640, "height": 700})
    session = page.context.new_cdp_session(page)
    for kind, url in doors.items():
        page.goto(url)
        words = page.evaluate("document.body.innerText.length")
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        grown = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
        assert grown >= 32, "the page does not follow the reader's font size"
        faults = page.evaluate(OVERFLOW)
        if faults or page.evaluate("document.body.innerText.length") < words:
            found[kind] = faults
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    page.close()
    assert found == {}


@pytest.mark.parametrize("width", [1280, 1920, 3840])
def test_lines_of_an_article_are_as_long_as_reads_well(page: Page, doors: dict[str, str], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(doors["article"])
    lines = page.evaluate(MEASURE)
    assert len(lines) > 20
    middle = lines[len(lines) // 2]
    assert 45 <= middle <= 80, middle
    assert lines[-1] <= 85, lines


def test_targets_are_large_enough(page: Page, doors: dict[str, str]) -> None:
    found = {}
    for kind, url in doors.items():
        page.goto(url)
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            found[f"{kind} at {width}"] = page.evaluate(TARGETS)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_nothing_moves_for_who_asked_for_that(page: Page, doors: dict[str, str]) -> None:
    found = {}
    for kind, url in doors.items():
        page.goto(url)
        found[kind] = page.evaluate(MOVING)
    assert {kind: moving for kind, moving in found.items() if moving} == {}


def test_on_paper_there_is_the_text_and_no_navigation(page: Page, doors: dict[str, str]) -> None:
    page.emulate_media(media="print")
    for kind, url in doors.items():
        page.goto(url)
        assert page.evaluate(SHOWN, "nav:not([aria-labelledby]), button, .skip") == [], kind
        assert page.evaluate(SHOWN, "h1, main") != [], kind
        ink, paper = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.documentElement).backgroundColor]"
        )
        assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)"), kind


def test_forced_colours_keep_what_can_be_pressed(page: Page, doors: dict[str, str]) -> None:
    """The reader's own link and button colours, and a border where a button's ground has gone."""
    page.emulate_media(forced_colors="active", color_scheme="dark")
    page.goto(doors["article"])
    link, text, ground = page.evaluate(
        """() => [getComputedStyle(document.querySelector(".prose a[href]")).color,
                  getComputedStyle(document.querySelector(".prose p")).color,
                  getComputedStyle(document.documentElement).backgroundColor]"""
    )
    assert len({link, text, ground}) == 3
    page.goto(doors["home"])
    style, width, colour = page.locator(".button").first.evaluate(BORDER)
    assert style == "solid"
    assert float(width.removesuffix("px")) >= 1
    assert colour != ground


@pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.long)])
def test_nothing_shifts_while_it_loads(browser: Browser, doors: dict[str, str], width: int) -> None:
    """Styles, scripts and pictures come late, each after the page."""
    found = {}
    context = browser.new_context(viewport={"width": width, "height": 900}, extra_http_headers={LATE: "60"})
    page, _ = watched(context, *doors.values())
    for kind, url in doors.items():
        page.goto(url)
        settle(page)
        page.mouse.wheel(0, 2000)
        settle(page)
        found[kind] = page.evaluate("shifts")
    context.close()
    assert {kind: shifts for kind, shifts in found.items() if shifts} == {}


def test_a_shift_is_seen(browser: Browser, address: str) -> None:
    """The test above could pass by looking away."""
    page, _ = watched(browser.new_context(), address)
    page.goto(address)
    page.wait_for_timeout(100)
    page.evaluate("document.querySelector('main').before(document.createElement('hr'), 'late')")
    page.wait_for_timeout(200)
    assert page.evaluate("shifts") != []
    page.context.close()
