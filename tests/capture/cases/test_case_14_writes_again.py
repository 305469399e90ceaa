"""Case 14: the same person writes again next day: a new inquiry of the same contact, neither swallowed nor merged."""

from __future__ import annotations

from pathlib import Path

from capture.store.tables import contacts, inquiries, outbox
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import Clock, a_house


def test_the_next_day_is_another_inquiry(tmp_path: Path, database_url: str) -> None:
    """With the same text, even, and without a key: ten minutes are over."""
    with a_house(tmp_path, database_url) as house:
        assert isinstance(house.now, Clock)
        given = set()
        for more in (key(), {}, key()):
            given.add(receipt_of(post(visitor(house), **more, email="Ann@Example.org")))
            house.now.move(days=1)
        assert len(given) == 3
        assert len(stored(house, contacts.c.id)) == 1
        assert len(stored(house, inquiries.c.id)) == 3
        assert len(stored(house, outbox.c.id)) == 3


def test_nobody_is_merged_by_where_they_write_from(tmp_path: Path) -> None:
    """One office, one network, two people."""
    with a_house(tmp_path) as house:
        for email in ("ann@example.org", "bea@example.org", "ann+2@example.org"):
            receipt_of(post(visitor(house), **key(), email=email))
        assert len(stored(house, contacts.c.id)) == 3
