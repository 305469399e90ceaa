"""An open page in a real browser follows the writer: new text, new styles, problems over it and gone again."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.serving import Served, served, until

pytestmark = pytest.mark.browser

LONG = "\n".join(f"<p>paragraph {number}</p>" for number in range(200))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Served]:
    for name, text in (
        ("content/index.md", "first text"),
        ("content/about.md", "about us"),
        ("templates/app.css", "main { color: rgb(1, 2, 3) }"),
        ("content/favicon.ico", ""),
        ("obverse.toml", ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with served(tmp_path) as one:
        yield one


@pytest.fixture
def page(browser: Browser, desk: Served) -> Iterator[Page]:
    """The home page, open; nothing it says in its console is left unread."""
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(desk.address + "/")
    page.evaluate("window.stayed = true")
    yield page
    page.close()
    assert complaints == []


def comes(page: Page, what: Callable[[], object]) -> None:
    """Wait until something is so in the page. (The page's own policy forbids playwright's way to wait.)"""
    for _ in range(200):
        with suppress(Error):  # the page was just being loaded again
            if what():
                return
        page.wait_for_timeout(50)
    raise AssertionError("it never was so")


def stayed(page: Page) -> bool:
    """Whether the page was not loaded again since it was opened."""
    return bool(page.evaluate("window.stayed === true"))


def colour(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.querySelector('main')).color"))


def test_a_save_shows_by_itself(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "second text")
    expect(page.get_by_text("second text")).to_be_visible()
    desk.write("content/index.md", "third text")
    expect(page.get_by_text("third text")).to_be_visible()


def test_twenty_quick_saves_end_with_the_last(page: Page, desk: Served) -> None:
    for number in range(20):
        desk.write("content/index.md", f"save {number}!")
        page.wait_for_timeout(100)
    expect(page.get_by_text("save 19!")).to_be_visible()


def test_the_place_that_was_read_is_kept(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "long" + LONG)
    expect(page.get_by_text("paragraph 199")).to_be_attached()
    comes(page, lambda: page.evaluate("document.readyState") == "complete")
    page.evaluate("scrollTo(0, 1500)")
    for text in ("longer", "longest"):
        desk.write("content/index.md", text + LONG)
        expect(page.get_by_text(text)).to_be_attached()
        comes(page, lambda: page.evaluate("scrollY") == 1500)
    assert page.evaluate("history.state") is None
    comes(page, lambda: page.evaluate("history.scrollRestoration") == "auto")


def held_back(page: Page, desk: Served, what: str, text: str) -> Route:
    """A long page that is saved and loaded again, but for one thing."""
    held: list[Route] = []
    page.route(what, lambda route: held.append(route))  # noqa: PLW0108 playwright looks inside what it calls
    desk.write("content/index.md", text + LONG)
    expect(page.get_by_text("paragraph 199")).to_be_attached()
    until(lambda: held or page.wait_for_timeout(20))
    return held[0]


def stays(page: Page) -> None:
    """The page comes to rest where its reader went."""
    comes(page, lambda: page.evaluate("history.scrollRestoration") == "auto")
    assert page.evaluate("scrollY") > 500


SLOW = "<img src=/slow.svg>"
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg'/>"


def test_a_reader_who_moves_on_while_pictures_come_is_not_pulled_back(page: Page, desk: Served) -> None:
    picture = held_back(page, desk, "**/slow.svg", SLOW)
    comes(page, lambda: page.mouse.wheel(0, 700) or page.evaluate("scrollY") > 500)
    picture.fulfill(body=PICTURE, content_type="image/svg+xml")
    stays(page)


def test_a_reader_who_moves_on_by_the_scrollbar_is_not_pulled_back(page: Page, desk: Served) -> None:
    picture = held_back(page, desk, "**/slow.svg", SLOW)
    comes(page, lambda: page.evaluate("history.state === null && (scrollTo(0, 700), true)"))
    page.evaluate("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
    picture.fulfill(body=PICTURE, content_type="image/svg+xml")
    stays(page)


def test_a_reader_who_has_moved_on_before_the_script_came_is_not_pulled_back(page: Page, desk: Served) -> None:
    script = held_back(page, desk, "**/_ob/live.js", "long")
    comes(page, lambda: page.mouse.wheel(0, 700) or page.evaluate("scrollY") > 500)
    script.continue_()
    stays(page)


def test_styles_are_swapped_without_loading_the_page_again(page: Page, desk: Served) -> None:
    page.wait_for_timeout(300)
    for blue in (4, 5, 6):
        desk.write("templates/app.css", f"main {{ color: rgb(1, 2, {blue}) }}")
        comes(page, lambda wanted=f"rgb(1, 2, {blue})": colour(page) == wanted)
    expect(page.locator("link[rel=stylesheet]")).to_have_count(1)
    assert stayed(page)
    desk.write("content/index.md", "and then a new text")
    expect(page.get_by_text("and then a new text")).to_be_visible()
    assert colour(page) == "rgb(1, 2, 6)"


def test_styles_under_a_fixed_name_are_swapped_too(page: Page, desk: Served) -> None:
    desk.write("content/plain.css", "main { color: rgb(9, 9, 1) }")
    desk.write("content/plain.html", "<!doctype html><link rel=stylesheet href=plain.css><main>plain</main>")
    until(lambda: desk.get("/plain.html").status == 200)
    page.goto(desk.address + "/plain.html")
    page.evaluate("window.stayed = true")
    page.wait_for_timeout(300)
    for blue in (2, 3):
        desk.write("content/plain.css", f"main {{ color: rgb(9, 9, {blue}) }}")
        comes(page, lambda wanted=f"rgb(9, 9, {blue})": colour(page) == wanted)
    assert stayed(page)


def test_a_page_that_a_build_left_alone_is_left_alone(page: Page, desk: Served) -> None:
    page.wait_for_timeout(300)
    desk.write("content/about.md", "about us, differently")
    until(lambda: "differently" in desk.get("/about/").text)
    page.wait_for_timeout(300)
    assert stayed(page)
    desk.write("content/picture.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    comes(page, lambda: not stayed(page))


def test_the_page_in_view_comes_first_and_is_loaded_once(page: Page, desk: Served) -> None:
    desk.write("content/about.md", "!part")
    until(lambda: "!part" in desk.get("/about/").text)
    page.wait_for_timeout(300)
    serial = desk.state["serial"]
    desk.write("content/index.md", "another text")
    expect(page.get_by_text("another text")).to_be_visible()
    page.evaluate("window.kept = true")
    until(lambda: desk.state["serial"] == serial + 2)  # what was in view, then the rest
    page.wait_for_timeout(300)
    assert page.evaluate("window.kept")


def test_problems_stand_over_the_page_until_they_are_mended(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "fine\n!error <img src=x onerror=alert(1)>")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading")).to_have_text("The site cannot be built: 1 error")
    expect(dialog.get_by_text("content/index.md:2:2")).to_be_visible()
    expect(dialog.get_by_text("this is <b>wrong</b>")).to_be_visible()
    expect(dialog.locator("pre")).to_have_text("!error <img src=x onerror=alert(1)>\n!^")
    expect(dialog.get_by_text("mend it")).to_be_visible()
    expect(dialog.locator("img")).to_have_count(0)
    expect(page.get_by_text("first text")).to_be_attached()
    desk.write("content/index.md", "mended")
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("mended")).to_be_visible()


def test_the_caret_stands_under_its_letter(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "!error x")
    caret = page.locator("obverse-problems .caret")
    expect(caret).to_be_visible()
    at, pre = page.evaluate(
        """() => {
            const pre = document.querySelector("obverse-problems").shadowRoot.querySelector("pre");
            const code = pre.querySelector("code").firstChild;
            const letter = document.createRange();
            letter.setStart(code, 1);
            letter.setEnd(code, 2);
            const mark = document.createRange();
            const last = pre.querySelector(".caret").lastChild;
            mark.selectNodeContents(last);
            return [mark.getBoundingClientRect().left, letter.getBoundingClientRect().left];
        }"""
    )
    assert abs(at - pre) < 1


def test_problems_put_aside_stay_aside_until_they_are_others(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "!error one")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    badge = page.get_by_role("button", name="1 error")
    expect(badge).to_be_visible()
    page.reload()
    expect(badge).to_be_visible()
    expect(dialog).to_be_hidden()
    badge.click()
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    desk.write("content/index.md", "!error one\n!error two")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("listitem")).to_have_count(2)


def test_a_page_opened_while_the_site_is_broken_shows_why(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "!error")
    until(lambda: desk.state["blocked"])
    page.goto(desk.address + "/about/")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_warnings_are_counted_in_the_corner(page: Page, desk: Served) -> None:
    desk.write("content/index.md", "!warning one\n!warning two")
    badge = page.get_by_role("button", name="2 warnings")
    expect(badge).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    badge.click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(2)
    page.keyboard.press("Escape")
    desk.write("content/index.md", "none")
    expect(badge).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_overlay_is_for_everyone(browser: Browser, desk: Served, scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(desk.address + "/")
    desk.write("content/index.md", "!error one\n!warning two")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("heading")).to_be_focused()
    assert broken_rules(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert broken_rules(page) == []
    page.close()


def test_the_page_there_is_before_any_other_heals_itself(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("!error one")
    with served(tmp_path) as desk:
        page = browser.new_page()
        page.goto(desk.address + "/about/")
        expect(page.get_by_role("heading")).to_have_text("The site cannot be built yet")
        assert broken_rules(page) == []
        desk.write("content/index.md", "!error one\n!error two")
        expect(page.get_by_text("2 errors.")).to_be_visible()
        desk.write("content/index.md", "well")
        desk.write("content/about.md", "well, this is us")
        expect(page.get_by_text("well, this is us")).to_be_visible()
        page.close()


def test_a_page_left_open_finds_the_next_server(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("before")
    with served(tmp_path) as desk:
        port = int(desk.address.rpartition(":")[2])
        page = browser.new_page()
        page.goto(desk.address + "/")
        expect(page.get_by_text("before")).to_be_visible()
    (tmp_path / "content/index.md").write_text("written while nobody served")
    with served(tmp_path, port=port):
        expect(page.get_by_text("written while nobody served")).to_be_visible(timeout=15000)
    page.close()


def broken_rules(page: Page) -> list[str]:
    return [f"{found['id']}: {found['nodes'][0]['html']}" for found in Axe().run(page).response["violations"]]
