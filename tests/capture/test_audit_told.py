"""What is told to the audit log: every door of the inbox and every command is told of, or says here why it is not."""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capture import terminal
from capture.access import passwords
from capture.access.sessions import make_link
from capture.audit import command
from capture.audit.chain import Entry, Row, verified
from capture.audit.kinds import BY, HOUSE, KINDS, TERMINAL
from capture.audit.settings import tell_settings
from capture.backup.command import back_up, drill, restore
from capture.backup.rotation import backups
from capture.doctor.examination import _of_the_audit
from capture.doctor.findings import ERROR, WARNING, WELL
from capture.inbox.words import has_word
from capture.keeping.ledger import mark
from capture.run.log import Log
from capture.run.nightly import Nightly
from capture.store import outbox
from capture.store.audit import append, walked
from capture.store.database import Database
from capture.store.saving import save
from capture.store.tables import audit as table
from obverse import cli
from obverse.commands import ENGINE
from tests.capture.desk import ANN, PASSWORD, Desk, a_desk, log_in, token_in
from tests.capture.house import KEY, a_house
from tests.capture.inbox_room import Room, room
from tests.capture.running import make_root
from tests.capture.samples import make_outgoing, make_submission, tokens

# Of every address of the inbox: the kind of row that it writes, or after a "-" why it writes none.
DOORS = {
    "access.change": "password.set",
    "access.end": "sessions.ended",
    "access.log_in": "signin",
    "access.logout": "signout",
    "access.use": "signin",
    "access.login": "- shows a form",
    "access.enter": "- shows a form",
    "access.own": "- shows one's own sessions, and who else may come in",
    "inbox.audit_csv": "audit.exported",
    "inbox.audit_json": "audit.exported",
    "inbox.audit_page": "- shows what is told",
    "inbox.changes": "- counts",
    "inbox.deliveries": "- looking: who was signed in is told",
    "inbox.export": "- shows a form",
    "inbox.export_csv": "inquiries.exported",
    "inbox.export_json": "inquiries.exported",
    "inbox.file": "file.downloaded",
    "inbox.help_page": "- shows the keys",
    "inbox.inquiry": "- looking: who was signed in is told",
    "inbox.listing": "- looking: who was signed in is told",
    "inbox.missing": "- refuses",
    "inbox.note": "- an event of the inquiry",
    "inbox.owner": "- an event of the inquiry",
    "inbox.release": "inquiry.released",
    "inbox.release_held": "inquiry.released",
    "inbox.replay": "outbox.replayed",
    "inbox.reply": "- an event of the inquiry",
    "inbox.report": "- numbers",
    "inbox.stage": "- an event of the inquiry",
    "inbox.static": "- the look",
}

# The same of every command that knows of inquiries.
COMMANDS = {
    "serve": "user.added",
    "run": "settings.changed",
    "inquiries list": "inquiries.exported",
    "inquiries show": "- looking at one",
    "inquiries stage": "- an event of the inquiry",
    "inquiries note": "- an event of the inquiry",
    "inquiries export": "inquiries.exported",
    "contacts export": "contact.exported",
    "contacts erase": "contact.erased",
    "retention": "retention.run",
    "users add": "user.added",
    "users password": "password.set",
    "users remove": "user.removed",
    "users list": "- who may log in is no secret of visitors",
    "report": "- numbers",
    "backup": "backup.made",
    "restore": "backup.restored",
    "outbox resume": "outbox.resumed",
    "outbox replay": "outbox.replayed",
    "audit": "audit.exported",
    "doctor": "- looks, and writes nothing",
    "release push": "- copies a build into a folder, which holds nobody's data; what it sets is seen by `run`",
}


def rows(database: Database) -> list[Row]:
    with database.read() as connection:
        return list(walked(connection))


def last(database: Database) -> tuple[str, str, str, str, dict[str, Any]]:
    found = rows(database)
    assert verified(found, KEY).broken == ""
    return (found[-1].actor, found[-1].kind, found[-1].about, found[-1].subject, json.loads(found[-1].facts))


def commands(parser: argparse.ArgumentParser, before: str = "") -> Iterator[str]:
    nested = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not nested:
        yield before
    for one in nested:
        for name, inner in one.choices.items():
            yield from commands(inner, f"{before} {name}".strip())


