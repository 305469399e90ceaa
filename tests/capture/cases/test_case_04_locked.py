"""Case 4: the database is locked by somebody else. Posts wait a little, then go to the spool; none is lost."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.app import create_app
from capture.spool import ingest
from capture.store.database import FILE, Database
from capture.store.tables import submissions
from tests.capture.house import a_house
from tests.capture.running import kept, let_in, make_root, running
from tests.serving import until


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_case_04_posts_wait_a_little_and_go_to_the_spool(tmp_path: Path, sqlite_url: str) -> None:
    patience, receipts, waits = 0.3, [], []
    with a_house(tmp_path, sqlite_url) as made:
        house = replace(made, database=Database.open(sqlite_url, made.setup.folder, patience=patience))
        app = create_app(house)

        def post(number: int) -> None:
            began = time.monotonic()
            given = {"name": "Ann", "email": "ann@visitor.test", "message": str(number)}
            answer = app.test_client().post("/_ob/f/contact", data=given)
            waits.append(time.monotonic() - began)
            assert answer.status_code == 303
            receipts.append(answer.headers["Location"].rpartition("/")[2])

        with locked(house.setup.folder / FILE):
            visitors = [threading.Thread(target=post, args=(number,)) for number in range(12)]
            for one in visitors:
                one.start()
            for one in visitors:
                one.join()
            # Once for those in front and once for all others: never one after the other.
            assert max(waits) < 2 * patience + 2
            assert len(list(house.spool.glob("*.json"))) == 12
            assert ingest(house) == 0
        assert ingest(house) == 12
        with house.database.read() as connection:
            assert sorted(connection.execute(sa.select(submissions.c.receipt)).scalars()) == sorted(receipts)
        house.database.close()


@pytest.mark.long
def test_case_04_a_minute_under_lock_loses_nothing_and_keeps_nobody_for_long(tmp_path: Path) -> None:
    root, waits, receipts = make_root(tmp_path), [], []
    let_in(root)
    with running(root) as one:
        over = threading.Event()

        def visit() -> None:
            while not over.wait(0.3):
                began = time.monotonic()
                receipts.append(one.send().receipt)
                waits.append(time.monotonic() - began)

        visitors = [threading.Thread(target=visit) for _ in range(6)]
        with locked(root / "var" / FILE):
            for visitor in visitors:
                visitor.start()
            time.sleep(60)
        over.set()
        for visitor in visitors:
            visitor.join()
        until(lambda: not list((root / "var" / "spool").glob("*.json")), 60)
    print(f"locked for 60 s: {len(waits)} posts, p99 {sorted(waits)[int(len(waits) * 0.99)]:.2f} s")
    assert max(waits) < 12
    assert sorted(kept(root)) == sorted(receipts)
