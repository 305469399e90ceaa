"""Case 15: a page is left open for 20 hours and then sent. It is accepted, and never told to start again."""

import pytest

from capture.house import House
from capture.store.tables import inquiries
from tests.capture.house import CONTACT
from tests.capture.posting import ANSWERS, FORM, KEY, client, clock, rows


@pytest.mark.parametrize("hours", [20, 24 * 30])
def test_case_15_a_page_that_was_open_for_hours_is_accepted(house: House, hours: int) -> None:
    browser = client(house)
    opened = {**KEY, "_ob_version": CONTACT.version, "_ob_page": "contact.md", "_ob_elapsed": str(hours * 3_600_000)}
    clock(house).move(hours=hours)
    assert browser.post(FORM, data={**ANSWERS, **opened}).status_code == 303
    (inquiry,) = rows(house, inquiries)
    assert (inquiry["held"], inquiry["held_reasons"]) == (False, "")
