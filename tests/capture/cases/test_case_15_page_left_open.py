"""Case 15: a page that was left open for twenty hours is sent: accepted, never "expired, start again"."""

from __future__ import annotations

from pathlib import Path

from capture.store.tables import inquiries
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import CONTACT, Clock, a_house


def test_twenty_hours_later_it_is_taken(tmp_path: Path) -> None:
    own = {**key(), "_ob_version": CONTACT.version, "_ob_elapsed": str(20 * 3600 * 1000)}
    with a_house(tmp_path) as house:
        assert isinstance(house.now, Clock)
        house.now.move(hours=20)
        assert (receipt_of(post(visitor(house), **own)),) in stored(house)
        assert stored(house, inquiries.c.held) == [(False,)]
