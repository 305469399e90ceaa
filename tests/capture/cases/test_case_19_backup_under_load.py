"""Case 19, what concerns saving: while a backup copies the database, all are stored, and the copy is consistent."""

import itertools
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from capture.app import create_app
from capture.store.database import FILE
from tests.capture.house import a_house
from tests.capture.posting import ANSWERS, FORM
from tests.capture.running import MANY


def test_case_19_a_backup_holds_up_nobody_and_is_consistent(tmp_path: Path, sqlite_url: str) -> None:
    receipts: list[str] = []
    with a_house(tmp_path, sqlite_url, settings=MANY) as house:
        app, over = create_app(house), threading.Event()

        def visit(name: int) -> None:
            browser = app.test_client()
            while not over.wait(0.05):
                answer = browser.post(FORM, data={**ANSWERS, "message": f"{name} {len(receipts)}"})
                receipts.append(answer.headers["Location"].rpartition("/")[2])

        visitors = [threading.Thread(target=visit, args=(name,)) for name in range(3)]
        for one in visitors:
            one.start()
        while len(receipts) < 20:
            time.sleep(0.01)
        before = set(receipts)
        with (
            closing(sqlite3.connect(house.setup.folder / FILE)) as source,
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
        ):
            # In steps, so that visitors come in between: SQLite then begins again, and at last copies the whole.
            began, steps = len(receipts), itertools.count()

            def step(_status: int, _left: int, _total: int) -> None:
                if next(steps) < 8:
                    time.sleep(0.05)

            source.backup(copy, pages=20, progress=step)
            assert len(receipts) > began, "nobody waits for a backup"
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
            assert before <= {one for (one,) in copy.execute("SELECT receipt FROM submissions")}
            tables = ("submissions", "answers", "inquiries", "outbox")
            counts = {copy.execute(f"SELECT count(*) FROM {one}").fetchone() for one in tables}
            assert len(counts) == 1
        over.set()
        for one in visitors:
            one.join()
        assert list(house.spool.glob("*.json")) == []
        with closing(sqlite3.connect(house.setup.folder / FILE)) as stored:
            assert {one for (one,) in stored.execute("SELECT receipt FROM submissions")} == set(receipts)
