"""Case 72: the link that confirms or withdraws, fetched by a mail scanner. To look shows how it stands, and only a post
changes it; one click withdraws by a post (RFC 8058). And the mail that asks is of no use against a stranger."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from capture.app import create_app
from capture.house import House
from capture.setup import PageRow
from capture.spool import ingest
from capture.store.consents import LASTING, MOST
from capture.store.database import Unavailable
from capture.store.tables import consents, events, inquiries, outbox
from obverse.forms.html import TRAP
from tests.capture.cases.visits import ANSWERS, key, post, receipt_of, stored, visitor
from tests.capture.house import CONTACT, SETTINGS, no_sync, write_release
from tests.capture.optin import (
    ADDRESS,
    FORMS,
    LINK,
    TEXT,
    a_house_that_asks,
    asked,
    link,
    links,
    mailed,
    moved,
    tick,
    times,
    token,
    way_out,
)
from tests.capture.posting import at_once
from tests.capture.proving import TIGHT
from tests.capture.receivers import MailServer, mail_server
from tests.capture.running import MANY, Running, database, let_in, make_root, running

__all__ = ["no_sync"]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
YES, NO = {"do": "confirm"}, {"do": "withdraw"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as one:
        yield one


@pytest.fixture
def house(tmp_path: Path, database_url: str, no_sync: None) -> Iterator[House]:
    with a_house_that_asks(tmp_path, database_url) as one:
        yield one


@pytest.fixture
def posting(tmp_path: Path, sqlite_url: str, server: MailServer, no_sync: None) -> Iterator[House]:
    """One whose mails come to the server."""
    with a_house_that_asks(tmp_path, sqlite_url, server.url) as one:
        yield one


@pytest.fixture
def small(tmp_path: Path, sqlite_url: str, no_sync: None) -> Iterator[House]:
    """The same where the kind of database says nothing."""
    with a_house_that_asks(tmp_path, sqlite_url) as one:
        yield one


def arrived(server: MailServer) -> str:
    """The text of the mail that asks, when it has come."""
    for _ in range(200):
        if mails := server.to(ADDRESS):
            return str(mails[0].message.get_content())
        time.sleep(0.05)
    raise AssertionError("no mail came")


def scan(running: Running, text: str) -> list[int]:
    """What a scanner of mails does: every link of it ten times, by GET and HEAD, ahead and in earnest."""
    paths = [urlsplit(one).path for one in LINK.findall(text)]
    heads = ({}, {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch", "X-Moz": "prefetch"})
    return [
        running.ask(path, method, **heads[number % 3]).status
        for path in paths
        for number in range(10)
        for method in ("GET", "HEAD")
    ]


def kept(root: Path, *columns: sa.Column[Any]) -> tuple[Any, ...]:
    """These columns of the one asking of a running server."""
    with database(root) as opened, opened.read() as connection:
        return tuple(connection.execute(sa.select(*columns)).one())


def standing(root: Path) -> tuple[bool, bool]:
    """Whether it is confirmed, and whether withdrawn."""
    yes, no = kept(root, consents.c.confirmed_at, consents.c.withdrawn_at)
    return bool(yes), bool(no)


def press(running: Running, page: bytes) -> int:
    """What a person's browser does with the one button of the page."""
    found = re.search(rb'<form method="post" action="([^"]+)">.*?name="do" value="(\w+)"', page, re.DOTALL)
    assert found, page
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
    answer = running.ask(found[1].decode(), "POST", b"do=" + found[2], **form)
    assert answer.headers["Location"] == found[1].decode()
    return answer.status


def test_a_scanner_changes_nothing_but_a_button_and_one_click_do(tmp_path: Path, server: MailServer) -> None:
    root = make_root(tmp_path, smtp=server.url)
    write_release(root / ".obverse" / "release", forms=FORMS, settings=MANY)
    let_in(root)
    with running(root) as one:
        assert one.send(email=ADDRESS, news="yes").receipt
        text = arrived(server)
        (path,) = {urlsplit(found).path for found in LINK.findall(text)}
        assert scan(one, text) == [200] * 20
        assert standing(root) == (False, False)
        page = one.ask(path)
        assert {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}.items() <= {
            name.lower(): value for name, value in page.headers.items()
        }.items()
        assert "form-action 'self'" in page.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in page.headers
        assert TEXT in page.body.decode()
        assert press(one, page.body) == 303
        assert standing(root) == (True, False)
        assert scan(one, text) == [200] * 20
        assert standing(root) == (True, False)
        assert b"You have agreed" in one.ask(path).body
        out = f"/_ob/u/{kept(root, consents.c.withdraw_token)[0]}"
        assert scan(one, f"List-Unsubscribe: <https://site.test{out}>".replace(">", " ")) == [200] * 20
        assert standing(root) == (True, False)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert one.ask(out, "POST", "List-Unsubscribe=One-Click", **form).status == 200
        assert standing(root) == (True, True)
        assert b"You have withdrawn it" in one.ask(path).body
        assert path.rpartition("/")[2] not in str(one.told)


