"""axe over every kind of page, in both colour schemes, wide and narrow, with scripts: no violation of any rule."""

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.kinds import settle

pytestmark = pytest.mark.browser

RUN = """async (options) => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"], ...options});
  return violations.map((one) => `${one.id}: ${one.help}: `
    + one.nodes.slice(0, 4).map((node) => node.html.slice(0, 100)).join(" | "));
}"""

# A scheme changes colours and nothing else, so by night the rules about colour are asked again (WCAG 2.2 AA).
COLOUR = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": {}, "dark": {"runOnly": COLOUR}}


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe says of a page as it stands."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(Axe().axe_script)
    return [str(one) for one in page.evaluate(RUN, options)]


@pytest.mark.parametrize("width", [1280, pytest.param(320, marks=pytest.mark.long)])
def test_axe_finds_nothing(browser: Browser, doors: dict[str, str], width: int) -> None:
    found: dict[str, Any] = {}
    page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    for kind, url in doors.items():
        page.goto(url)
        settle(page)
        for scheme, options in SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            found[f"{kind}, {scheme}"] = violations(page, options)
    page.close()
    assert {name: said for name, said in found.items() if said} == {}


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html><body><img src='a'><p style='color: #eee; background: #fff'>pale</p><a href='#x'></a>")
    said = " ".join(violations(page, {}))
    page.close()
    for rule in ("image-alt", "color-contrast", "link-name", "html-has-lang"):
        assert rule in said
