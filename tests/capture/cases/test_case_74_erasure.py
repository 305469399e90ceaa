"""Case 74: an erasure by e-mail reaches everything, keeps only a digest, leaves reports equal, and holds in backups."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture import spool, terminal
from capture.backup import archive
from capture.backup.command import restore
from capture.keeping import contacts
from capture.keeping.ledger import FILE, Erasure, erasures, mark
from capture.store import changes, inquiries
from capture.store.database import Database
from capture.store.inquiries import Query
from capture.store.reports import per_page
from capture.store.saving import save, thanked
from capture.store.tables import metadata
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens

KEY = "5e" * 32
LATER = NOW + timedelta(hours=1)
ADA = "Ada@Example.org"
SECRETS = ("ada@example.org", "byron", "lovelace", "engine", "192.0.2")


def fill(database: Database, folder: Path) -> list[str]:
    """Ada in every place there is, and Bob; the ids of the inquiries, Ada's two first."""
    token = tokens("erasure")
    ada = {"name": "Ada Byron", "email": "ada@example.org", "message": "The engine?"}
    friend = {"name": "Eve", "email": "eve@example.org", "other": "ADA@EXAMPLE.ORG"}
    bob = {"name": "Bob", "email": "bob@example.com", "message": "I know a person."}
    with database.write() as connection:
        one = save(connection, make_submission(values=ada, extra={"x": ("Lovelace",)}), (make_outgoing(ADA),), token)
        two = save(connection, make_submission(values=friend), (), token)
        other = save(connection, make_submission(values=bob), (make_outgoing(),), token)
        plain = {"actor": "", "now": NOW}
        changes.add_note(connection, one.inquiry, "Byron called.", **plain, token=token)
        changes.add_message(connection, one.inquiry, ADA, "Engine", "Dear Ada Byron", **plain, token=token)
        changes.set_stage(connection, one.inquiry, "won", **plain, value=800_000, currency="EUR")
    waiting = {**ada, "message": "Once more, the engine."}
    spool.keep(folder / "spool", make_submission(values=waiting), ())
    spool.keep(folder / "spool", make_submission(values={**bob, "message": "Later"}), ())
    return [one.inquiry, two.inquiry, other.inquiry]


def dump(database: Database) -> str:
    with database.read() as connection:
        found = [[list(row) for row in connection.execute(sa.select(table))] for table in metadata.tables.values()]
    return json.dumps(found, default=str).lower()


def test_everything_of_a_person_is_gone_and_reports_are_equal(database: Database, tmp_path: Path) -> None:
    ids = fill(database, tmp_path)
    assert all(one in dump(database) for one in SECRETS)
    with database.read() as connection:
        before = per_page(connection, None, None)
    assert contacts.erase(database, tmp_path, KEY, ADA, LATER) == (2, 1)
    left = dump(database)
    assert [one for one in SECRETS if one in left.replace('"192.0.2.0/24"', "", 1)] == []
    assert "bob@example.com" in left
    with database.read() as connection:
        assert per_page(connection, None, None) == before
        assert inquiries.listing(connection, Query(view="all", text="byron")).rows == ()
        found = inquiries.detail(connection, ids[0])
        assert found is not None
        assert (found.row.stage, found.row.value, found.row.name, found.deliveries) == ("won", 800_000, "", ())
        for sent in found.submissions:
            thanks = thanked(connection, sent.receipt)
            assert thanks is not None
            assert thanks.values == {}
    assert len(list((tmp_path / "spool").glob("*.json"))) == 1
    assert contacts.erase(database, tmp_path, KEY, ADA, LATER) == (0, 0)


def test_nothing_is_left_in_the_bytes_of_the_file(sqlite_database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "var"
    fill(sqlite_database, folder)
    contacts.erase(sqlite_database, folder, KEY, ADA, LATER)
    held = b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file()).lower()
    assert b"bob@example.com" in held
    assert [one for one in SECRETS[:4] if one.encode() in held] == []


