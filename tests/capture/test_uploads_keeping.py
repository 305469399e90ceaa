"""Files that came with a form, where people are erased, exported, backed up, restored, and let go of with time."""

from __future__ import annotations

import base64
import os
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from capture import spool, terminal
from capture.backup import archive
from capture.backup.command import restore
from capture.house import House
from capture.keeping import contacts
from capture.keeping.orphans import orphans, sweep
from capture.store import changes, retention
from capture.store.database import Unavailable
from capture.store.retention import Keep
from capture.store.tables import outbox
from tests.capture.cases.uploads import attached, everything, named, on_disk, send, taking
from tests.capture.files import PDF, docx, png
from tests.capture.house import KEY, NOW
from tests.capture.posting import clock

ANN, BOB = "ann@example.org", "bob@example.org"
LATER = NOW + timedelta(hours=1)
CUT = PDF[:-6]  # doubtful, and so held


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with taking(tmp_path, database_url) as house:
        yield house


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with taking(tmp_path, sqlite_url) as house:
        yield house


def away(*_: object) -> None:
    raise Unavailable("away")


def spooled(house: House, data: bytes, **more: str) -> None:
    """What came while the database was away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("capture.endpoint.save", away)
        assert send(house, cv=named(data, "spooled.pdf"), **more).status_code == 303


def test_an_erasure_reaches_them_in_rows_folder_and_spool(house: House) -> None:
    send(house, cv=named(PDF, "ann.pdf"), photo=named(png(), "ann.png"))
    send(house, cv=named(docx(), "bob.docx"), email=BOB)
    spooled(house, PDF)
    spooled(house, docx(), email=BOB)
    folder = house.setup.folder
    assert contacts.erase(house.database, folder, KEY, ANN, LATER) == (1, 1)
    assert [one.name for one in attached(house)] == ["bob.docx"]
    left = on_disk(house)
    assert sorted(left.values()) == [b"", docx(), docx()]
    assert spool.ingest(house) == 1
    assert {one.id for one in attached(house)} == set(on_disk(house))


def test_what_somebody_sends_after_that_stays(small: House) -> None:
    send(small, cv=named(PDF, "old.pdf"))
    clock(small).move(hours=2)
    send(small, cv=named(docx(), "new.docx"))
    contacts.erase(small.database, small.setup.folder, KEY, ANN, LATER)
    assert [one.name for one in attached(small)] == ["new.docx"]
    assert list(on_disk(small).values()) == [docx()]


def test_an_erasure_that_is_killed_midway_is_finished_by_the_next(
    small: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled(small, PDF)

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("capture.keeping.contacts.sync_folder", killed)
        patch.setattr("pathlib.Path.unlink", killed)
        with pytest.raises(Killed):
            contacts.erase(small.database, small.setup.folder, KEY, ANN, LATER)
    contacts.erase(small.database, small.setup.folder, KEY, ANN, LATER)
    assert on_disk(small) == {}


def test_a_person_is_given_their_files(house: House) -> None:
    send(house, cv=named(PDF, "ann.pdf"))
    spooled(house, docx(), name="Ann Later")
    with house.database.read() as connection:
        told = contacts.exported(connection, house.setup.folder, ANN, LATER)
    (kept,) = told["inquiries"][0]["submissions"][0]["files"]
    (waiting,) = told["spool"][0]["attachments"]
    assert (kept["name"], base64.b64decode(kept["content"])) == ("ann.pdf", PDF)
    assert (waiting["name"], base64.b64decode(waiting["content"])) == ("spooled.pdf", docx())
    (house.uploads / kept["id"]).unlink()
    with house.database.read() as connection:
        told = contacts.exported(connection, house.setup.folder, ANN, LATER)
    assert told["inquiries"][0]["submissions"][0]["files"][0]["content"] is None


def test_with_its_inquiry_a_file_is_let_go_of(house: House) -> None:
    send(house, cv=named(PDF, "kept.pdf"))
    send(house, cv=named(CUT, "held.pdf"), email=BOB)
    keep, late = Keep(held=30, networks=0), NOW + timedelta(days=31)
    with house.database.read() as connection:
        due = retention.due(connection, keep, late)
    gone = retention.forget(house.database, keep, due, late)
    assert len(gone.files) == 1
    assert [one.name for one in attached(house)] == ["kept.pdf"]
    assert set(on_disk(house)) - {attached(house)[0].id} == set(gone.files)


def test_the_command_lets_go_of_both(small: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "obverse.toml").write_text('[site]\ntitle = "T"\n[capture]\nkeep_lost = 1\n')
    send(small, cv=named(PDF, "kept.pdf"))
    send(small, cv=named(docx(), "lost.docx"), email=BOB)
    lost = next(one for one in everything(small) if one.row.email == BOB)
    with small.database.write() as connection:
        changes.set_stage(connection, lost.row.id, "lost", reason="silence", actor="", now=NOW - timedelta(days=9))
        connection.execute(outbox.update().values(state="sent"))
    orphan = small.uploads / ("9" * 32)
    orphan.write_bytes(b"left behind")
    os.utime(orphan, (0, 0))
    assert terminal.retention(tmp_path, dry=True, sure=True, preview=False) == 0
    assert "uploads: 1 that no inquiry names would go" in capsys.readouterr().out
    assert len(on_disk(small)) == 3
    assert terminal.retention(tmp_path, dry=False, sure=True, preview=False) == 0
    assert "uploads: 1 that no inquiry names went" in capsys.readouterr().out
    assert [one.name for one in attached(small)] == ["kept.pdf"]
    assert set(on_disk(small)) == {one.id for one in attached(small)}


def test_only_what_nothing_names_and_is_old_is_swept(house: House) -> None:
    send(house, cv=named(PDF, "kept.pdf"))
    spooled(house, PDF)
    for name in ("1" * 32, f".{'2' * 32}.part", "3" * 32, f".{'4' * 32}.part", "notes.txt"):
        (house.uploads / name).write_bytes(b"x")
    young = {"3" * 32, f".{'4' * 32}.part"}
    for path in house.uploads.iterdir():
        if path.name not in young:
            os.utime(path, (0, 0))
    now, folder = NOW, house.setup.folder
    for name in young:
        at = (now - timedelta(hours=23)).timestamp()
        os.utime(house.uploads / name, (at, at))
    before = set(on_disk(house))
    assert {path.name for path in orphans(house.database, folder, now)} == {"1" * 32, f".{'2' * 32}.part"}
    assert set(on_disk(house)) == before
    assert sweep(house.database, folder, now) == 2
    assert set(on_disk(house)) == before - {"1" * 32, f".{'2' * 32}.part"}
    assert spool.ingest(house) == 1
    assert sweep(house.database, folder, now) == 0
    assert {one.id for one in attached(house)} <= set(on_disk(house))


# --- backups ---


def test_a_backup_has_them_and_a_restore_erases_them_again(
    small: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    send(small, cv=named(PDF, "ann.pdf"))
    send(small, cv=named(docx(), "bob.docx"), email=BOB)
    spooled(small, PDF)
    folder, file = small.setup.folder, tmp_path / "kept.tar.gz"
    archive.write(folder, file, LATER, secrets=False)
    assert [path.name for path in folder.glob(".backup.*")] == []
    with archive.opened(file, tmp_path / "proof") as manifest:
        inside = {name.partition("/")[2] for name in manifest.files if name.startswith("uploads/")}
        assert inside == set(on_disk(small))
        (found,) = (one for one in attached(small) if one.name == "ann.pdf")
        assert (tmp_path / "proof" / "uploads" / found.id).read_bytes() == PDF
    contacts.erase(small.database, folder, KEY, ANN, LATER)
    for path in small.uploads.iterdir():
        path.unlink()
    small.database.close()
    assert restore(tmp_path, file) == 0
    assert [one.name for one in attached(small)] == ["bob.docx"]
    assert list(on_disk(small).values()) == [docx()]


def test_what_is_erased_while_a_backup_is_made_does_not_break_it(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    send(small, cv=named(PDF, "ann.pdf"))
    real = archive._packed

    def packed(*given: object) -> object:
        contacts.erase(small.database, small.setup.folder, KEY, ANN, LATER)
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(archive, "_packed", packed)
    manifest = archive.write(small.setup.folder, small.setup.folder.parent / "kept.tar.gz", LATER)
    assert sum(name.startswith("uploads/") for name in manifest.files) == 1
    assert on_disk(small) == {}


@pytest.mark.parametrize("linked", [True, False])
def test_a_backup_does_not_hold_them_in_memory(small: House, monkeypatch: pytest.MonkeyPatch, linked: bool) -> None:
    small.uploads.mkdir()
    with (small.uploads / ("5" * 32)).open("wb") as file:
        file.truncate(10 << 20)

    def refused(*_: object) -> None:
        raise OSError("another disk")

    if not linked:
        monkeypatch.setattr(archive.os, "link", refused)
    tracemalloc.start()
    try:
        manifest = archive.write(small.setup.folder, small.setup.folder.parent / "kept.tar.gz", LATER)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert f"uploads/{'5' * 32}" in manifest.files
