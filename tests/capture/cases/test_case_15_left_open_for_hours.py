"""Case 15: a page left open for twenty hours and then sent is accepted, and never told that it expired."""

from pathlib import Path

import sqlalchemy as sa

from capture.app import create_app
from capture.store.tables import inquiries
from tests.capture.house import CONTACT, Clock, a_house, no_sync

__all__ = ["no_sync"]

HOURS = 20


def test_it_is_stored_and_not_held(tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    sent = {"name": "Ann Example", "email": "ann@example.org", "message": "What does it cost?"}
    own = {"_ob_version": CONTACT.version, "_ob_elapsed": str(HOURS * 3_600_000), "_ob_instance": "ab" * 16}
    with a_house(tmp_path, sqlite_url) as house:
        assert isinstance(house.now, Clock)
        house.now.move(hours=HOURS)
        assert create_app(house).test_client().post("/_ob/f/contact", data={**sent, **own}).status_code == 303
        with house.database.read() as connection:
            assert connection.execute(sa.select(inquiries.c.held)).scalars().all() == [False]
