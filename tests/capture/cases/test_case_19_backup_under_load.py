"""Case 19: a backup while posts come in opens, its counts agree, and once restored the outbox sends nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from capture.backup import pause, rotation
from capture.store.tables import submissions
from obverse.cli import main
from tests.capture.running import database, let_in, make_root, running
from tests.serving import until


def test_what_was_acknowledged_before_it_is_in_it(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    sent: list[str] = []
    over = threading.Event()
    with running(root) as one:

        def visit() -> None:
            while not over.is_set():
                sent.append(one.send().receipt)

        visitors = [threading.Thread(target=visit) for _ in range(4)]
        for visitor in visitors:
            visitor.start()
        until(lambda: len(sent) > 30)
        before = list(sent)
        assert main(["backup", "--root", str(root)]) == 0
        until(lambda: len(sent) > len(before) + 10)
        over.set()
        for visitor in visitors:
            visitor.join()
    (file,) = rotation.backups(root / "var" / "backups")
    assert main(["restore", str(file), "--drill", "--root", str(root)]) == 0
    assert main(["restore", str(file), "--root", str(root)]) == 0
    with database(root) as opened, opened.read() as connection:
        assert set(before) <= set(connection.execute(sa.select(submissions.c.receipt)).scalars()) <= set(sent)
    assert pause.paused(root / "var")
