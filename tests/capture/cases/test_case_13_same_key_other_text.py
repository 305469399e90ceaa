"""Case 13: the same key with another text (a typo corrected): both are kept, one as the other's follow-up."""

from __future__ import annotations

from pathlib import Path

from capture.store.tables import inquiries, submissions
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import a_house


def test_a_corrected_text_is_a_follow_up(tmp_path: Path, database_url: str) -> None:
    mine = key()
    with a_house(tmp_path, database_url) as house:
        browser = visitor(house)
        first = receipt_of(post(browser, **mine))
        second = receipt_of(post(browser, **mine, message="What does it cost, please?"))
        assert first != second
        rows = stored(house, submissions.c.receipt, submissions.c.id, submissions.c.follows, submissions.c.inquiry)
        by_receipt = {row[0]: row for row in rows}
        assert by_receipt[second][2] == by_receipt[first][1]
        assert by_receipt[second][3] == by_receipt[first][3]
        assert len(stored(house, inquiries.c.id)) == 1
