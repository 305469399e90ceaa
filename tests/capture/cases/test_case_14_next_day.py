"""Case 14: the same person writes again the next day. A new inquiry of the same contact, not swallowed."""

import pytest

from capture.house import House
from capture.store.tables import contacts, inquiries, outbox
from tests.capture.posting import ANSWERS, FORM, client, clock, count


@pytest.mark.parametrize("message", [ANSWERS["message"], "And one more thing"], ids=["same text", "other text"])
def test_case_14_the_next_day_is_a_new_inquiry_of_the_same_contact(house: House, message: str) -> None:
    browser = client(house)
    first = browser.post(FORM, data=ANSWERS)
    clock(house).move(days=1)
    again = {**ANSWERS, "email": ANSWERS["email"].upper(), "message": message}
    second = browser.post(FORM, data=again)
    assert second.status_code == 303
    assert first.headers["Location"] != second.headers["Location"]
    assert count(house, inquiries, contacts, outbox) == [2, 1, 2]