def test_no_door_of_the_inbox_was_forgotten(demo: Room) -> None:
    known = {one.endpoint for one in demo.app.url_map.iter_rules() if one.rule.startswith("/inbox")}
    assert known == DOORS.keys(), "is it told of? Then say of what kind; else say why not"
    assert {one for one in DOORS.values() if not one.startswith("- ")} <= KINDS.keys()


def test_no_command_was_forgotten() -> None:
    engine = {one.name for one in ENGINE}
    known = {one for one in commands(cli.parser()) if one.split()[0] not in engine}
    assert known == COMMANDS.keys(), "is it told of? Then say of what kind; else say why not"
    assert {one for one in COMMANDS.values() if not one.startswith("- ")} <= KINDS.keys()


def test_every_kind_has_a_word() -> None:
    assert [kind for kind in KINDS if not has_word(f"audit.kind.{kind}")] == []


# The door.


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "METHOD", "scrypt:1024:8:1")


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path) as one:
        yield one


def test_who_comes_and_goes_is_told(desk: Desk) -> None:
    database = desk.house.database
    browser = desk.logged_in()
    assert last(database) == (desk.ann, "signin", "user", desk.ann, {"by": "password"})
    browser.post("/inbox/logout", data={"_csrf": token_in(browser.get("/inbox/"))})
    assert last(database) == (desk.ann, "signout", "user", desk.ann, {})
    link = make_link(desk.house, desk.ann, 5)
    browser.post(link, data={"_csrf": token_in(browser.get(link))})
    assert last(database) == (desk.ann, "signin", "user", desk.ann, {"by": "link"})
    desk.logged_in()
    browser.post("/inbox/sessions/end", data={"_csrf": token_in(browser.get("/inbox/sessions")), "session": "others"})
    assert last(database) == (desk.ann, "sessions.ended", "user", desk.ann, {"count": 1})
    new = "another coin, two sides"
    given = {"_csrf": token_in(browser.get("/inbox/sessions")), "old": PASSWORD, "new": new, "again": new}
    assert browser.post("/inbox/password", data=given).status_code == 303
    assert [one.kind for one in rows(database)[-2:]] == ["password.set", "signin"]
    assert last(database)[4] == {"by": "new-password"}


def test_who_does_not_get_in_is_told_by_number_alone(desk: Desk) -> None:
    for email in (ANN, "eve@example.org", "mallory@example.org"):
        log_in(desk.browser(), email, "wrong")
    told = [(one.actor, one.kind, one.subject) for one in rows(desk.house.database)]
    assert told == [("", "signin.failed", desk.ann), ("", "signin.failed", "")]
    log_in(desk.browser(), ANN, "wrong")
    desk.logged_in()
    assert last(desk.house.database)[4] == {"by": "password", "failed": 1}
    browser = desk.logged_in()
    desk.clock.move(hours=1)
    given = {"_csrf": token_in(browser.get("/inbox/sessions")), "old": "wrong", "new": "x", "again": "x"}
    assert browser.post("/inbox/password", data=given).status_code == 422
    assert last(desk.house.database)[1:] == ("signin.failed", "user", desk.ann, {"by": "old-password", "tries": 1})


# The inbox.


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("demo")) as one:
        yield one


def posted(demo: Room, path: str) -> int:
    return demo.client().post(path, data={"_csrf": demo.token}).status_code


def found(demo: Room, query: str) -> str:
    with demo.house.database.read() as connection:
        return str(connection.exec_driver_sql(query).scalar_one())


def test_what_is_handed_out_is_told_before_it_goes(demo: Room) -> None:
    client, database = demo.client(), demo.house.database
    total = len(client.get("/inbox/export.json?view=all").json)
    assert last(database) == ("ida", "inquiries.exported", "", "", last(database)[4])
    assert last(database)[4] == {"format": "json", "rows": total, "view": "all", "filters": []}
    client.get("/inbox/export.csv?view=open&q=ada@example.org&owner=ida")
    assert last(database)[4] == {"format": "csv", "rows": 0, "view": "open", "filters": ["text", "owner"]}
    assert "ada@example.org" not in str(rows(database))
    before = len(rows(database))
    client.head("/inbox/export.csv")
    client.get("/inbox/")
    client.get("/inbox/audit")
    assert len(rows(database)) == before


