"""Case 11: a double click, a reload, the back button, a browser's own retry. One inquiry, the same answer."""

import pytest

from capture.house import House
from capture.store.tables import inquiries, outbox, submissions
from tests.capture.posting import ANSWERS, FORM, KEY, at_once, client, clock, count


@pytest.mark.parametrize("own", [KEY, {}], ids=["script", "no script"])
def test_case_11_sent_again_is_one_inquiry_and_the_same_answer(house: House, own: dict[str, str]) -> None:
    sent = {**ANSWERS, **own}
    places = {answer.headers["Location"] for answer in at_once(house, [sent, sent])}
    browser = client(house)
    for seconds in (1, 30, 60):  # reload, the browser's retry, back and send
        clock(house).move(seconds=seconds)
        places.add(browser.post(FORM, data=sent).headers["Location"])
    assert len(places) == 1
    assert browser.get(places.pop()).status_code == 200
    assert count(house, submissions, inquiries, outbox) == [1, 1, 1]
