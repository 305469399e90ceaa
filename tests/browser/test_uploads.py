"""Files on a slow line, in a real browser to a real house: how far they are, stopped and kept, tried again."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, CDPSession, Page, expect

from capture.app import create_app
from capture.house import House
from obverse.forms.html import form_html
from obverse.security import HEADERS, headers
from tests.browser.forms_served import THEME, document, say
from tests.browser.test_axe import SCHEMES, violations
from tests.capture.cases.uploads import CV, FORM, JOB, everything, taking
from tests.capture.files import PDF
from tests.capture.house import SETTINGS
from tests.capture.inbox_room import served

pytestmark = pytest.mark.browser

SIZE = 1_500_000
FORM = replace(FORM, fields=(*FORM.fields[:2], replace(CV, max_size=4_000_000)))
SCRIPTS = ("form.js", "uploads.js")
THANKED = re.compile(r"/_ob/t/[0-9a-f]{32}$")

# Announcements keep four seconds between them, and two pass before another attempt: here clocks go ten times as fast.
HURRIED = """
  const now = performance.now.bind(performance), later = setTimeout;
  performance.now = () => 10 * now();
  window.setTimeout = (what, milliseconds, ...given) => later(what, milliseconds / 10, ...given);
"""


@dataclass
class Line:
    """What lies between the browser and the house: it keeps what was sent, and refuses as often as it is told."""

    inner: Callable[..., Iterable[bytes]]
    bodies: list[bytes] = field(default_factory=list)
    refusals: deque[str] = field(default_factory=deque)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return self.inner(environ, start)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.bodies.append(body)
        if self.refusals:
            start(self.refusals.popleft(), [("Content-Type", "text/plain")])
            return [b"away"]
        return self.inner({**environ, "wsgi.input": BytesIO(body)}, start)

    @property
    def keys(self) -> list[bytes]:
        """The instance keys, in the order in which they came."""
        return [key for body in self.bodies for key in re.findall(rb'name="_ob_instance"\s+(\w+)', body)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with taking(tmp_path_factory.mktemp("house"), "", FORM) as house:
        yield house


@pytest.fixture(scope="module")
def line(house: House) -> Iterator[tuple[str, Line]]:
    app = create_app(house)
    page = document(form_html(FORM, JOB, say) + '<script src="/uploads.js" defer></script>')
    app.add_url_rule("/", "page", lambda: Response(page, headers=HEADERS))
    for name, media in (*((one, "text/javascript") for one in SCRIPTS), ("app.css", "text/css")):
        content = (THEME / "assets" / name).read_bytes()
        app.add_url_rule(f"/{name}", name.replace(".", "-"), lambda c=content, m=media: Response(c, mimetype=m))
    line = Line(app.wsgi_app)
    app.wsgi_app = line  # type: ignore[method-assign]
    with served(app) as address:
        yield address, line


@pytest.fixture
def page(browser: Browser, line: tuple[str, Line]) -> Iterator[Page]:
    context = browser.new_context(locale="de-DE", reduced_motion="reduce")
    page = context.new_page()
    page.add_init_script(HURRIED)
    page.goto(line[0])
    line[1].bodies.clear()
    yield page
    context.close()


def slow(page: Page, speed: int) -> CDPSession:
    """Let so many bytes a second leave the browser, until the session is detached."""
    told = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": speed}
    session = page.context.new_cdp_session(page)
    session.send("Network.emulateNetworkConditions", told)
    return session


def fill(page: Page, email: str) -> None:
    page.locator("[name=name]").fill("Ada")
    page.locator("[name=email]").fill(email)
    content = PDF + b"%" * (SIZE - len(PDF))
    page.locator("[name=cv]").set_input_files([{"name": "cv.pdf", "mimeType": "application/pdf", "buffer": content}])


def sent_by(house: House, email: str) -> list[Any]:
    return [one for one in everything(house) if one.row.email == email]


def test_how_far_it_is_is_shown_and_told_at_times(page: Page, house: House) -> None:
    fill(page, "slow@example.com")
    slow(page, SIZE // 2)
    page.evaluate("""() => {
      window.told = [];
      const status = document.querySelector("[role=status]");
      new MutationObserver(() => window.told.push(status.textContent)).observe(status, {childList: true});
      addEventListener("pagehide", () => { sessionStorage.told = JSON.stringify(window.told); });
    }""")
    page.get_by_role("button", name="Send", exact=True).click()
    bar = page.get_by_role("progressbar", name=say("form.upload"))
    expect(bar).to_be_visible()
    expect(page.locator(".form-upload .help")).to_have_text(re.compile(r"^[1-9]\d?%: [01]\.\d MB of 1\.5 MB$"))
    first = bar.evaluate("bar => bar.value")
    page.wait_for_timeout(400)
    assert 0 < first < bar.evaluate("bar => bar.value") <= 1
    expect(page).to_have_url(THANKED)
    told = page.evaluate("JSON.parse(sessionStorage.told)")
    percents = [int(one) for text in told for one in re.findall(r"(\d+)%", text)]
    assert told[0] == say("form.sending")
    assert 1 <= len(percents) <= 3
    assert percents == sorted(percents)
    assert told[-2:] == [say("form.upload.arrived"), say("form.sent")]
    (one,) = sent_by(house, "slow@example.com")
    assert [file.size for file in one.submissions[0].attachments] == [SIZE]


def test_stopped_it_is_all_still_here_and_sent_once(page: Page, house: House, line: tuple[str, Line]) -> None:
    fill(page, "stopped@example.com")
    session = slow(page, 20_000)
    page.get_by_role("button", name="Send", exact=True).click()
    stop = page.get_by_role("button", name=say("form.upload.stop"))
    stop.click()
    expect(page.get_by_role("status")).to_have_text(say("form.upload.stopped"))
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_focused()
    expect(page.locator("[name=name]")).to_have_value("Ada")
    assert page.locator("[name=cv]").evaluate("one => one.files[0].size") == SIZE
    assert sent_by(house, "stopped@example.com") == []
    session.detach()
    page.wait_for_timeout(600)  # nothing tries again by itself
    assert sent_by(house, "stopped@example.com") == []
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page).to_have_url(THANKED)
    assert len(sent_by(house, "stopped@example.com")) == 1


def test_it_is_tried_again_under_the_same_key(page: Page, house: House, line: tuple[str, Line]) -> None:
    fill(page, "again@example.com")
    line[1].refusals.append("503 Service Unavailable")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("status")).to_have_text(say("form.retry"))
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page).to_have_url(THANKED)
    assert len(line[1].keys) == 2
    assert len(set(line[1].keys)) == 1
    assert len(sent_by(house, "again@example.com")) == 1


def test_what_the_endpoint_refuses_is_said_as_ever(page: Page) -> None:
    page.locator("[name=name]").fill("Ada")
    page.locator("[name=email]").fill("ada@example.com")
    page.locator("[name=cv]").set_input_files([{"name": "cv.pdf", "mimeType": "application/pdf", "buffer": b"none"}])
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".form-summary")).to_be_focused()
    expect(page.locator(".form-summary")).to_contain_text("“cv.pdf” is not a file of a kind that we can take.")


@pytest.mark.long
def test_it_is_sent_to_another_host(browser: Browser, tmp_path: Path) -> None:
    """Whoever asks how far it is has to ask the other host first whether it may send."""
    site = Flask("site", static_folder=str(THEME / "assets"), static_url_path="")
    with served(site) as pages, taking(tmp_path, "", FORM, settings=replace(SETTINGS, url=pages)) as house:
        with served(create_app(house)) as address:
            html = document(form_html(FORM, f"{address}{JOB}", say) + '<script src="/uploads.js" defer></script>')
            site.add_url_rule("/", "page", lambda: Response(html, headers=headers(address)))
            page = browser.new_page()
            page.goto(pages)
            fill(page, "other@example.com")
            page.get_by_role("button", name="Send", exact=True).click()
            expect(page.get_by_role("status")).to_have_text(say("form.sent"))
            page.close()
        assert len(sent_by(house, "other@example.com")) == 1


@pytest.mark.parametrize("width", [360, pytest.param(1280, marks=pytest.mark.long)])
def test_axe_finds_nothing_while_it_is_sent(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    fill(page, "axe@example.com")
    slow(page, 40_000)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".form-upload .help")).to_have_text(re.compile("MB of"))
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme)
        assert violations(page, options) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name=say("form.upload.stop")).click()
