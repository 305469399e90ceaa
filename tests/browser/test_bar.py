"""The writer's bar and the door in Chromium: what they say, that nothing is covered, and that axe finds nothing."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Response
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from capture.access import passwords
from capture.access.sessions import make_link
from capture.reporting.live import Live
from capture.store.changes import set_stage
from capture.store.reports import PageReport
from capture.store.saving import save
from obverse.security import HEADERS
from tests.browser.kinds import watched
from tests.capture.desk import ANN, PASSWORD, Desk, a_desk
from tests.capture.inbox_room import served
from tests.capture.samples import make_submission, tokens

pytestmark = pytest.mark.browser

AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map((one) =>
  `${one.id}: ${one.nodes.map((node) => node.html).join(" | ").slice(0, 300)}`)"""

# A page as `serve` gives it to a browser, with the policy of the whole site.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What a price says</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>What a price says</h1>{text}<p><a id="last" href="/contact/">The last link</a></p></main>
<script type="module" src="/_ob/bar.js"></script></body></html>"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")
    with a_desk(tmp_path, preview=True, address="http://127.0.0.1") as one:

        @one.app.get("/articles/pricing/")
        def article() -> Response:
            text = "<p>Every price is a sentence about who it is for.</p>" * 60
            return Response(PAGE.replace("{text}", text), headers=dict(HEADERS))

        one.app.add_url_rule("/favicon.ico", "icon", lambda: Response(status=204))
        yield one


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with served(desk.app) as one:
        yield one


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 800}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page; whatever the browser complains about fails the test, but for what a door says to strangers."""
    page, watch = watched(context, address)
    yield page
    assert [one for one in watch.told() if not re.search(r"^(422|410): | status of (422|410) ", one)] == []


def inquire(desk: Desk, email: str, **more: Any) -> str:
    values = {"name": "Ada", "email": email, "message": "Hello"}
    with desk.house.database.write() as connection:
        return save(connection, make_submission(values=values, **more), (), tokens(email)).inquiry


def test_the_bar_counts_what_comes_in(desk: Desk, page: Page, address: str) -> None:
    page.clock.install()
    page.goto(f"{address}/articles/pricing/")
    bar = page.get_by_role("complementary", name="What this page has brought")
    expect(bar).to_contain_text("Here in the preview: no inquiry yet")
    won = inquire(desk, "ada@example.org")
    inquire(desk, "ben@example.org")
    with desk.house.database.write() as connection:
        set_stage(connection, won, "won", actor="", now=desk.clock.at, value=800_000, currency="EUR")
    page.clock.run_for(10_000)
    expect(bar).to_contain_text("Here in the preview: 2 inquiries · 1 qualified · 1 won · 8,000 EUR")
    expect(bar.get_by_role("link", name="Inbox")).to_have_attribute("href", "/inbox/?view=all&page=articles/pricing.md")
    expect(bar.get_by_role("link", name="Mail")).to_have_attribute("href", "/_ob/mail/")


def test_the_bar_tells_what_is_live_apart(desk: Desk, page: Page, address: str) -> None:
    asked = threading.Event()

    def ask() -> dict[str, PageReport]:
        assert asked.wait(20)
        return {"articles/pricing.md": PageReport("articles/pricing.md", 9, 1, 3, 2, {"EUR": 2_150_000})}

    live = desk.app.extensions["obverse.live"] = Live(ask)
    page.clock.install()
    page.goto(f"{address}/articles/pricing/")
    bar = page.get_by_role("complementary")
    expect(bar).to_contain_text("Live: asking …")
    asked.set()
    live.settle(20)
    page.clock.run_for(10_000)
    expect(bar).to_contain_text("Live: 9 inquiries · 1 held · 3 qualified · 2 won · 21,500 EUR")


@pytest.mark.parametrize("width", [1440, 360])
def test_the_bar_covers_nothing_and_axe_finds_nothing(context: BrowserContext, address: str, width: int) -> None:
    page = context.new_page()  # not watched: axe itself tries an inline style, which the policy refuses
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{address}/articles/pricing/")
    bar = page.get_by_role("complementary")
    expect(bar).to_be_visible()
    page.keyboard.press("Tab")  # the last link of the page, far below
    expect(page.locator("#last")).to_be_focused()
    last, over = page.locator("#last").bounding_box(), bar.bounding_box()
    assert last
    assert over
    assert last["y"] + last["height"] <= over["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(Axe().axe_script)
        assert page.evaluate(AXE) == []
    page.emulate_media(media="print")
    expect(bar).to_be_hidden()


def test_a_bar_that_comes_late_covers_nothing_that_has_the_focus(page: Page, address: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/bar.css", hold)
    with page.expect_request("**/bar.css"):
        page.goto(f"{address}/articles/pricing/", wait_until="commit")
    page.set_viewport_size({"width": 1440, "height": 700})
    bar, last = page.get_by_role("complementary"), page.locator("#last")
    page.keyboard.press("Tab")
    expect(last).to_be_focused()
    expect(bar).to_be_hidden()  # without its style it stands nowhere
    held[0].continue_()
    expect(bar).to_be_visible()
    link, over = last.bounding_box(), bar.bounding_box()
    assert link
    assert over
    assert link["y"] + link["height"] <= over["y"]


def test_the_bar_is_closed_by_key_and_gives_the_room_back(page: Page, address: str) -> None:
    page.goto(f"{address}/articles/pricing/")
    close = page.get_by_role("button", name="Close this bar")
    expect(close).to_be_visible()
    page.wait_for_function("() => document.body.style.paddingBlockEnd !== ''")
    height = page.evaluate("document.body.scrollHeight")
    close.focus()
    page.keyboard.press("Enter")
    expect(page.locator("obverse-bar")).to_have_count(0)
    assert page.evaluate("document.body.scrollHeight") < height
    assert page.evaluate("document.body.getAttribute('style') || ''") == ""
    page.reload()
    expect(close).to_be_visible()  # it was put aside for that page only, and nothing was kept
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


# The door.


def test_a_person_comes_in_by_password_and_by_link_and_goes(desk: Desk, page: Page, address: str) -> None:
    page.goto(f"{address}/inbox/help")
    page.get_by_label("E-mail").fill(ANN)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Address and password do not go together.")
    expect(page.get_by_label("E-mail")).to_have_value(ANN)
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/inbox/help")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{address}/inbox/login")
    page.goto(address + make_link(desk.house, desk.ann, 5))
    expect(page.locator("button:focus")).to_have_count(1)  # by itself, and soon after the page is there
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/inbox/")


def test_the_door_works_without_scripts(browser: Browser, desk: Desk, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/inbox/")
    page.get_by_label("E-mail").fill(ANN)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{address}/inbox/")
    page.goto(f"{address}/inbox/sessions")
    page.get_by_label("Password until now").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("another good sentence")
    page.get_by_label("The new one once more").fill("another good sentence")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The new password holds.")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [1440, 360])
def test_axe_finds_nothing_at_the_door(desk: Desk, page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    paths = ["/inbox/login", make_link(desk.house, desk.ann, 5), "/inbox/enter/old"]
    found: dict[str, Any] = {}
    for path in paths:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address + path)
            page.evaluate(Axe().axe_script)
            found[f"{path} {scheme}"] = page.evaluate(AXE)
        found[f"{path} width"] = page.evaluate("document.documentElement.scrollWidth") - width or None
    assert {name: one for name, one in found.items() if one} == {}
