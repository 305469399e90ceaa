"""axe over every kind of page, in both colour schemes, wide and narrow, with scripts: no violation of any rule."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.kinds import settle

pytestmark = pytest.mark.browser

# An advice of axe's, no criterion of WCAG. Markdown has no other way to leave the corner of a table empty, and both
# engines write `<th></th>` there as GitHub does; see docs/decisions/browser-checks.md.
CORNER = "empty-table-header"

RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.map(
  (one) => `${one.id}: ${one.help}: ` + one.nodes.slice(0, 4).map((node) => node.html.slice(0, 100)).join(" | ")))"""


def violations(page: Page) -> list[str]:
    """What axe says of a page as it stands."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(Axe().axe_script)
    return [str(one) for one in page.evaluate(RUN)]


@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing(browser: Browser, doors: dict[str, str], width: int) -> None:
    found: dict[str, Any] = {}
    page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    for kind, url in doors.items():
        page.goto(url)
        settle(page)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[f"{kind}, {scheme}"] = violations(page)
    page.close()
    faults = {name: [one for one in said if not one.startswith(CORNER)] for name, said in found.items()}
    assert {name: said for name, said in faults.items() if said} == {}


@pytest.mark.xfail(strict=False, reason="an empty corner of a Markdown table is written as a th, not as a td")
def test_no_table_has_an_empty_header(site: Path) -> None:
    assert [file for file in sorted(site.rglob("*.html")) if "<th></th>" in file.read_text(encoding="utf-8")] == []


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html><body><img src='a'><p style='color: #eee; background: #fff'>pale</p><a href='#x'></a>")
    said = " ".join(violations(page))
    page.close()
    for rule in ("image-alt", "color-contrast", "link-name", "html-has-lang"):
        assert rule in said
