"""What the theme's script adds works under the site's policy; without it nothing is missing."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.kinds import Watch, settle, watched

pytestmark = pytest.mark.browser

CODE = '<div class="highlight"><pre><code>obverse build\n</code></pre></div>'


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[tuple[Page, Watch]]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield watched(context, address)
    context.close()


def test_the_contents_mark_the_section_being_read(desk: tuple[Page, Watch], doors: dict[str, str]) -> None:
    page, watch = desk
    page.goto(doors["article"])
    settle(page)
    links = page.locator(".margin-contents a")
    marked = page.locator(".margin-contents a[aria-current='location']")
    expect(marked).to_have_count(0)
    for number in (1, 3, 0):
        href = links.nth(number).get_attribute("href")
        page.locator(f"[id='{(href or '')[1:]}']").evaluate("one => one.scrollIntoView({block: 'start'})")
        expect(marked).to_have_count(1)
        expect(marked).to_have_attribute("href", href or "")
    assert watch.told() == []


def test_code_is_copied(desk: tuple[Page, Watch], doors: dict[str, str]) -> None:
    """A block of code is put into a page on its way."""
    page, watch = desk

    def with_code(route: Route) -> None:
        answer = route.fetch()
        text = answer.text().replace('<div class="prose">', f'<div class="prose">{CODE}', 1)
        assert CODE in text
        route.fulfill(response=answer, body=text)

    page.route(doors["article"], with_code)
    page.goto(doors["article"])
    button = page.locator("button.copy").first
    expect(button).to_have_text("Copy")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "obverse build\n"
    expect(button).to_have_text("Copy", timeout=4000)
    assert watch.told() == []


def test_nothing_is_missing_without_the_script(browser: Browser, doors: dict[str, str]) -> None:
    page = browser.new_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.goto(doors["article"])
    expect(page.locator(".margin-contents a").first).to_be_visible()
    expect(page.locator("button")).to_have_count(0)
    page.locator(".margin-contents a").nth(1).click()
    assert "#" in page.url
    page.set_viewport_size({"width": 360, "height": 800})
    page.locator(".folded-contents summary").click()
    expect(page.locator(".folded-contents a").first).to_be_visible()
    page.close()
