"""Case 3: the disk is full; what cannot be stored is not thanked, the text stays, and all recovers by itself.

The refusals are the system's and SQLite's own: a file that may not grow (RLIMIT_FSIZE), and a database whose pages are
used up (`max_page_count`).
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from capture.house import House
from capture.spool import ingest
from tests.capture.cases.visits import ANSWERS, key, post, receipt_of, stored, visitor
from tests.capture.house import a_house


@contextmanager
def no_room_for_files() -> Iterator[None]:
    """No file of this process may grow beyond a few bytes, as on a disk with nothing left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_room_in_the_database(house: House) -> Iterator[None]:
    """The database may not take one page more."""
    engine = house.database._engine
    house.database.close()

    def limit(raw: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
        raw.execute("PRAGMA max_page_count=1").close()  # type: ignore[attr-defined]  # which means: as many as it has

    sa.event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", limit)
        house.database.close()


def test_a_full_database_leads_to_the_spool_and_back(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        browser = visitor(house)
        given = [receipt_of(post(browser, **key()))]
        with no_room_in_the_database(house):
            given += [receipt_of(post(browser, **key(), message="x" * 3000 + str(one))) for one in range(5)]
            waiting = len(list(house.spool.glob("*.json")))
            assert waiting > 0, "the database was not full"
            assert ingest(house) < waiting
        ingest(house)
        assert list(house.spool.glob("*.json")) == []
        assert {receipt for (receipt,) in stored(house)} == set(given)


def test_a_full_disk_is_told_the_text_stays_and_the_next_try_succeeds(tmp_path: Path) -> None:
    with a_house(tmp_path) as house:
        browser, mine = visitor(house), key()
        with no_room_for_files():
            refused = post(browser, **mine)
            health = browser.get("/healthz")
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "60"
        assert f"{ANSWERS['message']}</textarea>" in refused.text
        assert "mailto:hello@house.test" in refused.text, "another way to reach the house"
        assert health.status_code == 503
        assert stored(house) == []
        assert not list(house.spool.glob("*")), "nothing half written stays"
        assert receipt_of(post(browser, **mine)) == stored(house)[0][0]
        assert browser.get("/healthz").status_code == 200
