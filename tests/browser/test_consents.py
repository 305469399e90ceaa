"""The page behind the link of a mail in Chromium, without scripts: a person confirms and withdraws by one button."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from werkzeug.middleware.shared_data import SharedDataMiddleware

from capture.app import create_app
from capture.house import House, open_house
from capture.setup import Secrets, Setup
from capture.store.tables import consents
from tests.browser.kinds import watched
from tests.browser.test_axe import violations
from tests.capture.cases.visits import stored
from tests.capture.house import KEY, Clock, Tokens
from tests.capture.inbox_room import served
from tests.capture.optin import link, times

pytestmark = pytest.mark.browser


@pytest.fixture
def house(starter: Path, site: Path, tmp_path: Path) -> Iterator[House]:
    """A house on the starter's release, where somebody has ordered the letter."""
    assert site.is_dir(), "built"
    setup = Setup(tmp_path / "var", "https://nicholswd.example", Secrets(key=KEY), starter / ".obverse" / "release")
    house = open_house(setup, Clock(), Tokens())
    sent = {"name": "Ann", "email": "ann@example.org", "message": "A question", "letter": "yes"}
    assert create_app(house).test_client().post("/_ob/f/contact", data=sent).status_code == 303
    yield house
    house.database.close()


def test_one_button_confirms_and_then_withdraws_without_a_script(browser: Browser, house: House, site: Path) -> None:
    app = create_app(house)
    app.wsgi_app = SharedDataMiddleware(app.wsgi_app, {"/assets": str(site / "assets")})  # type: ignore[method-assign]
    with served(app) as address:
        context = browser.new_context(java_script_enabled=False, reduced_motion="reduce")
        page, watch = watched(context, address)
        page.goto(address + link(house))
        boxes = []
        for heading, button, state in (
            ("Please confirm", "Yes, I agree", (False, False)),
            ("You have agreed", "Withdraw my consent", (True, False)),
            ("You have withdrawn it", "", (True, True)),
        ):
            expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            expect(page.get_by_text("one article a month by e-mail")).to_be_visible()
            assert times(house) == [state]
            page.reload()
            assert times(house) == [state]
            if button:
                boxes.append(page.get_by_role("button", name=button).bounding_box())
                page.get_by_role("button", name=button).click()
        # A second click on "yes" does not meet the button that withdraws in its place.
        assert boxes[0]["y"] + boxes[0]["height"] < boxes[1]["y"]
        told = watch.told()
        context.close()
        assert told == []
        looking = browser.new_context(reduced_motion="reduce")
        page, _ = watched(looking, address)
        page.goto(address + link(house))
        assert violations(page, {}) == []
        looking.close()
    ((text,),) = stored(house, consents.c.text)
    assert text.startswith("I would like to get one article a month")