def test_what_is_handed_out_of_the_log_can_be_walked(demo: Room) -> None:
    client, database = demo.client(), demo.house.database
    given = [Row(**one) for one in client.get("/inbox/audit.json").json]
    assert last(database)[1] == "audit.exported"
    assert given == rows(database)
    assert verified(given, KEY).broken == ""
    records = list(csv.reader(io.StringIO(client.get("/inbox/audit.csv").text.removeprefix("\ufeff"))))
    assert records[0] == list(asdict(given[0]))
    assert records[1][8] == given[0].hash
    assert len(client.get("/inbox/audit.json?kind=user.removed").json) == 0


def test_a_release_and_a_delivery_that_goes_again_are_told(demo: Room) -> None:
    held = found(demo, "SELECT min(id) FROM inquiries WHERE held")
    assert posted(demo, f"/inbox/i/{held}/release") == 303
    assert last(demo.house.database) == ("ida", "inquiry.released", "inquiry", held, {})
    before = len(rows(demo.house.database))
    assert posted(demo, f"/inbox/i/{held}/release") == 303
    assert len(rows(demo.house.database)) == before
    dead = found(demo, "SELECT min(id) FROM outbox WHERE state = 'dead'")
    assert posted(demo, f"/inbox/deliveries/{dead}/replay") == 303
    assert last(demo.house.database) == ("ida", "outbox.replayed", "delivery", dead, {"rows": 1})


def test_a_file_that_is_saved_is_told(tmp_path: Path, sqlite_url: str) -> None:
    from tests.capture.cases.uploads import attached, named, send, staff, taking
    from tests.capture.files import PDF

    with taking(tmp_path, sqlite_url) as house:
        send(house, cv=named(PDF, "Ada Byron.pdf"))
        (file,) = attached(house)
        client = staff(house)
        before = len(rows(house.database))
        client.head(f"/inbox/a/{file.id}")
        assert len(rows(house.database)) == before
        assert client.get(f"/inbox/a/{file.id}").status_code == 200
        assert last(house.database)[1:] == ("file.downloaded", "file", file.id, {})
        assert client.get(f"/inbox/a/{'0' * 32}").status_code == 404
        assert len(rows(house.database)) == before + 1


def test_what_visitors_do_is_no_row(tmp_path: Path, sqlite_url: str) -> None:
    from tests.capture.cases.visits import key, post, visitor

    with a_house(tmp_path) as house:
        for _ in range(3):
            assert post(visitor(house), **key()).status_code == 303
        assert rows(house.database) == []


