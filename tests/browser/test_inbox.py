"""The inbox in Chromium: axe and reflow on every screen, and what its script adds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from capture.audit.chain import Entry
from capture.audit.kinds import HOUSE
from capture.store import audit, channels, inquiries
from capture.store.inquiries import Query
from capture.store.saving import save
from tests.browser.kinds import watched
from tests.capture.demo import demo_house
from tests.capture.inbox_room import Room, room, served
from tests.capture.samples import make_submission

pytestmark = pytest.mark.browser

RUN = """async (options) => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"], ...options});
  return violations.map((one) => `${one.id}: ${one.help}: `
    + one.nodes.slice(0, 4).map((node) => node.html.slice(0, 120)).join(" | "));
}"""
COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    demo_house(folder).database.close()
    return folder


@pytest.fixture
def desk(full: Path, tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path, like=full) as one:
        yield one


@pytest.fixture
def address(desk: Room) -> Iterator[str]:
    with served(desk.app) as one:
        yield one


def entered(browser: Browser, desk: Room, address: str, **given: Any) -> BrowserContext:
    """A browser that is logged in."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **given})
    context.add_cookies([{"name": desk.cookie, "value": desk.secret, "url": address}])
    return context


@pytest.fixture
def page(browser: Browser, desk: Room, address: str) -> Iterator[Page]:
    """The list, wide, with its script; whatever the browser complains about fails the test."""
    context = entered(browser, desk, address)
    page, watch = watched(context, address)
    page.goto(f"{address}/inbox/")
    yield page
    assert page.evaluate("refused") == []
    assert watch.told() == []
    context.close()


def key_of(desk: Room, text: str) -> str:
    with desk.house.database.read() as connection:
        return inquiries.listing(connection, Query(view="all", text=text, sort="newest")).rows[0].id


def screens(desk: Room) -> dict[str, str]:
    """Name -> path of every screen."""
    marisol, held, won = (key_of(desk, text) for text in ("wholesale", "stoves", "reporting package"))
    return {
        "list": "",
        "held": "?view=held",
        "won": "?view=won&sort=value",
        "found": "?q=hudson&stage=new",
        "nothing": "?q=zebra",
        "pane": f"?open={marisol}",
        "inquiry": f"i/{marisol}",
        "held one": f"i/{held}",
        "told": f"i/{won}?done=won&was=qualified",
        "report": "report",
        "deliveries": "deliveries",
        "help": "help",
        "export": "export",
        "people": "sessions",
        "audit": "audit",
        "missing": "nowhere",
    }


@pytest.mark.parametrize("width", [1440, pytest.param(360, marks=pytest.mark.long)])
def test_axe_finds_nothing_and_nothing_sticks_out(browser: Browser, desk: Room, address: str, width: int) -> None:
    context = entered(browser, desk, address, viewport={"width": width, "height": 800})
    page = context.new_page()
    said: dict[str, Any] = {}
    for name, path in screens(desk).items():
        page.emulate_media(color_scheme="light")
        page.goto(f"{address}/inbox/{path}")
        for one in page.locator("details").all():
            one.evaluate("(details) => { details.open = true; }")
        page.evaluate(Axe().axe_script)
        said[f"{name}, light"] = page.evaluate(RUN, {})
        page.emulate_media(color_scheme="dark")
        said[f"{name}, dark"] = page.evaluate(RUN, COLOUR)
        said[f"{name}, width"] = page.evaluate("document.documentElement.scrollWidth") - width or None
    context.close()
    assert {name: found for name, found in said.items() if found} == {}


def test_a_broken_channel_is_said_so_that_everybody_can_read_it(browser: Browser, desk: Room, address: str) -> None:
    with desk.house.database.write() as connection:
        channels.failed(connection, "mail", "451 4.7.1 try again later", desk.clock(), for_good=True)
    context = entered(browser, desk, address, viewport={"width": 360, "height": 800})
    page = context.new_page()
    said: dict[str, Any] = {}
    try:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(f"{address}/inbox/")
            assert page.get_by_role("alert").inner_text().startswith("Nothing is delivered by Mail since")
            page.evaluate(Axe().axe_script)
            said[scheme] = page.evaluate(RUN, {})
        said["width"] = page.evaluate("document.documentElement.scrollWidth") - 360 or None
    finally:
        context.close()
        with desk.house.database.write() as connection:
            channels.worked(connection, "mail", desk.clock())
    assert {name: found for name, found in said.items() if found} == {}


