"""A proof of work in Chromium: with scripts nobody notices, without them a person waits; both end with an inquiry."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.middleware.shared_data import SharedDataMiddleware

from capture.app import create_app
from capture.house import House, open_house
from capture.proof import PATIENCE
from capture.setup import Secrets, Setup
from capture.store.tables import answers, submissions
from tests.browser.forms_served import say
from tests.browser.kinds import watched
from tests.browser.test_axe import violations
from tests.capture.cases.visits import stored
from tests.capture.house import KEY, Clock, Tokens
from tests.capture.inbox_room import served

pytestmark = pytest.mark.browser

SENT = re.compile(r"/_ob/t/\w+$")
MESSAGE = "We lose leads between two teams.\nCan you help?"
BUTTON = "form.form button[type=submit]"


@pytest.fixture
def house(starter: Path, site: Path, tmp_path: Path) -> Iterator[House]:
    """A house on the starter's release where the second form of a network in ten minutes needs a proof; one came."""
    assert site.is_dir(), "built"
    release = tmp_path / "release"
    shutil.copytree(starter / ".obverse" / "release", release)
    settings = json.loads((release / "site.json").read_text("utf-8"))
    (release / "site.json").write_text(json.dumps(settings | {"rate": 1}), "utf-8")
    setup = Setup(tmp_path / "var", settings["url"], Secrets(key=KEY), release)
    house = open_house(setup, Clock(), Tokens())
    first = {"name": "Ann", "email": "ann@example.org", "message": "The first one"}
    assert create_app(house).test_client().post("/_ob/f/contact", data=first).status_code == 303
    yield house
    house.database.close()


@pytest.fixture
def address(house: House, site: Path) -> Iterator[str]:
    """The site and its endpoint."""
    app = create_app(house)
    app.wsgi_app = SharedDataMiddleware(app.wsgi_app, {"/": str(site)})  # type: ignore[method-assign]
    with served(app) as one:
        yield one


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose browser complains of nothing but that a proof is asked for."""
    context = browser.new_context(reduced_motion="reduce")
    one, watch = watched(context, address)
    one.clock.install()
    yield one
    refused = one.evaluate("window.refused")
    told = [said for said in watch.told() if "428" not in said]
    context.close()
    assert (told, refused) == ([], [])


def write(page: Page, address: str) -> None:
    """Fill in the form as a person does, who takes some seconds for it."""
    page.goto(f"{address}/contact/index.html")
    for name, text in {"name": "Ada Example", "email": "ada@example.org", "message": MESSAGE}.items():
        page.locator(f"[name={name}]").fill(text)


def kept(house: House) -> list[tuple[str, str]]:
    """What was written in each, as it is stored, and why it is held."""
    messages = [values["message"] for (values,) in stored(house, answers.c["values"])]
    return list(zip(messages, (reasons for (reasons,) in stored(house, submissions.c.held_reasons)), strict=True))


def test_with_scripts_it_is_proved_and_sent_without_a_hand(page: Page, address: str, house: House) -> None:
    write(page, address)
    page.clock.fast_forward(20_000)
    page.locator(BUTTON).click()
    expect(page).to_have_url(SENT, timeout=30_000)
    assert kept(house) == [("The first one", ""), (MESSAGE, "")]


def test_without_scripts_a_person_waits(browser: Browser, address: str, house: House) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    write(page, address)
    page.locator(BUTTON).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("capture.proof.title"))
    expect(page.get_by_role("status").first).to_have_text(say("capture.proof.other", n=PATIENCE.seconds))
    page.locator(BUTTON).click()
    expect(page.locator("[name=message]")).to_have_value(MESSAGE)
    assert len(kept(house)) == 1
    assert isinstance(house.now, Clock)
    house.now.move(seconds=PATIENCE.seconds)
    page.locator(BUTTON).click()
    expect(page).to_have_url(SENT)
    context.close()
    assert kept(house) == [("The first one", ""), (MESSAGE, "waited")]


@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_that_asks_is_fit_for_everybody(page: Page, address: str, house: House, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.route("**/proof*.js", lambda route: route.fulfill(body="", headers={"Cache-Control": "no-store"}))
    write(page, address)
    page.locator(BUTTON).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("capture.proof.title"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page, {}) == []
    page.unroute("**/proof*.js")
    # The number that it carries then does not count, so it does not send itself a second time.
    page.locator("[name=_ob_proof]").evaluate("(field) => { field.value = '1234567'; }")
    page.locator(BUTTON).click()
    expect(page.get_by_role("status").first).to_have_text(say("capture.proof.ready"), timeout=30_000)
    assert violations(page, {}) == []
    assert len(kept(house)) == 1
    page.clock.fast_forward(20_000)
    page.locator(BUTTON).click()
    expect(page).to_have_url(SENT)
    assert kept(house) == [("The first one", ""), (MESSAGE, "")]


def test_who_changes_something_meanwhile_sends_it_themselves(page: Page, address: str, house: House) -> None:
    write(page, address)
    page.clock.fast_forward(20_000)
    # The change comes while the number is looked for: at once when the script has begun.
    page.add_init_script(
        """addEventListener("load", () => {
          if (document.querySelector("[data-challenge]")) {
            const field = document.querySelector("[name=message]");
            field.value = "Something else";
            field.dispatchEvent(new InputEvent("input", {bubbles: true}));
          }
        });"""
    )
    page.locator(BUTTON).click()
    expect(page.get_by_role("status").first).to_have_text(say("capture.proof.ready"), timeout=30_000)
    assert len(kept(house)) == 1
    page.locator(BUTTON).click()
    expect(page).to_have_url(SENT)
    assert kept(house)[-1] == ("Something else", "")