def test_the_inquiry_is_told_at_once_and_the_mail_holds_no_word_of_it(posting: House, server: MailServer) -> None:
    tick(posting, name="Ann Winner", message="Do you know spam.example?")
    (text,) = mailed(posting, server)
    assert [len(server.to(who)) for who in ("sales@house.test", ADDRESS)] == [1, 1]
    assert TEXT in text
    assert f"https://site.test{link(posting)}" in text
    whole = server.to(ADDRESS)[0].message.as_string() + text
    assert [one for one in ("spam.example", "Winner") if one in whole] == []
    assert server.to(ADDRESS)[0].message["Auto-Submitted"] == "auto-replied"
    assert "which counts once it is confirmed" in server.to("sales@house.test")[0].message.get_content()


def test_an_address_is_asked_once_a_day_for_a_consent(house: House) -> None:
    for number, address in enumerate(("ann@example.org", "Ann@EXAMPLE.org", "ann@example.org")):
        tick(house, email=address, message=f"Message {number}")
    assert asked(house) == [ADDRESS]
    receipt_of(visitor(house).post("/_ob/f/guide", data={**ANSWERS, **key(), "news": "yes"}))
    assert asked(house) == [ADDRESS, ADDRESS]
    moved(house, days=1)
    tick(house)
    assert len(asked(house)) == 3
    assert [kind for (kind,) in stored(house, events.c.kind)].count("consent-asked") == 3


def test_whoever_never_answers_is_soon_left_alone(small: House) -> None:
    for _ in range(MOST + 2):
        tick(small)
        moved(small, days=1)
    assert len(asked(small)) == MOST
    moved(small, days=30)
    tick(small)
    assert len(asked(small)) == MOST + 1


def test_what_is_confirmed_is_not_asked_again_but_another_sentence_is(house: House, tmp_path: Path) -> None:
    tick(house)
    assert visitor(house).post(link(house), data=YES).status_code == 303
    moved(house, days=1)
    tick(house)
    assert len(asked(house)) == 1
    fields = (*FORMS[0].fields[:-1], replace(FORMS[0].fields[-1], text="I agree to two articles a month."))
    write_release(tmp_path / "release", forms=(replace(FORMS[0], fields=fields),))
    house.releases._looked = None  # as if a second had passed
    tick(house)
    assert len(asked(house)) == 2
    moved(house, days=1)
    paths = links(house)
    visitor(house).post(paths[0], data=NO)
    assert times(house) == [(True, True), (False, True)]


def test_a_box_left_alone_and_a_consent_without_it_ask_nobody(small: House, tmp_path: Path) -> None:
    receipt_of(post(visitor(small), **key()))
    assert stored(small, consents.c.id) == []
    write_release(tmp_path / "release", forms=(CONTACT,))
    small.releases._looked = None
    tick(small, message="By the form as it is now")
    assert asked(small) == []
    tick(small, message="By the page of yesterday", _ob_version=FORMS[0].version)
    assert asked(small) == [ADDRESS]


def test_a_held_one_asks_nobody_until_it_is_let_in(small: House) -> None:
    tick(small, **{TRAP: "x"})
    assert (asked(small), stored(small, consents.c.id)) == ([], [])
    tick(small, message="Once more, by a person")
    assert asked(small) == [ADDRESS]


