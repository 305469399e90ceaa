"""Case 13: the same instance with other text, since a typo was corrected. Both are kept and linked, never refused."""

from capture.house import House
from capture.store.tables import inquiries, outbox, submissions
from tests.capture.posting import ANSWERS, FORM, KEY, at_once, client, count, rows


def test_case_13_a_corrected_text_is_a_linked_follow_up(house: House) -> None:
    browser = client(house)
    first = browser.post(FORM, data={**ANSWERS, **KEY, "message": "What does it cots?"})
    second = browser.post(FORM, data={**ANSWERS, **KEY})
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] != second.headers["Location"]
    kept = {row["receipt"]: row for row in rows(house, submissions)}
    one, two = (kept[answer.headers["Location"].rpartition("/")[2]] for answer in (first, second))
    assert (one["follows"], two["follows"]) == (None, one["id"])
    assert count(house, inquiries, outbox) == [1, 2]


def test_case_13_both_at_the_same_moment_are_linked_too(house: House) -> None:
    answers = at_once(house, [{**ANSWERS, **KEY}, {**ANSWERS, **KEY, "message": "Corrected"}])
    assert [one.status_code for one in answers] == [303, 303]
    assert count(house, inquiries, submissions) == [1, 2]
    assert sorted(bool(row["follows"]) for row in rows(house, submissions)) == [False, True]
