"""Case 5: the database's file is broken; `obverse run` starts, takes forms into the spool, and says so loudly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture.store.database import FILE
from capture.store.tables import submissions
from tests.capture.running import database, let_in, make_root, running
from tests.serving import until


@pytest.mark.parametrize("harm", ["no header", pytest.param("nothing but noise", marks=pytest.mark.long)])
def test_forms_are_taken_and_stored_when_it_is_mended(tmp_path: Path, harm: str) -> None:
    root = make_root(tmp_path)
    let_in(root)
    file = root / "var" / FILE
    shutil.copy(file, tmp_path / "sound")
    data = file.read_bytes()
    file.write_bytes(b"\0" * 100 + data[100:] if harm == "no header" else b"noise" * 2000)
    with running(root) as one:
        given = [one.send().receipt for _ in range(3)]
        assert one.ask("/healthz").status == 503
        assert b'"database": "unavailable"' in one.ask("/healthz").body
        assert any("the database cannot be used" in told["message"] for told in one.lines("fault"))
        assert len(list((root / "var" / "spool").glob("*.json"))) == 3
        for side in ("-wal", "-shm"):
            file.with_name(FILE + side).unlink(missing_ok=True)
        (tmp_path / "sound").replace(file)  # what a restored backup does
        until(lambda: not list((root / "var" / "spool").glob("*.json")), 40)
        assert one.ask("/healthz").status == 200
    with database(root) as opened, opened.read() as connection:
        assert set(connection.execute(sa.select(submissions.c.receipt)).scalars()) == set(given)