def test_out_of_the_spool_it_is_asked_once(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = key()
    with monkeypatch.context() as patched:
        patched.setattr("capture.endpoint.save", _away)
        tick(small, **sent)
        tick(small, **sent)
    assert asked(small) == []
    assert ingest(small) >= 1
    tick(small, **sent)
    assert ingest(small) == 0
    assert asked(small) == [ADDRESS]
    assert len(stored(small, consents.c.id)) == 1


def _away(*_: object) -> None:
    raise Unavailable("away")


def test_whoever_ticked_it_is_told_to_look_for_the_mail(small: House) -> None:
    receipts = [receipt_of(post(visitor(small), **key())), tick(small), tick(small, **{TRAP: "x"})]
    pages = [visitor(small).get(f"/_ob/t/{one}").text for one in receipts]
    assert ["One more step" in page for page in pages] == [False, True, True]  # a held one must not be told by it
    moved(small, hours=2)
    assert "One more step" not in visitor(small).get(f"/_ob/t/{receipts[1]}").text


@pytest.mark.parametrize("address", ["no-reply@example.org", "owner-list@example.org"])
def test_machines_are_not_asked(small: House, address: str) -> None:
    tick(small, email=address)
    assert asked(small) == []


def test_what_is_posted_twice_is_done_once_and_times_stay(house: House) -> None:
    tick(house)
    browser, path = visitor(house), link(house)
    assert [browser.post(path, data=YES).status_code for _ in range(2)] == [303, 303]
    first = stored(house, consents.c.confirmed_at)
    moved(house, hours=1)
    browser.post(path, data=YES)
    assert stored(house, consents.c.confirmed_at) == first
    for data, to in ((NO, path), (ONE_CLICK, way_out(house)), (YES, path)):
        browser.post(to, data=data)
    assert times(house) == [(True, True)]
    kinds = [kind for (kind,) in stored(house, events.c.kind) if kind.startswith("consent")]
    assert kinds == ["consent-asked", "consent-confirmed", "consent-withdrawn"]
    assert ADDRESS not in str(stored(house, *events.c))


def test_who_presses_and_sends_many_times_at_once_does_it_once(house: House) -> None:
    at_once(house, [{**ANSWERS, **key(), "news": "yes", "message": f"Number {one}"} for one in range(4)])
    app, path = create_app(house), link(house)
    with ThreadPoolExecutor(4) as people:
        statuses = set(people.map(lambda _: app.test_client().post(path, data=YES).status_code, range(4)))
    assert statuses == {303}
    kinds = [kind for (kind,) in stored(house, events.c.kind) if kind.startswith("consent")]
    assert kinds == ["consent-asked", "consent-confirmed"]


def test_below_a_path_all_addresses_have_it(tmp_path: Path, sqlite_url: str, no_sync: None, server: MailServer) -> None:
    settings = replace(SETTINGS, url="https://site.test/blog", base_path="/blog")
    where = {"address": "https://site.test/blog", "base_path": "/blog"}
    with a_house_that_asks(tmp_path, sqlite_url, server.url, settings=settings, **where) as house:
        browser = visitor(house)
        receipt_of(browser.post("/blog/_ob/f/contact", data={**ANSWERS, **key(), "news": "yes"}))
        path = f"/blog{link(house)}"
        assert f"https://site.test{path}" in mailed(house, server)[0].split()
        assert f'action="{path}"' in browser.get(path).text
        assert browser.post(path, data=YES).headers["Location"] == path


def test_one_click_withdraws_by_a_post_and_looking_does_not(small: House) -> None:
    tick(small)
    browser, path = visitor(small), way_out(small)
    browser.post(link(small), data=YES)
    assert [browser.open(path, method=method).status_code for method in ("GET", "HEAD")] == [200, 200]
    assert times(small) == [(True, False)]
    answer = browser.post(path, data=ONE_CLICK, content_type="multipart/form-data")
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert times(small) == [(True, True)]
    assert browser.post(path, data=ONE_CLICK).status_code == 200


def test_the_address_that_withdraws_can_not_confirm_nor_the_other_be_guessed_by_it(small: House) -> None:
    tick(small)
    browser, out = visitor(small), way_out(small)
    assert b"Yes, I agree" not in browser.get(out).data
    assert browser.post(out, data=YES).status_code == 400
    assert browser.post(f"/_ob/c/{out.rpartition('/')[2]}", data=YES).status_code == 404
    assert browser.post(link(small), data={}).status_code == 400
    assert times(small) == [(False, False)]
    ids = {one for column in (consents.c.id, outbox.c.id, events.c.subject) for (one,) in stored(small, column)}
    assert ids.isdisjoint({token(small), token(small, consents.c.withdraw_token)})


def test_a_link_runs_out_but_what_was_confirmed_does_not(small: House) -> None:
    tick(small)
    tick(small, email="bob@example.org")
    browser = visitor(small)
    first, second = links(small)
    browser.post(second, data=YES)
    moved(small, days=LASTING.days)
    assert browser.get(first).status_code == 410
    assert browser.post(first, data=YES).status_code == 410
    assert browser.get(second).status_code == 200
    assert times(small) == [(False, False), (True, False)]


def test_what_names_nothing_is_a_friendly_page(small: House) -> None:
    browser = visitor(small)
    for path in (f"/_ob/c/{'0' * 32}", "/_ob/c/short", f"/_ob/u/{'0' * 32}"):
        for answer in (browser.get(path), browser.post(path, data=YES)):
            assert answer.status_code == 404
            assert "Please copy all of it from the mail" in answer.text
            assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert browser.put(f"/_ob/c/{'0' * 32}").status_code == 405
    assert browser.post(f"/_ob/c/{'0' * 32}", data={"do": "x" * 5000}).status_code == 413


def test_a_page_of_another_site_presses_no_button(small: House) -> None:
    tick(small)
    for origin, status in (
        ("https://evil.test", 403),
        ("https://site.test.evil.test", 403),
        ("https://site.test", 303),
    ):
        answer = visitor(small).post(link(small), data=YES, headers={"Origin": origin})
        assert answer.status_code == status, origin


def test_buttons_are_counted_where_forms_are(tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    with a_house_that_asks(tmp_path, sqlite_url, settings=TIGHT) as house:
        tick(house)
        browser = visitor(house)
        answers = [browser.post(f"/_ob/c/{'0' * 32}", data=YES) for _ in range(7)]
        assert [one.status_code for one in answers] == [404] * 6 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert browser.post(link(house), data=YES).status_code == 429
        assert browser.get(link(house)).status_code == 200
        moved(house, minutes=10)
        assert browser.post(link(house), data=YES).status_code == 303


def test_while_the_database_is_away_the_page_says_so(small: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tick(small)
    path = link(small)
    monkeypatch.setattr("capture.consents._found", _away)
    for answer in (visitor(small).get(path), visitor(small).post(path, data=YES)):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0


def test_programs_are_told_the_same(small: House) -> None:
    tick(small)
    head = {"Accept": "application/json"}
    browser = visitor(small)
    looked = browser.get(link(small), headers=head).json
    assert (looked["state"], looked["text"], looked["confirmed_at"]) == ("asked", TEXT, None)
    done = browser.post(link(small), data=YES, headers=head)
    assert (done.status_code, done.json["state"]) == (200, "confirmed")
    assert ADDRESS not in done.text
    assert browser.get(f"/_ob/c/{'0' * 32}", headers=head).json["code"] == "unknown-consent"


def test_mail_and_page_speak_the_language_of_the_form(posting: House, server: MailServer, tmp_path: Path) -> None:
    fields = (*FORMS[1].fields[:-1], replace(FORMS[1].fields[-1], text="Ja, einmal im Monat."))
    write_release(tmp_path / "release", forms=(FORMS[0], german := replace(FORMS[1], fields=fields)))
    posting.releases._looked = None
    tick(posting, _ob_version=german.version)
    assert stored(posting, consents.c.lang, consents.c.rules, consents.c.words) == [("de", german.rules, german.words)]
    assert "Ja, einmal im Monat." in mailed(posting, server)[0]
    assert '<html lang="de">' in visitor(posting).get(link(posting)).text


def test_what_was_agreed_to_stays_as_it_was_shown(small: House, tmp_path: Path) -> None:
    tick(small)
    fields = (*FORMS[0].fields[:-1], replace(FORMS[0].fields[-1], text="I agree to anything."))
    write_release(tmp_path / "release", forms=(replace(FORMS[0], fields=fields),), pages=(PageRow("a.md", "/a/", "A"),))
    small.releases._looked = None
    page = visitor(small).get(link(small)).text
    assert TEXT in page
    assert "anything" not in page


def test_the_inquiry_is_no_other_by_it(small: House) -> None:
    tick(small)
    before = stored(small, *inquiries.c)
    visitor(small).post(link(small), data=YES)
    assert stored(small, *inquiries.c) == before
