"""Case 19: a backup while posts come in restores to a copy that opens, counts alike and tells nobody again."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture.keeping import backup, commands
from capture.keeping.restore import PAUSED, InUse, drill, restore
from capture.store.database import Database
from capture.store.outbox import claim, deliveries
from capture.store.saving import save
from tests.capture.house import NOW, a_house
from tests.capture.running import let_in, make_root, running
from tests.capture.samples import make_outgoing, make_submission, tokens
from tests.serving import until

LATER = NOW + timedelta(days=1)


@pytest.fixture
def folder(sqlite_url: str, tmp_path: Path) -> Path:
    """A data folder with one inquiry, something to tell, and files in the spool and of a visitor."""
    assert sqlite_url
    with a_house(tmp_path) as house, house.database.write() as connection:
        save(connection, make_submission(), (make_outgoing(),), tokens("backup"))
    for name in ("spool", "uploads/ab"):
        (tmp_path / "var" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "var" / name / "one.json").write_text("{}")
    (tmp_path / "var" / "secrets.toml").write_text('key = "ab"\n')
    return tmp_path / "var"


def made(folder: Path, *, secrets: bool = False) -> Path:
    return backup.back_up(folder, NOW, database=True, secrets=secrets)[0]


def changed(path: Path, **by: bytes | None) -> Path:
    """The same backup with members replaced, or left out."""
    target = path.with_name("changed.tar")
    with tarfile.open(path) as old, tarfile.open(target, "w") as new:
        for member in old:
            held = old.extractfile(member)
            assert held is not None
            body = by.get(member.name.replace("/", "_").replace(".", "_"), held.read())
            if body is not None:
                member.size = len(body)
                new.addfile(member, io.BytesIO(body))
    return target


def receipts(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as raw:
        return {row[0] for row in raw.execute("SELECT receipt FROM submissions")}


def test_a_backup_amid_posts_restores_whole_and_only_with_everything_stopped(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    let_in(root)
    sent: list[str] = []
    over = threading.Event()
    obverse = [sys.executable, "-m", "obverse"]
    with running(root) as one:

        def visit() -> None:
            while not over.is_set():
                sent.append(one.send().receipt)

        visitor = threading.Thread(target=visit)
        visitor.start()
        until(lambda: len(sent) > 5)
        before = set(sent)
        subprocess.run([*obverse, "backup"], cwd=root, check=True, capture_output=True)
        after = set(sent)
        until(lambda: len(sent) > len(after))
        over.set()
        visitor.join(20)
        (file,) = (root / "var" / "backups").glob("*.tar")
        refused = subprocess.run([*obverse, "restore", file], cwd=root, capture_output=True, text=True, check=False)
    assert (refused.returncode, "in use" in refused.stderr) == (1, True), refused.stderr
    assert receipts(root / "var" / "obverse.db") == set(sent)
    subprocess.run([*obverse, "restore", file], cwd=root, check=True, capture_output=True)
    assert before <= receipts(root / "var" / "obverse.db") < set(sent)
    (aside,) = (root / "var").glob("before-restore-*")
    assert receipts(aside / "obverse.db") == set(sent)
    with running(root) as one:
        assert one.send().status == 303


def test_what_was_still_to_be_told_waits_for_a_person(folder: Path) -> None:
    path = made(folder)
    restore(path, folder, LATER, "")
    database = Database.open("", folder)
    with database.write() as connection:
        assert claim(connection, "worker", LATER + timedelta(days=9), 10, timedelta(minutes=1)) == []
        assert [(one.state, one.last_error) for one in deliveries(connection)] == [("dead", PAUSED)]
    database.close()


def test_files_come_back_and_those_that_are_there_stay(folder: Path) -> None:
    path = made(folder, secrets=True)
    (folder / "uploads/ab/one.json").unlink()
    (folder / "secrets.toml").write_text('key = "cd"\n')
    restore(path, folder, LATER, "")
    assert (folder / "uploads/ab/one.json").read_text() == "{}"
    assert (folder / "secrets.toml").read_text() == 'key = "cd"\n'


def test_a_backup_and_all_it_is_made_of_are_for_their_owner_alone(folder: Path) -> None:
    path = made(folder)
    assert [oct(one.stat().st_mode & 0o777) for one in (path, path.parent)] == ["0o600", "0o700"]
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with tarfile.open(path) as tar:
        assert sorted(name for name in tar.getnames() if not name.startswith("releases/")) == [
            "backup.json", "obverse.db", "spool/one.json", "uploads/ab/one.json",
        ]  # fmt: skip


def test_a_drill_changes_nothing(folder: Path) -> None:
    path = made(folder)
    before = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert drill(path, folder, LATER).counts["inquiries"] == 1
    assert {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()} == before


def test_what_is_not_whole_is_refused(folder: Path) -> None:
    path = made(folder)
    cut = path.with_name("cut.tar")
    cut.write_bytes(path.read_bytes()[:-30_000])
    database = bytearray((folder / "obverse.db").read_bytes())
    database[5000:5100] = b"x" * 100
    bad = [cut, changed(path, backup_json=None), changed(path, obverse_db=bytes(database))]
    for one in bad:
        with pytest.raises(backup.NotWhole):
            drill(one, folder, LATER)


def test_counts_that_differ_are_told(folder: Path) -> None:
    path = made(folder)
    with tarfile.open(path) as tar:
        said = tar.extractfile("backup.json")
        assert said is not None
        plain = json.load(said)
    plain["counts"]["inquiries"] += 1
    with pytest.raises(backup.NotWhole, match="rows"):
        drill(changed(path, backup_json=json.dumps(plain).encode()), folder, LATER)


@pytest.mark.parametrize("name", ["../evil", "uploads/../../evil", "/etc/evil", "evil", "spool//x", "uploads/a\\b"])
def test_nothing_is_written_beside_the_folder(folder: Path, name: str) -> None:
    path = folder / "evil.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(backup.NotWhole, match="no backup holds"):
        drill(path, folder, LATER)


def test_a_database_that_is_open_is_not_replaced(folder: Path) -> None:
    path = made(folder)
    database = Database.open("", folder)
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM inquiries").all()
        with pytest.raises(InUse):
            restore(path, folder, LATER, "")
    database.close()
    assert list(folder.glob("before-restore-*")) == []


def test_a_database_that_is_broken_is_replaced(folder: Path) -> None:
    path = made(folder)
    (folder / "obverse.db").write_bytes(b"no database at all" * 500)
    restore(path, folder, LATER, "")
    assert backup.counts(folder / "obverse.db")["inquiries"] == 1


def test_the_last_of_each_day_and_week_stays() -> None:
    hours = [datetime(2026, 11, 30, 23, tzinfo=UTC) - timedelta(hours=12 * n) for n in range(120)]
    kept = sorted(backup.keepers(hours, 3, 2), reverse=True)
    assert [f"{one:%m-%d %H}" for one in kept] == ["11-30 23", "11-29 23", "11-28 23"]
    assert f"{min(backup.keepers(hours, 1, 3)):%m-%d %H}" == "11-22 23"


def test_what_is_too_old_goes_and_other_files_stay(folder: Path) -> None:
    kept = folder / "backups"
    kept.mkdir()
    for name in ("obverse-20260101T000000Z.tar", "obverse-20260102T000000Z.tar", "obverse-mine.tar"):
        (kept / name).touch()
    assert [one.name for one in backup.rotate(folder, daily=1, weekly=1)] == ["obverse-20260101T000000Z.tar"]
    assert sorted(one.name for one in kept.iterdir()) == ["obverse-20260102T000000Z.tar", "obverse-mine.tar"]


def test_a_broken_database_makes_no_backup(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "obverse.db").write_bytes(b"no database at all" * 500)
    (folder / "secrets.toml").unlink()
    assert commands.backup(folder.parent, False, 7, 4) == 1
    assert "no backup was made" in capsys.readouterr().err
    assert list((folder / "backups").iterdir()) == []
