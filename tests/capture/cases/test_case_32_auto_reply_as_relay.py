"""Case 32: the auto-reply as a relay: no word of theirs, once an address and day, none for held ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from capture.app import create_app
from capture.house import House
from capture.ids import Ids
from capture.outbox.auto_reply import KIND, auto_reply
from capture.outbox.worker import Worker
from capture.secrets import Secrets
from capture.store.changes import release
from capture.store.tables import inquiries, outbox
from obverse.forms.html import TRAP
from tests.capture.cases.visits import ANSWERS, key, post, receipt_of, stored, visitor
from tests.capture.house import CONTACT, CONTACT_DE, GUIDE, KEY, Clock, Tokens, a_house, no_sync
from tests.capture.receivers import MailServer, mail_server
from tests.capture.samples import make_submission

__all__ = ["no_sync"]

ADVERT = {"name": "Ann Winner", "message": "Do you know spam.example?", "email": "victim@example.org"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as one:
        yield one


@pytest.fixture
def house(tmp_path: Path, database_url: str, server: MailServer, no_sync: None) -> Iterator[House]:
    """A house whose contact form thanks by mail, in both of its languages."""
    secrets = Secrets(key=KEY, database=database_url, smtp=server.url)
    forms = tuple(replace(form, auto_reply=True) for form in (CONTACT, CONTACT_DE, GUIDE))
    with a_house(tmp_path, database_url, secrets=secrets, forms=forms) as one:
        yield one


def replies(house: House) -> list[str]:
    return [target for kind, target in stored(house, outbox.c.kind, outbox.c.target) if kind == KIND]


def test_a_stranger_whose_address_is_given_reads_nothing_that_was_written(house: House, server: MailServer) -> None:
    receipt_of(post(visitor(house), **ADVERT))
    assert stored(house, inquiries.c.held) == [(False,)]
    Worker(house).step(house.now())
    (mail,) = server.to("victim@example.org")
    whole = mail.message.as_string() + mail.message.get_content()
    assert "spam.example" not in whole
    assert "Winner" not in whole
    assert mail.message["Auto-Submitted"] == "auto-replied"
    assert mail.message["Subject"] == "Your message to Two Sides has arrived"
    assert mail.message["To"] == "victim@example.org"
    assert "somebody gave your address by mistake" in whole


def test_an_address_gets_one_a_day_from_all_forms_and_spellings(house: House) -> None:
    browser = visitor(house)
    for number, address in enumerate(("ann@example.org", "Ann@EXAMPLE.org", "ann@example.org")):
        receipt_of(post(browser, **key(), email=address, message=f"Message {number}"))
    receipt_of(browser.post("/_ob/f/guide", data={**ANSWERS, **key(), "email": "ANN@example.org"}))
    assert len(stored(house)) == 4
    assert replies(house) == ["ann@example.org"]
    assert isinstance(house.now, Clock)
    house.now.move(days=1)
    receipt_of(post(browser, **key(), message="A day later"))
    assert len(replies(house)) == 2


def test_what_is_held_is_not_answered_until_it_is_let_in(house: House) -> None:
    receipt_of(post(visitor(house), **{TRAP: "Example Ltd"}))
    assert replies(house) == []
    ((id_,),) = stored(house, inquiries.c.id)
    thanks = auto_reply(replace(CONTACT, auto_reply=True), make_submission(), Ids(KEY, Tokens()))
    with house.database.write() as connection:
        release(connection, id_, thanks, actor="a" * 32, now=house.now(), token=house.token)
    assert len(replies(house)) == 1


@pytest.mark.parametrize(
    "address",
    [
        "mailer-daemon@example.org",
        "Postmaster@example.org",
        "no-reply@example.org",
        "noreply+4711@example.org",
        "do_not_reply@example.org",
        "bounces-17@example.org",
        "owner-list@example.org",
        "list-request@example.org",
        "",
        "two@example.org,three@example.org",
    ],
)
def test_machines_and_nobody_get_none(address: str) -> None:
    form = replace(CONTACT, auto_reply=True)
    assert auto_reply(form, make_submission(email=address), Ids(KEY, Tokens())) == []


def test_a_form_that_does_not_ask_for_it_answers_nobody(tmp_path: Path, sqlite_url: str, no_sync: None) -> None:
    with a_house(tmp_path, sqlite_url) as house:
        receipt_of(create_app(house).test_client().post("/_ob/f/contact", data=ANSWERS))
        assert replies(house) == []
