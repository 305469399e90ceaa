"""Case 5: the database's header is broken. The process starts all the same, keeps posts in the spool, and shouts.

When a good database is put in its place, what waited is stored, without a restart.
"""

import os
import shutil
from pathlib import Path

from capture.store.database import FILE
from tests.capture.running import kept, let_in, make_root, running
from tests.serving import until


def test_case_05_a_broken_database_leaves_a_process_that_takes_and_shouts(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    file = root / "var" / FILE
    good = tmp_path / "good.db"
    shutil.copy(file, good)
    with file.open("r+b") as opened:
        opened.write(b"\xff" * 100)
    with running(root) as one:
        until(lambda: any("SQLITE_NOTADB" in told.get("message", "") for told in one.lines("fault")))
        sent = [one.send(message=str(number)) for number in range(3)]
        assert len({answer.receipt for answer in sent}) == 3
        assert one.ask(sent[0].headers["Location"]).status == 200
        assert one.ask("/healthz").status == 503
        assert len(list((root / "var" / "spool").glob("*.json"))) == 3
        os.replace(good, file)
        until(lambda: one.ask("/healthz").status == 200, 30)
        until(lambda: not list((root / "var" / "spool").glob("*.json")), 60)
    assert sorted(kept(root)) == sorted(answer.receipt for answer in sent)
