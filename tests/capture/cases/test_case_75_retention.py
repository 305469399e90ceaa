"""Case 75: a dry run says what the real run takes; open deals stay; a clock that is wrong does not take everything."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from capture import terminal
from capture.model import Verdict
from capture.store import changes, retention
from capture.store.database import Database
from capture.store.reports import per_page
from capture.store.retention import Keep
from capture.store.saving import save
from capture.store.tables import contacts, metadata, outbox
from obverse import cli
from tests.capture.samples import NOW, make_outgoing, make_submission, tokens

KEEP = Keep(held=30, won=30, lost=30, networks=10)
LATER = NOW + timedelta(days=31)


def add(database: Database, name: str, stage: str = "new", *, told: bool = True, at: datetime = NOW) -> str:
    token = tokens(name)
    values = {"name": name, "email": f"{name}@example.org", "message": f"{name} asks"}
    with database.write() as connection:
        outgoing = () if told else (make_outgoing(),)
        saved = save(connection, make_submission(values=values, received_at=at), outgoing, token)
        changes.add_note(connection, saved.inquiry, f"{name} noted", actor="", now=at, token=token)
        if stage != "new":
            reason = "price" if stage == "lost" else ""
            changes.set_stage(connection, saved.inquiry, stage, actor="", now=at, reason=reason)
    return saved.inquiry


def dump(database: Database) -> str:
    with database.read() as connection:
        found = [[list(row) for row in connection.execute(sa.select(table))] for table in metadata.tables.values()]
    return json.dumps(found, default=str).lower()


def found(database: Database, now: datetime, keep: Keep = KEEP) -> retention.Due:
    with database.read() as connection:
        return retention.due(connection, keep, now)


def test_what_is_said_to_go_goes_and_reports_are_equal(database: Database) -> None:
    won, lost = add(database, "wanda", "won"), add(database, "lotte", "lost")
    for stage in ("new", "contacted", "qualified"):
        add(database, f"open-{stage}", stage)
    add(database, "untold", "lost", told=False)
    with database.read() as connection:
        before = per_page(connection)
    chosen = found(database, LATER)
    assert (chosen.won, chosen.lost, chosen.networks, chosen.total) == ((won,), (lost,), 6, 6)
    assert retention.forget(database, KEEP, chosen, LATER) == chosen
    retention.forget_networks(database, KEEP, LATER)
    left = dump(database)
    assert [one for one in ("wanda", "lotte", "192.0.2") if one in left] == []
    kept = ("open-new", "open-contacted", "open-qualified", "untold")
    assert [one for one in kept if f"{one}@example.org" not in left] == []
    with database.read() as connection:
        assert per_page(connection) == before
    again = found(database, LATER)
    assert (again.ids, again.networks, again.total) == ((), 0, 4)
    for state, gone in (("stopped", 0), ("sent", 1)):  # what a receiver stopped is still to be told
        with database.write() as connection:
            connection.execute(outbox.update().values(state=state))
        assert len(found(database, LATER).lost) == gone


def test_an_age_is_from_the_last_change_and_nothing_goes_unless_it_is_said(database: Database) -> None:
    add(database, "lotte", "lost")
    assert found(database, NOW + timedelta(days=30)).ids == ()
    assert found(database, LATER, Keep(networks=0)) == retention.Due((), (), (), 0, 1)


def test_what_was_taken_up_again_meanwhile_stays(database: Database) -> None:
    one = add(database, "lotte", "lost")
    chosen = found(database, LATER)
    with database.write() as connection:
        changes.set_stage(connection, one, "qualified", actor="", now=LATER)
    assert retention.forget(database, KEEP, chosen, LATER).ids == ()
    assert "lotte noted" in dump(database)


def test_a_person_who_has_another_inquiry_stays_known(database: Database) -> None:
    add(database, "lotte", "lost")
    values = {"name": "lotte", "email": "lotte@example.org", "message": "Another matter"}
    with database.write() as connection:
        save(connection, make_submission(values=values, received_at=LATER), (), tokens("again"))
    retention.forget(database, KEEP, found(database, LATER), LATER)
    assert "lotte asks" not in dump(database)
    with database.read() as connection:
        assert connection.scalars(sa.select(contacts.c.email_key)).all() == ["lotte@example.org"]


def test_what_is_held_goes_by_its_own_days(sqlite_database: Database) -> None:
    with sqlite_database.write() as connection:
        held = save(connection, make_submission(verdict=Verdict(("links",))), (), tokens("held")).inquiry
    assert found(sqlite_database, LATER, Keep(won=1, lost=1)).ids == ()
    chosen = found(sqlite_database, LATER)
    assert chosen.held == (held,)
    assert retention.forget(sqlite_database, KEEP, chosen, LATER) == chosen
    assert "ada@" not in dump(sqlite_database)


def test_a_wrong_clock_takes_nothing_and_says_so(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "obverse.toml").write_text('[site]\ntitle = "A"\n[capture]\nkeep_lost = 30\n')
    monkeypatch.setattr(terminal, "_now", lambda: NOW + timedelta(days=3650))
    database = Database.open(sqlite_url, tmp_path / "var")
    add(database, "lotte", "lost")
    root = ["--root", str(tmp_path)]
    assert cli.main(["retention", "--dry-run", *root]) == 0
    said = capsys.readouterr().out
    assert said == "lost: 1 inquiries older than 30 days would go\nnetworks: 1 older than 30 days would go\n"
    assert cli.main(["retention", *root]) == 1
    assert "1 of 1 inquiries would go at once" in capsys.readouterr().err
    assert "lotte noted" in dump(database)
    assert cli.main(["retention", "--yes", *root]) == 0
    assert capsys.readouterr().out.startswith(said.splitlines()[0].replace("would go", "went"))
    assert "lotte" not in dump(database)
    database.close()


def test_settings_that_are_wrong_take_nothing(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "obverse.toml").write_text('[site]\ntitle = "A"\n[capture]\nkeep_networks = "long"\n')
    database = Database.open(sqlite_url, tmp_path / "var")
    add(database, "lotte")
    assert cli.main(["retention", "--root", str(tmp_path)]) == 1
    assert "192.0.2.0/24" in dump(database)
    database.close()


def test_it_is_done_every_night(tmp_path: Path) -> None:
    assert cli._nightly(tmp_path, None)["retention"][-3:] == ("retention", "--root", str(tmp_path))
