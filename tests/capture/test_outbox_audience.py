"""Who is told of a submission: those whom the form names now, whichever way it comes to be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from capture.house import House
from capture.ids import Ids
from capture.outbox.audience import audience
from capture.spool import ingest, keep
from capture.store.database import Unavailable
from capture.store.tables import inquiries, outbox
from obverse.forms.form import Form
from obverse.forms.html import TRAP
from tests.capture.cases.visits import key, post, receipt_of, stored, visitor
from tests.capture.desk import token_in
from tests.capture.house import no_sync, write_release
from tests.capture.optin import FORMS, a_house_that_asks, sales
from tests.capture.samples import make_outgoing, make_submission, tokens

__all__ = ["no_sync"]

OLD = FORMS[0]
NEW = replace(
    OLD,
    notify=("new@house.test",),
    auto_reply=True,
    fields=(*OLD.fields[:-1], replace(OLD.fields[-1], text="Another sentence.", confirm=False)),
)
TOLD = [
    ("mail", "auto-reply", "ann@example.org"),
    ("mail", "confirm", "ann@example.org"),
    ("mail", "notify", "new@house.test"),
]


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str, no_sync: None) -> Iterator[House]:
    with a_house_that_asks(tmp_path, sqlite_url, forms=(OLD,), address="http://localhost") as one:
        yield one


def told(house: House) -> list[tuple[str, ...]]:
    return sorted(stored(house, outbox.c.channel, outbox.c.kind, outbox.c.target))


def publish(house: House, *forms: Form) -> None:
    assert house.setup.release
    write_release(house.setup.release, forms=forms)
    house.releases._looked = None  # as if a second had passed


def _away(*_: object) -> None:
    raise Unavailable("away")


def test_a_page_of_yesterday_tells_those_of_today(house: House) -> None:
    publish(house, NEW)
    receipt_of(post(visitor(house), news="yes", _ob_version=OLD.version, **key()))
    assert told(house) == TOLD


def test_what_waited_in_the_spool_tells_those_of_when_it_is_stored(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("capture.endpoint.save", _away)
        receipt_of(post(visitor(house), news="yes", **key()))
    publish(house, NEW)
    assert ingest(house) == 1
    assert told(house) == TOLD


def test_what_is_let_in_tells_those_of_when_it_is(house: House) -> None:
    receipt_of(post(visitor(house), news="yes", **{TRAP: "x"}, **key()))
    assert told(house) == []
    publish(house, NEW)
    ((id_,),) = stored(house, inquiries.c.id)
    browser = sales(house)
    page = browser.get(f"/inbox/i/{id_}")
    assert browser.post(f"/inbox/i/{id_}/release", data={"_csrf": token_in(page)}).status_code == 303
    assert told(house) == TOLD


def test_of_a_form_that_nobody_knows_the_spool_tells_as_it_was_told_then(house: House) -> None:
    keep(house.spool, make_submission(form="gone"), [make_outgoing("old@house.test")])
    assert ingest(house) == 1
    assert told(house) == [("mail", "notify", "old@house.test")]


def test_a_test_by_the_house_asks_nobody(house: House) -> None:
    canary = make_submission(canary=True)
    assert audience(house.releases.current(), canary, Ids("", tokens())) == []