def test_the_page_shows_who_did_what(demo: Room) -> None:
    client = demo.client()
    with demo.house.database.write() as connection:
        for number in range(120):
            at = demo.house.now() + timedelta(seconds=number)
            append(connection, KEY, Entry(at, TERMINAL, "outbox.resumed", facts={"rows": number}))
    page = client.get("/inbox/audit").text
    assert "Let the outbox go on" in page
    assert "rows 119" in page
    assert rows(demo.house.database)[-1].head in page
    assert page.count("<tr>") == 101
    older = client.get(page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")).text
    assert "rows 19" in older
    assert 'rel="prev" href="/inbox/audit"' in older
    narrowed = client.get("/inbox/audit?kind=inquiries.exported&actor=ida").text
    assert "Ida Nichols" in narrowed
    assert "Let the outbox go on</th>" not in narrowed
    for wrong in ("kind=x", "before=x", "before=²", "since=x", "since=9999-99-99"):
        assert client.get(f"/inbox/audit?{wrong}").status_code == 400
    assert client.get("/inbox/audit?since=2031-01-01&actor=%22><script>").status_code == 200
    assert demo.app.test_client().get("/inbox/audit.json").status_code == 303


# The terminal.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site with an inquiry and a delivery that was given up."""
    made = make_root(tmp_path)
    with a_house(made) as house, house.database.write() as connection:
        save(connection, make_submission(), (make_outgoing(),), tokens("audit"))
        outbox.dead(connection, outbox.deliveries(connection)[0].id, "no", datetime.now(UTC))
    return made


@pytest.fixture
def at(root: Path) -> Iterator[Database]:
    database = Database.open("", root / "var")
    yield database
    database.close()


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_people_are_told_by_id(root: Path, at: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, PASSWORD + "\n")
    assert terminal.users_add(root, ANN, "Ann Marlow", False) == 0
    ann = last(at)[3]
    assert last(at) == (TERMINAL, "user.added", "user", ann, {"again": False})
    typed(monkeypatch, PASSWORD + "!\n")
    assert terminal.users_password(root, ANN, False) == 0
    assert last(at)[1:] == ("password.set", "user", ann, {"sessions": 0})
    assert terminal.users_remove(root, ANN, False) == 0
    assert last(at)[1:] == ("user.removed", "user", ann, {})
    assert [word for word in ("ann@", "Marlow", "Ann ") if word in str(rows(at))] == []


def test_the_first_person_begins_a_sealed_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OBVERSE_KEY", raising=False)
    typed(monkeypatch, PASSWORD + "\n")
    assert terminal.users_add(tmp_path, ANN, "", False) == 0
    assert command.verify(tmp_path, "", False) == 0
    database = Database.open("", tmp_path / "var")
    *upgrades, added = rows(database)
    assert {one.kind for one in upgrades} == {"database.upgraded"}
    revisions = [json.loads(one.facts)["to"] for one in upgrades]
    assert revisions == sorted(set(revisions))
    assert added.kind == "user.added"
    database.close()


def test_what_is_handed_out_and_erased_at_the_terminal_is_told(root: Path, at: Database) -> None:
    terminal.inquiries_export(root, "csv", False)
    assert last(at)[4] == {"format": "csv", "rows": 1, "view": "all", "filters": []}
    terminal.inquiries_list(root, "open", "Ada", True, False)
    assert last(at)[4] == {"format": "list", "rows": 1, "view": "open", "filters": ["text"]}
    digest = mark(KEY, "ada@example.org")
    terminal.contacts_export(root, "Ada@example.org", False)
    assert last(at)[1:] == ("contact.exported", "person", digest, {"inquiries": 1, "spool": 0})
    terminal.contacts_erase(root, "ada@example.org", False)
    assert last(at)[1:] == ("contact.erased", "person", digest, {"inquiries": 1, "files": 0, "spool": 0})
    assert "ada@" not in str(rows(at)).lower()


def test_the_outbox_and_retention_are_told(root: Path, at: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.outbox_resume(root)
    assert last(at)[1:] == ("outbox.resumed", "", "", {"rows": 0})
    terminal.outbox_replay(root, "", "2020-01-01", "", "", sent_too=False)
    assert last(at)[1:] == ("outbox.replayed", "", "", {"channel": "", "rows": 1, "sent_too": False})
    with at.read() as connection:
        (delivery,) = outbox.deliveries(connection)
    terminal.outbox_replay(root, delivery.id, "", "", "", sent_too=False)
    assert last(at)[1:] == ("outbox.replayed", "delivery", delivery.id, {"rows": 1})
    with at.write() as connection:
        connection.exec_driver_sql("UPDATE submissions SET received_at = '2020-01-01T00:00:00.000000Z'")
        connection.exec_driver_sql("UPDATE inquiries SET held = 1, touched_at = '2020-01-01T00:00:00.000000Z'")
        connection.exec_driver_sql("DELETE FROM outbox")
    settings = root / "obverse.toml"
    settings.write_text(settings.read_text().replace("[capture]\n", "[capture]\nkeep_held = 9\nkeep_audit = 9\n"))
    monkeypatch.setenv(BY, HOUSE)
    assert terminal.retention(root, False, True, False) == 0
    told = [(one.actor, one.kind, json.loads(one.facts)) for one in rows(at)[-2:]]
    assert told == [
        (HOUSE, "retention.run", {"networks": 1}),
        (HOUSE, "retention.run", {"held": 1, "won": 0, "lost": 0}),
    ]
    with at.write() as connection:
        connection.execute(table.update().where(table.c.number == 1).values(at="2020-01-01T00:00:00.000000Z"))
    assert terminal.retention(root, False, False, False) == 0
    assert (rows(at)[0].number, rows(at)[-1].kind) == (2, "audit.pruned")


def test_what_is_done_at_night_is_the_houses(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = f"import os; open({str(said)!r}, 'w').write(os.environ[{BY!r}])"
    Nightly({"x": ()}, Log(io.StringIO(), lambda: datetime.now(UTC)), lambda: datetime.now(UTC))._ran(
        (sys.executable, "-c", program)
    )
    assert said.read_text() == HOUSE
    assert BY not in os.environ
    assert "audit" in cli._nightly(tmp_path, None)


def test_backups_are_told_and_carry_the_head(root: Path, at: Database, capsys: pytest.CaptureFixture[str]) -> None:
    head = rows(at)[-1].head
    assert back_up(root, "", 0, secrets=True) == 0
    assert f"; audit {head}" in capsys.readouterr().out
    assert last(at)[1] == "backup.made"
    assert (last(at)[4]["head"], last(at)[4]["inquiries"]) == (head, 1)
    (file,) = backups(root / "var" / "backups")
    assert drill(root, file) == 0
    assert last(at)[1] == "backup.drilled"
    left = rows(at)[-1].head
    at.close()
    assert restore(root, file) == 0
    assert command.verify(root, head, False) == 0
    assert last(at)[1] == "backup.restored"
    assert (last(at)[4]["head"], last(at)[4]["left"]) == (head, left)
    assert rows(at)[-1].number == int(head.partition(":")[0]) + 1
    capsys.readouterr()
    assert command.verify(root, left, False) == 1
    assert "was noted as the head" in capsys.readouterr().err


def test_other_settings_are_told_by_name_and_not_by_value(tmp_path: Path, sqlite_url: str) -> None:
    with a_house(tmp_path) as house:
        now = house.now()
        tell_settings(house, "ada:8080", now)
        first = last(house.database)
        assert (first[0], first[1], len(first[4]["names"])) == (HOUSE, "settings.changed", len(first[4]["marks"]))
        tell_settings(house, "ada:8080", now)
        tell_settings(house, "bob:8080", now)
        assert len(rows(house.database)) == 2
        other = replace(house.setup.secrets, smtp="smtp://ada:secret@mail.test:587")
        tell_settings(replace(house, setup=replace(house.setup, secrets=other)), "ada:8080", now)
        assert last(house.database)[4]["names"] == ["secrets.smtp"]
        said = str(rows(house.database))
        assert [word for word in ("ada:8080", "secret@", "hello@house", "Two Sides") if word in said] == []


# Looking.


def test_the_terminal_shows_and_proves_it(root: Path, at: Database, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.outbox_resume(root)
    terminal.inquiries_export(root, "json", False)
    capsys.readouterr()
    assert cli.main(["audit", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "inquiries.exported" in said
    assert f"head {rows(at)[-1].head}" in said
    cli.main(["audit", "--root", str(root), "--kind", "outbox.resumed", "--actor", "terminal", "--since", "2020-01-01"])
    assert "inquiries.exported" not in capsys.readouterr().out
    for wrong, words in (
        (["--kind", "outbox.resume"], "did you mean 'outbox.resumed'"),
        (["--actor", "eve@example.org"], "nobody acts as"),
        (["--since", "x"], "no day and no time"),
        (["verify", "--head", "x"], "a head is a number"),
    ):
        assert cli.main(["audit", "--root", str(root), *wrong]) == 1
        assert words in capsys.readouterr().err
    assert cli.main(["audit", "--json", "--root", str(root)]) == 0
    given = [Row(**one) for one in json.loads(capsys.readouterr().out)]
    assert given == rows(at)
    assert cli.main(["audit", "verify", "--head", given[1].head, "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert f"is whole: {len(given)} rows, 2 among them as it was noted; head {given[-1].head}" in said
    with at.write() as connection:
        connection.execute(table.delete().where(table.c.number == 2))
    assert cli.main(["audit", "verify", "--root", str(root)]) == 1
    assert "row 2 is missing: after 1 comes 3 [audit-broken]" in capsys.readouterr().err


def test_looking_where_nothing_was_done_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.listed(tmp_path, "", "", "", False, False) == 0
    assert command.verify(tmp_path, "", False) == 0
    assert capsys.readouterr().out.count("No audit log yet") == 2
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_says_when_the_chain_is_broken(root: Path, at: Database) -> None:
    def said() -> tuple[str, str]:
        with a_house(root) as house:
            (one,) = _of_the_audit(house)
        return one.state, one.said

    upgrades = len(rows(at))
    assert upgrades
    assert said() == (WELL, f"all {upgrades} rows of the log hang together")
    with at.write() as connection:
        append(connection, "6f" * 32, Entry(datetime.now(UTC), TERMINAL, "outbox.resumed", facts={"rows": 0}))
        append(connection, KEY, Entry(datetime.now(UTC), TERMINAL, "outbox.resumed", facts={"rows": 0}))
    assert said() == (WARNING, "2 rows of the log were sealed with another key than the site's")
    with at.write() as connection:
        connection.execute(table.update().where(table.c.number == 2).values(subject="x"))
    assert said() == (ERROR, "row 2 was changed: its hash is not that of what it says")
