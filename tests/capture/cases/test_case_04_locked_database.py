"""Case 4: the database is locked by a backup, an export, VACUUM: posts wait a little, then go to the spool.

In the product a writer waits five seconds; here a fraction of one, and another process holds the lock all the time.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from capture.spool import ingest
from capture.store.database import FILE, Database
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.house import a_house

PATIENCE = 0.3

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_none_is_lost_and_nobody_waits_long(tmp_path: Path) -> None:
    with a_house(tmp_path) as whole:
        file = whole.setup.folder / FILE
        impatient = Database.open(f"sqlite:///{file}", whole.setup.folder, patience=PATIENCE)
        house = replace(whole, database=impatient)
        command = [sys.executable, "-c", HOLD, str(file)]
        with (
            closing(impatient),
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder,
        ):
            assert holder.stdout
            assert holder.stdin
            assert holder.stdout.readline() == "held\n"
            began = time.monotonic()
            with ThreadPoolExecutor(12) as pool:
                sent = [pool.submit(lambda: receipt_of(post(visitor(house), **key()))) for _ in range(12)]
                given = {one.result() for one in sent}
            assert time.monotonic() - began < 20 * PATIENCE
            assert len(given) == 12
            assert stored(house) == []
            assert len(list(house.spool.glob("*.json"))) == 12
            holder.stdin.close()
            holder.wait()
            assert ingest(house) == 12
            assert {receipt for (receipt,) in stored(house)} == given


def test_a_reader_holds_nobody_up(tmp_path: Path) -> None:
    """An export reads in one long transaction."""
    with a_house(tmp_path) as house, closing(sqlite3.connect(house.setup.folder / FILE)) as reader:
        receipt_of(post(visitor(house), **key()))
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM submissions").fetchone() == (1,)
        began = time.monotonic()
        receipt_of(post(visitor(house), **key()))
        assert time.monotonic() - began < 2
        assert len(stored(house)) == 2
