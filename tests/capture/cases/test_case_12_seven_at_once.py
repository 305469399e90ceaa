"""Case 12: a machine posts the same seven times within 224 ms, without a key. One inquiry, counted, told once."""

from capture.house import House
from capture.store.tables import inquiries, outbox, submissions
from tests.capture.posting import ANSWERS, at_once, client, count, rows


def test_case_12_seven_at_once_are_one_inquiry_told_once(house: House) -> None:
    answers = at_once(house, [ANSWERS] * 7)
    assert [one.status_code for one in answers] == [303] * 7
    assert count(house, inquiries, submissions, outbox) == [1, 1, 1]
    assert rows(house, submissions)[0]["repeats"] == 6
    browser = client(house)
    assert {browser.get(one.headers["Location"]).status_code for one in answers} == {200}