def test_the_ledger_has_a_digest_and_nothing_else(sqlite_database: Database, tmp_path: Path) -> None:
    contacts.erase(sqlite_database, tmp_path, KEY, ADA, LATER)
    assert erasures(tmp_path) == (Erasure(LATER, mark(KEY, "ada@example.org")),)
    assert mark(KEY, ADA) != mark("6f" * 32, ADA)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"at": "2026')
    contacts.erase(sqlite_database, tmp_path, KEY, "bob@example.com", LATER)
    assert len(erasures(tmp_path)) == 2


def backed_up(folder: Path) -> Path:
    archive.write(folder, folder.parent / "kept.tar.gz", LATER, secrets=False)
    return folder.parent / "kept.tar.gz"


def test_a_restored_backup_erases_again_and_keeps_what_was_written_later(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OBVERSE_KEY", raising=False)
    folder = tmp_path / "var"
    database = Database.open(sqlite_url, folder)
    fill(database, folder)
    contacts.erase(database, folder, KEY, "eve@example.org", LATER)
    late = {"name": "Ada Again", "email": "ada@example.org", "message": "Hello once more"}
    with database.write() as connection:
        save(connection, make_submission(values=late, received_at=LATER + timedelta(days=2)), (), tokens("late"))
    file = backed_up(folder)
    contacts.erase(database, folder, KEY, ADA, LATER + timedelta(days=1))
    database.close()
    before = archive.counted(folder / "obverse.db")
    assert restore(tmp_path, file) == 1
    assert "the key that tells who" in capsys.readouterr().err
    assert (archive.counted(folder / "obverse.db"), list(folder.glob("before-*"))) == (before, [])
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    assert restore(tmp_path, file) == 0
    database = Database.open(sqlite_url, folder)
    left = dump(database)
    database.close()
    assert [one for one in ("engine", "lovelace", "eve@example.org") if one in left] == []
    assert [one for one in ("hello once more", "ada@example.org", "bob@example.com") if one not in left] == []
    assert len(list((folder / "spool").glob("*.json"))) == 1
    assert len(erasures(folder)) == 2


def test_whoever_is_named_only_in_an_answer_is_erased_again(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    folder = tmp_path / "var"
    database = Database.open(sqlite_url, folder)
    values = {"name": "Eve", "email": "eve@example.org", "other": "ada@example.org"}
    with database.write() as connection:
        save(connection, make_submission(values=values), (), tokens("named"))
    file = backed_up(folder)
    contacts.erase(database, folder, KEY, ADA, LATER)
    database.close()
    assert restore(tmp_path, file) == 0
    database = Database.open(sqlite_url, folder)
    assert "ada@example.org" not in dump(database)
    database.close()


def test_a_ledger_comes_with_the_backup(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    folder, other = tmp_path / "var", tmp_path / "other"
    database = Database.open(sqlite_url, folder)
    contacts.erase(database, folder, KEY, ADA, LATER)
    database.close()
    other.mkdir()
    assert restore(other, backed_up(folder)) == 0
    assert erasures(other / "var") == erasures(folder)


def test_the_export_has_all_of_a_person_and_nothing_of_others(database: Database, tmp_path: Path) -> None:
    fill(database, tmp_path)
    with database.read() as connection:
        found = contacts.exported(connection, tmp_path, ADA, LATER)
    text = json.dumps(found).lower()
    assert [len(found["inquiries"]), len(found["spool"])] == [2, 1]
    assert [one for one in (*SECRETS, "byron called", "dear ada", "once more") if one not in text] == []
    assert "bob" not in text


def test_the_commands_say_what_was_done(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OBVERSE_KEY", raising=False)
    database = Database.open(sqlite_url, tmp_path / "var")
    fill(database, tmp_path / "var")
    database.close()
    assert terminal.contacts_erase(tmp_path, ADA, False) == 1
    assert "no key" in capsys.readouterr().err
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    assert terminal.contacts_export(tmp_path, ADA, False) == 0
    assert len(json.loads(capsys.readouterr().out)["inquiries"]) == 2
    assert terminal.contacts_erase(tmp_path, ADA, False) == 0
    assert capsys.readouterr().out.startswith("erased: 2 inquiries, 1 files")