def test_nothing_sticks_out_at_320_px(browser: Browser, desk: Room, address: str) -> None:
    """Which is also 1280 px enlarged to 400 %."""
    context = entered(browser, desk, address, viewport={"width": 320, "height": 256})
    page = context.new_page()
    wide = {}
    for name, path in screens(desk).items():
        page.goto(f"{address}/inbox/{path}")
        wide[name] = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert {name: width for name, width in wide.items() if width > 320} == {}


def test_targets_are_large_enough_for_a_thumb(browser: Browser, desk: Room, address: str) -> None:
    context = entered(browser, desk, address, viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{address}/inbox/i/{key_of(desk, 'wholesale')}")
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, summary > .button, .menu a")]
          .filter((one) => one.checkVisibility() && !one.matches(".quiet"))
          .filter((one) => one.getBoundingClientRect().height < 40).map((one) => one.outerHTML.slice(0, 80))"""
    )
    context.close()
    assert small == []


def test_an_inquiry_opens_beside_the_list_and_keys_move(page: Page) -> None:
    page.keyboard.press("j")
    expect(page.locator(".row.here .name")).to_have_text("Marisol Brandt")
    page.keyboard.press("Enter")
    expect(page.locator(".pane .title")).to_have_text("Marisol Brandt")
    expect(page).to_have_url(re.compile(r"\?open=[0-9a-f]{32}$"))
    page.keyboard.press("j")
    expect(page.locator(".pane .title")).to_have_text("Abel Ferreira")
    page.keyboard.press("k")
    expect(page.locator(".pane .title")).to_have_text("Marisol Brandt")
    page.go_back()
    expect(page.locator(".pane .title")).to_have_text("Abel Ferreira")
    page.keyboard.press("Escape")
    expect(page.locator(".pane")).to_be_hidden()
    page.keyboard.press("o")
    expect(page.locator(".pane .title")).to_have_text("Abel Ferreira")


def test_a_note_by_keys_and_keys_rest_while_one_types(page: Page, desk: Room) -> None:
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator(".pane .title")).to_have_text("Marisol Brandt")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("jar of honey? ask / no")
    expect(page.locator("#note-text")).to_have_value("jar of honey? ask / no")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".pane .title")).to_have_text("Abel Ferreira")
    page.keyboard.press("k")
    expect(page.locator("#note-text")).to_have_value("jar of honey? ask / no")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".pane .said")).to_contain_text("The note is kept.")
    expect(page.locator(".pane .history")).to_contain_text("jar of honey? ask / no")
    expect(page.locator("#note-text")).to_have_value("")


def test_stage_and_owner_by_keys(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator(".pane .title")).to_have_text("Marisol Brandt")
    page.keyboard.press("a")
    expect(page.locator(".row.opened .c-owner")).to_have_text("Me")
    page.keyboard.press("s")
    expect(page.locator(".step[value=new]")).to_be_focused()
    page.locator(".step", has_text="Won").click()
    page.get_by_label("Value in USD").fill("4,500")
    page.get_by_role("button", name="Mark as won").click()
    expect(page.locator(".pane .standing")).to_contain_text("4,500 USD")
    expect(page.locator(".views a", has_text="Won")).to_contain_text("7")
    expect(page.locator(".row", has_text="Marisol Brandt")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".row", has_text="Marisol Brandt")).to_have_count(1)


def test_a_reply_begins_below_its_greeting(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator(".pane .title")).to_have_text("Marisol Brandt")
    page.keyboard.press("r")
    page.keyboard.type("Thursday at ten?")
    expect(page.locator("#reply-text")).to_have_value(
        "Hello Marisol Brandt,\n\nThursday at ten?\n\nIda Nichols\nNichols WD"
    )
    page.get_by_role("button", name="Send reply").click()
    expect(page.locator(".pane .said")).to_contain_text("The reply is on its way.")
    expect(page.locator(".row", has_text="Marisol Brandt").locator(".c-stage")).to_have_text("Contacted")


def test_a_held_one_is_released_with_one_key(page: Page, address: str) -> None:
    page.goto(f"{address}/inbox/?view=held")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator(".pane .title")).to_have_text("Margit Holub")
    page.keyboard.press("y")
    expect(page.locator(".pane .said")).to_contain_text("Released")
    expect(page.locator(".row", has_text="Margit Holub")).to_have_count(0)


def test_search_and_help_by_keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Take it: you are the owner")
    page.evaluate(Axe().axe_script)
    assert page.evaluate(RUN, {}) == []
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#finder-text")).to_be_focused()
    page.keyboard.type("cider")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("h1")).to_have_text("Inquiries that say “cider”")


def arrive(desk: Room, name: str) -> None:
    desk.clock.move(seconds=20)
    sent = make_submission(values={"name": name, "message": "new"}, received_at=desk.clock())
    with desk.house.database.write() as connection:
        save(connection, sent, [], desk.house.token)


def look(page: Page) -> None:
    """The next turn of the script, now."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_new_inquiry_arrives_by_itself(page: Page, desk: Room) -> None:
    page.mouse.move(5, 5)
    arrive(desk, "Ada Byron")
    look(page)
    expect(page.locator(".row.arrived .name")).to_have_text("Ada Byron")
    expect(page.locator("#live")).to_have_text("1 new inquiry")
    expect(page).to_have_title("(1) Open inquiries – Nichols WD")
    expect(page.locator(".views a", has_text="Open")).to_contain_text("26")
    page.mouse.down()
    expect(page).to_have_title("Open inquiries – Nichols WD")


def test_nothing_moves_under_the_pointer(page: Page, desk: Room) -> None:
    page.locator(".row").nth(3).hover()
    arrive(desk, "Ada Byron")
    arrive(desk, "Bea Crane")
    look(page)
    expect(page.locator(".arrivals")).to_have_text("2 new inquiries")
    expect(page.locator(".row")).to_have_count(25)
    page.locator(".arrivals button").click()
    expect(page.locator(".row")).to_have_count(27)
    expect(page.locator(".arrivals")).to_be_hidden()


def test_everything_works_without_a_script(browser: Browser, desk: Room, address: str) -> None:
    context = entered(browser, desk, address, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/inbox/?view=all&q=marisol")
    page.get_by_role("link", name="Marisol Brandt").first.click()
    expect(page.locator("h1")).to_have_text("Marisol Brandt")
    page.locator(".step", has_text="Qualified").click()
    expect(page.locator(".said")).to_contain_text("Moved to Qualified.")
    page.locator("summary", has_text="Won").click()
    page.get_by_label("Value in USD").fill("12000")
    page.get_by_role("button", name="Mark as won").click()
    expect(page.locator(".standing")).to_contain_text("12,000 USD")
    page.locator("summary", has_text="Note").click()
    page.get_by_label("A note for the house").fill("Signed.")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".history")).to_contain_text("Signed.")
    page.get_by_role("link", name="Inquiries", exact=True).last.click()
    expect(page).to_have_url(f"{address}/inbox/?view=all")
    page.get_by_role("link", name="Report").click()
    expect(page.locator("tr", has_text="The agreement between marketing and sales")).to_contain_text("24,000 USD")
    context.close()


def test_a_phone_opens_a_page_of_its_own(browser: Browser, desk: Room, address: str) -> None:
    context = entered(browser, desk, address, viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{address}/inbox/")
    page.locator(".row").first.tap()
    expect(page.locator("h1")).to_have_text("Marisol Brandt")
    context.close()


def test_paper_has_the_rows_of_the_audit_log_and_no_filters(desk: Room, page: Page, address: str) -> None:
    with desk.house.database.write() as connection:
        audit.append(connection, desk.house.key, Entry(desk.clock(), HOUSE, "outbox.resumed"))
    page.goto(f"{address}/inbox/audit")
    expect(page.get_by_label("Since")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("table.audit tbody tr").first).to_be_visible()
    assert [one for one in page.locator("select, input, button").all() if one.is_visible()] == []
