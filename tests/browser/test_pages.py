"""Every kind of page in a browser, with scripts and without: nothing complained of, everything reached by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.kinds import REDIRECT, Watch, settle, watched

pytestmark = pytest.mark.browser

# What a page must have, seen from inside; each returned line is a fault.
ORDER = """() => {
  const faults = [];
  const count = (selector, wanted) => {
    const found = document.querySelectorAll(selector).length;
    if (found !== wanted) faults.push(`${found} of ${selector}`);
  };
  for (const one of ["title", "h1", "main", "body > header", "body > footer", "html[lang]"]) count(one, 1);
  if (!document.title.trim()) faults.push("no title");
  if (!document.querySelector("h1").textContent.trim()) faults.push("an empty h1");
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.localName[1]);
    if (next > level + 1) faults.push(`h${level} is followed by h${next}: ${heading.textContent}`);
    level = next;
  }
  const names = [...document.querySelectorAll("nav")]
    .filter((one) => one.checkVisibility()).map((one) => one.getAttribute("aria-label") || one.ariaLabelledByElements);
  if (names.some((name) => !name)) faults.push("a nav without a name");
  if (new Set(names.map(String)).size !== names.length) faults.push(`two navs of one name: ${names}`);
  for (const one of document.querySelectorAll("[style], style, script:not([src], [type='application/ld+json'])")) {
    faults.push(`inline: ${one.outerHTML.slice(0, 80)}`);
  }
  return faults;
}"""

# Notes each element that gets the focus, with its looks at that moment.
NOTES = """() => {
  window.stops = [];
  document.addEventListener("focusin", ({target: one}) => {
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    stops.push({
      name: one.outerHTML.slice(0, 90),
      outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      alike: style.outlineColor === getComputedStyle(document.documentElement).backgroundColor,
      inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0,
    });
  });
}"""

FOCUSABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({visibilityProperty: true}))
  .map((one) => one.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module", params=[True, False], ids=["scripts", "no scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether pages may run their scripts."""
    return bool(request.param)


@pytest.fixture(scope="module")
def context(scripts: bool, browser: Browser) -> Iterator[BrowserContext]:
    """A desk's window."""
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def faults_of(page: Page, watch: Watch, url: str, *, scripts: bool) -> list[str]:
    """What is wrong with a page, gone through from top to bottom."""
    page.goto(url)
    if scripts:
        settle(page)  # without scripts no frame is ever told to anyone who waits in the page
    refused = page.evaluate("window.refused || []")
    return [*watch.told(), *(f"refused: {one}" for one in refused), *page.evaluate(ORDER)]


def test_nothing_is_complained_of(context: BrowserContext, scripts: bool, doors: dict[str, str]) -> None:
    faults = {}
    page, watch = watched(context, *doors.values())
    for kind, url in doors.items():
        faults[kind] = faults_of(page, watch, url, scripts=scripts)
    page.close()
    assert {kind: found for kind, found in faults.items() if found} == {}


def test_the_watch_sees_what_is_wrong(browser: Browser, address: str) -> None:
    """The test above could pass by looking away: here is a page with one of each."""
    context = browser.new_context()
    page, watch = watched(context, address)
    broken = """<!doctype html><body style="color: red"><script>alert(1)</script><script>nothing()</script>
      <script src="/assets/none.js"></script><img src="http://127.0.0.2:9/away.png"><h1>a</h1><h3>b</h3><nav></nav>"""
    policy = context.request.get(address + "/").headers["content-security-policy"]
    page.route(
        "**/broken", lambda route: route.fulfill(body=broken, headers={"Content-Security-Policy": policy}, status=200)
    )
    page.goto(address + "/broken")
    said = "\n".join([*watch.told(), *page.evaluate("refused"), *page.evaluate(ORDER)])
    for one in (
        "console:",
        "404:",
        "another host:",
        "style-src-attr",
        "script-src-elem",
        "h1 is followed by h3",
        "nav",
    ):
        assert one in said
    context.close()


def test_an_old_address_leads_to_the_new_one(context: BrowserContext, address: str) -> None:
    page, watch = watched(context, address)
    page.goto(address + REDIRECT, wait_until="commit")
    page.wait_for_url("**/articles/glossary/")
    assert page.locator("h1").count() == 1
    assert watch.told() == []
    page.close()


def test_an_unknown_address_gets_the_404_page(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    answer = page.goto(address + "/no/such/page/")
    assert answer is not None
    assert answer.status == 404
    assert page.locator("main a").count() > 3
    page.locator("main .entries a").first.click()
    page.wait_for_url("**/articles/*/")
    page.close()


def test_the_first_tab_skips_to_the_text(browser: Browser, doors: dict[str, str]) -> None:
    faults = []
    page = browser.new_page(java_script_enabled=False)
    for kind, url in doors.items():
        page.goto(url)
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        if not skip.is_visible() or (skip.bounding_box() or {"y": -1})["y"] < 0:
            faults.append(f"{kind}: the skip link is not seen")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('main') === null && !!document.querySelector('main a')"):
            faults.append(f"{kind}: the focus is not in the text")
    page.close()
    assert faults == []


def test_the_keyboard_reaches_everything_and_is_seen(browser: Browser, doors: dict[str, str]) -> None:
    """With scripts, because there is more to reach then."""
    faults = []
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    for kind, url in doors.items():
        page.goto(url)
        page.evaluate(NOTES)
        wanted = page.evaluate(FOCUSABLE)
        for _ in wanted:
            page.keyboard.press("Tab")
        stops = page.evaluate("stops")
        reached = [stop["name"] for stop in stops]
        if reached != wanted:
            faults.append(f"{kind}: not reached in order: {set(wanted) ^ set(reached)}")
        faults += [f"{kind}: {fault} on {stop['name']}" for stop in stops for fault in unseen(stop)]
    page.close()
    assert faults == []


def unseen(stop: dict[str, object]) -> Iterator[str]:
    """Why the focus on an element could be missed."""
    if not stop["outlined"]:
        yield "no outline"
    if stop["alike"]:
        yield "an outline like the paper"
    if not stop["inside"]:
        yield "the focus is out of sight"
