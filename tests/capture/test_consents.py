"""Consents that are confirmed by mail: shown to sales, handed out, erased, let go of; and what stays as proof."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from capture import terminal
from capture.app import create_app
from capture.backup import archive
from capture.backup.command import restore
from capture.house import House
from capture.inbox.exports import Outside
from capture.keeping import contacts
from capture.model import LOST_REASONS
from capture.openapi import document
from capture.store import changes, retention
from capture.store.database import Database
from capture.store.inquiries import detail
from capture.store.retention import Keep
from capture.store.tables import consents, inquiries, metadata
from capture.telling import due, whole
from tests.capture.cases.visits import stored, visitor
from tests.capture.house import KEY, NOW, no_sync, write_release
from tests.capture.optin import (
    ADDRESS,
    FORMS,
    TEXT,
    a_house_that_asks,
    askings,
    link,
    links,
    moved,
    sales,
    tick,
    times,
    way_out,
)
from tests.capture.test_openapi import as_declared

__all__ = ["no_sync"]
pytestmark = pytest.mark.usefixtures("no_sync")

YES, NO = {"do": "confirm"}, {"do": "withdraw"}


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with a_house_that_asks(tmp_path, database_url) as one:
        yield one


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """The same where the kind of database says nothing, reached as browsers of tests reach it."""
    with a_house_that_asks(tmp_path, sqlite_url, address="http://localhost") as one:
        yield one


def dump(database: Database) -> str:
    with database.read() as connection:
        found = [[list(row) for row in connection.execute(sa.select(table))] for table in metadata.tables.values()]
    return json.dumps(found, default=str).lower()


def exported(house: House, email: str = ADDRESS) -> dict[str, Any]:
    outside = Outside(house.releases.current(), house.setup.address)
    with house.database.read() as connection:
        return contacts.exported(connection, house.setup.folder, email, house.now(), outside, KEY)


# --- shown and handed out ---


def test_sales_sees_how_it_stands(small: House) -> None:
    browser, visit = sales(small), visitor(small)
    tick(small)
    ((id_,),) = stored(small, inquiries.c.id)
    seen = [browser.get(f"/inbox/i/{id_}").text]
    for data in (YES, NO):
        visit.post(link(small), data=data)
        seen.append(browser.get(f"/inbox/i/{id_}").text)
    for page, said in zip(
        seen,
        ("Asked by mail on Mon 23 Nov, 10:00, not confirmed yet.", "Confirmed by mail on", "Withdrawn on"),
        strict=True,
    ):
        assert said in page
    assert "The visitor withdrew what was agreed to" in seen[-1]
    assert f"Question to {ADDRESS} whether they agree" in seen[0]


def test_what_nobody_was_asked_is_said_too(small: House) -> None:
    tick(small, email="no-reply@example.org")
    ((id_,),) = stored(small, inquiries.c.id)
    assert "Not confirmed: no mail has asked for it yet." in sales(small).get(f"/inbox/i/{id_}").text


def test_an_inquiry_that_came_later_knows_what_was_confirmed_before(small: House) -> None:
    tick(small)
    visitor(small).post(link(small), data=YES)
    moved(small, days=3)
    tick(small, message="Once more")
    first, second = stored(small, inquiries.c.id)
    texts = [sales(small).get(f"/inbox/i/{id_}").text for (id_,) in (first, second)]
    assert [text.count("Confirmed by mail on Mon 23 Nov, 10:00.") for text in texts] == [1, 1]


def test_another_sentence_is_not_confirmed_by_the_one_before(small: House, tmp_path: Path) -> None:
    tick(small)
    visitor(small).post(link(small), data=YES)
    fields = (*FORMS[0].fields[:-1], replace(FORMS[0].fields[-1], text="I agree to two articles a month."))
    write_release(tmp_path / "release", forms=(replace(FORMS[0], fields=fields),))
    small.releases._looked = None  # as if a second had passed
    moved(small, days=1)
    tick(small, message="Once more")
    came = sorted(stored(small, inquiries.c.received_at, inquiries.c.id))
    pages = [sales(small).get(f"/inbox/i/{id_}").text for _, id_ in came]
    assert [("Confirmed by mail" in page, "not confirmed yet" in page) for page in pages] == [
        (True, False),
        (False, True),
    ]
    rows = csv.DictReader(io.StringIO(sales(small).get("/inbox/export.csv").data.decode("utf-8-sig"), newline=""))
    assert sorted(bool(row["Newsletter: List-Unsubscribe"]) for row in rows) == [False, True]


def test_a_table_has_the_address_of_one_click_for_who_agreed(small: House) -> None:
    tick(small)
    tick(small, email="bob@example.org")
    visitor(small).post(links(small)[0], data=YES)
    data = sales(small).get("/inbox/export.csv").data.decode("utf-8-sig")
    rows = {row["E-mail"]: row for row in csv.DictReader(io.StringIO(data, newline=""))}
    out = askings(small, consents.c.withdraw_token)[0][0]
    ann, bob = rows[ADDRESS], rows["bob@example.org"]
    assert ann["Newsletter: state"] == "confirmed 2026-11-23 10:00"
    assert ann["Newsletter: List-Unsubscribe"] == f"http://localhost/_ob/u/{out}"
    assert (bob["Newsletter: state"], bob["Newsletter: List-Unsubscribe"]) == (
        "asked 2026-11-23 10:00, not confirmed",
        "",
    )


def test_json_has_what_was_asked_and_when(small: House) -> None:
    tick(small)
    visitor(small).post(link(small), data=YES)
    ((found,),) = [sales(small).get("/inbox/export.json").json]
    (consent,) = found["submissions"][0]["consents"]
    assert (consent["given"], consent["confirm"]["text"], consent["confirm"]["rules"]) == (True, TEXT, FORMS[0].rules)
    assert consent["confirm"]["confirmed_at"] == "2026-11-23T10:00:00.000000Z"
    assert consent["confirm"]["unsubscribe"] == f"http://localhost{way_out(small)}"
    visitor(small).post(link(small), data=NO)
    (again,) = exported(small)["consents"]
    assert (again["withdrawn_at"] is None, again["unsubscribe"]) == (False, "")


def test_the_terminal_tells_it_too(small: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tick(small)
    ((id_,),) = stored(small, inquiries.c.id)
    with small.database.read() as connection:
        found = detail(connection, id_)
    assert found
    text = whole(found, small.releases.current(), small.now() + timedelta(days=8))
    assert f"yes: {TEXT} (Asked by mail on Mon 23 Nov, 10:00, and never confirmed.)" in text
    assert terminal.inquiries_export(tmp_path, "csv", preview=False) == 0
    assert "Newsletter: state" in capsys.readouterr().out


def test_a_preview_shows_the_mail_with_a_link_to_follow(tmp_path: Path, sqlite_url: str) -> None:
    with a_house_that_asks(tmp_path, sqlite_url, preview=True, address="http://localhost") as house:
        tick(house, name="<b>Ann</b>")
        ((id_,),) = stored(house, consents.c.id)
        page = create_app(house).test_client().get(f"/_ob/mail/{id_}").text
        assert f'<a href="http://localhost{link(house)}">http://localhost{link(house)}</a>' in page
        assert f"“{TEXT}”" in page


def test_answers_of_the_links_are_as_openapi_says(small: House) -> None:
    tick(small)
    described, browser = document(small.releases.current(), ""), visitor(small)
    for accept in ("application/json", "text/html"):
        for path, data in ((link(small), YES), (way_out(small), NO), (way_out(small), {}), (f"/_ob/c/{'0' * 32}", YES)):
            told = described["paths"][f"{path.rpartition('/')[0]}/{{token}}"]
            as_declared(browser.get(path, headers={"Accept": accept}), told["get"], described)
            as_declared(browser.post(path, data=data, headers={"Accept": accept}), told["post"], described)


# --- erased, and let go of ---


def test_an_erasure_takes_the_address_ends_what_stood_and_leaves_the_proof(house: House) -> None:
    tick(house)
    tick(house, email="bob@example.org")
    browser, path = visitor(house), links(house)[0]
    browser.post(path, data=YES)
    moved(house, days=1)
    contacts.erase(house.database, house.setup.folder, KEY, "ANN@example.org", house.now())
    assert ADDRESS not in dump(house.database)
    assert "bob@example.org" in dump(house.database)
    assert times(house) == [(True, True), (False, False)]
    assert "You have withdrawn it" in browser.get(path).text
    (proof,) = exported(house)["consents"]
    assert (proof["text"], proof["confirmed_at"][:10], proof["withdrawn_at"][:10]) == (TEXT, "2026-11-23", "2026-11-24")
    assert exported(house, "stranger@example.org")["consents"] == []
    assert ADDRESS not in json.dumps(proof)


def test_a_link_of_somebody_erased_confirms_nothing(small: House) -> None:
    tick(small)
    path = link(small)
    contacts.erase(small.database, small.setup.folder, KEY, ADDRESS, small.now())
    assert visitor(small).post(path, data=YES).status_code == 410
    assert times(small) == [(False, False)]


def test_a_restored_backup_erases_it_again(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    with a_house_that_asks(tmp_path, sqlite_url) as house:
        tick(house)
        visitor(house).post(link(house), data=YES)
        with house.database.write() as connection:  # as retention does: the contact goes, the consent stands
            ids = [row[0] for row in connection.execute(sa.select(inquiries.c.id))]
            changes.set_stage(connection, ids[0], "lost", actor="", now=NOW, reason=LOST_REASONS[0])
        let_go(house, NOW + timedelta(days=31))
        archive.write(house.setup.folder, tmp_path / "kept.tar.gz", NOW, secrets=False)
        contacts.erase(house.database, house.setup.folder, KEY, ADDRESS, NOW + timedelta(days=40))
    assert restore(tmp_path, tmp_path / "kept.tar.gz") == 0
    database = Database.open(sqlite_url, tmp_path / "var")
    assert ADDRESS not in dump(database)
    database.close()


def test_a_restored_backup_withdraws_it_again_but_not_what_was_agreed_to_anew(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBVERSE_KEY", KEY)
    with a_house_that_asks(tmp_path, sqlite_url) as house:
        browser = visitor(house)
        for address, acts in (("ann@example.org", (YES,)), ("bob@example.org", (YES, NO))):
            tick(house, email=address)
            for data in acts:
                browser.post(links(house)[-1], data=data)
        moved(house, days=1)
        tick(house, email="bob@example.org")
        browser.post(links(house)[-1], data=YES)
        archive.write(house.setup.folder, tmp_path / "kept.tar.gz", NOW, secrets=False)
        moved(house, days=1)
        browser.post(links(house)[0], data=NO)
        assert ADDRESS not in (house.setup.folder / "withdrawals.jsonl").read_text()
    assert restore(tmp_path, tmp_path / "kept.tar.gz") == 0
    with a_house_that_asks(tmp_path, sqlite_url) as house:
        assert times(house) == [(True, True), (True, True), (True, False)]


def test_what_cannot_be_noted_is_withdrawn_all_the_same(small: House) -> None:
    tick(small)
    (small.setup.folder / "withdrawals.jsonl").mkdir()
    visitor(small).post(link(small), data=NO)
    assert times(small) == [(False, True)]


KEEP = Keep(held=30, won=30, lost=30, networks=10)


def let_go(house: House, now: Any) -> retention.Due:
    with house.database.write() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'sent'")
    with house.database.read() as connection:
        chosen = retention.due(connection, KEEP, now)
    retention.forget_askings(house.database, now)
    return retention.forget(house.database, KEEP, chosen, now)


def test_what_stands_outlives_its_inquiry_and_what_does_not_goes_with_it(house: House) -> None:
    for name in ("stands", "withdrawn", "waits"):
        tick(house, email=f"{name}@example.org", message=name)
    browser = visitor(house)
    paths = links(house)
    for number, data in ((0, YES), (1, YES), (1, NO)):
        browser.post(paths[number], data=data)
    with house.database.write() as connection:
        for (id_,) in stored(house, inquiries.c.id):
            changes.set_stage(connection, id_, "lost", actor="", now=NOW, reason="price")
    gone = let_go(house, NOW + timedelta(days=31))
    assert (len(gone.lost), gone.askings) == (3, 1)
    assert askings(house, consents.c.email) == [("stands@example.org",), ("",), ("",)]
    left = dump(house.database)
    assert [name for name in ("stands", "withdrawn", "waits") if f"{name}@example.org" in left] == ["stands"]
    (still,) = exported(house, "stands@example.org")["consents"]
    assert still["unsubscribe"]


def test_an_address_that_confirmed_nothing_goes_after_thirty_days(small: House) -> None:
    tick(small)
    with small.database.read() as connection:
        assert retention.due(connection, Keep(), NOW + timedelta(days=29)).askings == 0
        found = retention.due(connection, Keep(), NOW + timedelta(days=31))
    assert "consents: 1 that nobody confirmed, or that were withdrawn, would go" in due(found, Keep(), "would go")
    retention.forget_askings(small.database, NOW + timedelta(days=31))
    assert stored(small, consents.c.email_key) == [(None,)]
    with small.database.read() as connection:
        assert retention.due(connection, Keep(), NOW + timedelta(days=31)).askings == 0
