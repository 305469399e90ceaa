"""Case 3: the disk is full. 503 with Retry-After and the text still in the page; with room again, all goes on.

A database alone that is full leaves the spool. A process that may not lengthen any file (RLIMIT_FSIZE) has neither.
"""

import resource
from pathlib import Path

import sqlalchemy as sa

from capture.app import create_app
from capture.spool import ingest
from capture.store.tables import submissions
from tests.capture.house import a_house
from tests.capture.running import Running, kept, let_in, make_root, running
from tests.serving import until

LONG = "What does it cost? " * 150
ANSWERS = {"name": "Ann", "email": "ann@visitor.test", "message": LONG.strip()}


def may_write(one: Running, size: int) -> None:
    _, hard = resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_case_03_a_full_disk_keeps_the_text_and_recovers_unattended(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    with running(root) as one:
        before = one.send().receipt
        may_write(one, 0)
        refused = one.send(**ANSWERS)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "60")
        assert ANSWERS["message"] in refused.body.decode()
        as_json = one.send(head={"Accept": "application/json"}, **ANSWERS)
        assert (as_json.status, as_json.headers["Content-Type"]) == (503, "application/problem+json")
        assert one.ask("/healthz").status == 503
        assert one.ask("/").status == 200
        until(lambda: any("could be stored nowhere" in told.get("message", "") for told in one.lines("fault")))
        may_write(one, resource.RLIM_INFINITY)
        after = one.send(**ANSWERS).receipt
        assert one.ask("/healthz").status == 200
    assert sorted(kept(root)) == sorted([before, after])


def test_case_03_a_full_database_leaves_the_spool(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path, sqlite_url) as house:

        def grow(pages: int) -> None:
            with house.database.write() as connection:  # one thread, one connection
                connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

        browser = create_app(house).test_client()
        grow(1)  # SQLite takes the least that it can: as many as there are
        answers = [
            browser.post("/_ob/f/contact", data={**ANSWERS, "message": f"{number} {LONG}"[:4000]})
            for number in range(9)
        ]
        assert [one.status_code for one in answers] == [303] * 9
        receipts = {one.headers["Location"].rpartition("/")[2] for one in answers}
        waiting = list(house.spool.glob("*.json"))
        assert waiting
        ingest(house)
        assert sorted(house.spool.glob("*.json")) == sorted(waiting)
        grow(1_000_000)
        assert ingest(house) == len(waiting)
        with house.database.read() as connection:
            assert set(connection.execute(sa.select(submissions.c.receipt)).scalars()) == receipts
